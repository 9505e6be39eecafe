"""Webhooks that are no whole order: bells, fulfilments, and the shop's farewell."""

from __future__ import annotations

from app.adapters.shopify.mapping.reading import (
    Row,
    each,
    identity,
    loose_text,
    required_identity,
    required_moment,
    row,
    rows,
    text,
    units,
    untold,
    word,
)
from app.domains.orders.canonical import Bell, Deleted, FulfilmentReported, ReportedLine, Tracking, Uninstalled

# Where bodies other than an order name one: refunds and transactions at the top, returns and edits inside.
_FULFILMENT_ORDERS = ("fulfillment_order", "moved_fulfillment_order", "original_fulfillment_order")


def subject(topic: str, given: Row) -> tuple[str, str]:
    """The kind and id of what a body is about; the id is empty where the body names none."""
    if topic == "app/uninstalled":
        return "shop", identity(given, "id")
    if topic.startswith("products/"):
        return "product", identity(given, "id")
    if topic.startswith("inventory_levels/"):
        return "inventory_level", f"{identity(given, 'location_id')}-{identity(given, 'inventory_item_id')}"
    if order_id := _order_id(topic, given):
        return "order", order_id
    for name in _FULFILMENT_ORDERS:
        if inner := given.get(name):
            return "fulfillment_order", identity(row(inner, name), "id")
    return "order", ""


def bell(topic: str, given: Row) -> Bell:
    """Something of an order changed; the order is to be fetched."""
    kind, external_id = subject(topic, given)
    if not external_id:
        raise untold("order_id")
    return Bell(kind=kind, external_id=external_id, reason=topic)


def fulfilment(topic: str, given: Row) -> FulfilmentReported:
    """A fulfilment, ours or the merchant's: the ids tell which."""
    numbers = [loose_text(one) for one in rows(given.get("tracking_numbers"), "tracking_numbers")]
    urls = [loose_text(one) for one in rows(given.get("tracking_urls"), "tracking_urls")]
    company = text(given, "tracking_company")
    return FulfilmentReported(
        order_external_id=required_identity(given, "order_id"),
        external_id=required_identity(given, "id"),
        status=word(given, "status"),
        source_version=required_moment(given, "updated_at"),
        location=identity(given, "location_id"),
        tracking=tuple(
            Tracking(number=number, company=company, url=urls[place] if place < len(urls) else "")
            for place, number in enumerate(numbers)
        ),
        lines=each(given, "line_items", _line),
    )


def deleted(topic: str, given: Row) -> Deleted:
    return Deleted(kind="order", external_id=required_identity(given, "id"))


def uninstalled(topic: str, given: Row) -> Uninstalled:
    return Uninstalled(shop=text(given, "myshopify_domain") or text(given, "domain"))


def _line(given: Row) -> ReportedLine:
    return ReportedLine(line_id=required_identity(given, "id"), quantity=units(given, "quantity"))


def _order_id(topic: str, given: Row) -> str:
    if topic == "orders/edited":
        given = row(given.get("order_edit") or given, "order_edit")
    elif topic.startswith("orders/"):
        return identity(given, "id")
    if inner := given.get("order"):
        return identity(row(inner, "order"), "id")
    return identity(given, "order_id")
