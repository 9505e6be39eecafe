"""What a shop has open and sent for one order: read each time, since routing, edits and moves change its ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.shopify.client import Admin
from app.adapters.shopify.documents import fulfilments
from app.adapters.shopify.fulfilment_plan import FulfilmentOrder, Hold, OpenLine, Sent
from app.adapters.shopify.mapping.reading import identity, required_moment
from app.kernel.errors import NeedsAttention

MOST_PAGES = 20  # 200 fulfilment orders, or 2,000 lines of one
AT_ONCE = 4  # fulfilments in one query: more would cost over 1,000 points
GID = "gid://shopify/Fulfillment/"

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The fulfilment orders of an order, and ids of the fulfilments that were not cancelled."""

    orders: tuple[FulfilmentOrder, ...]
    sent: tuple[str, ...]


def state(admin: Admin, order_gid: str) -> State | None:
    """Read an order's state; None where the shop does not know the order."""
    read: list[FulfilmentOrder] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        order = admin.ask(fulfilments.FULFILMENT_STATE, id=order_gid, after=after)["order"]
        if order is None:
            return None
        read += [_fulfilment_order(admin, one) for one in order["fulfillmentOrders"]["nodes"]]
        after = _next(order["fulfillmentOrders"])
        if after is None:
            sent = tuple(one["id"] for one in order["fulfillments"] if one["status"] != "CANCELLED")
            return State(orders=tuple(read), sent=sent)
    raise _endless(order_gid)


def fulfilments_of(admin: Admin, gids: Iterable[str]) -> tuple[Sent, ...]:
    """Fulfilments with units and tracking, in the order asked for; those that the shop does not know are left out."""
    asked = list(gids)
    found: list[Sent] = []
    for start in range(0, len(asked), AT_ONCE):
        nodes = admin.ask(fulfilments.FULFILMENTS, ids=asked[start : start + AT_ONCE])["nodes"]
        found += [_sent(node) for node in nodes if node]
    return tuple(found)


def _fulfilment_order(admin: Admin, one: Found) -> FulfilmentOrder:
    location = one["assignedLocation"]["location"]
    return FulfilmentOrder(
        gid=one["id"],
        status=one["status"],
        request_status=one["requestStatus"],
        location="" if location is None else identity(location, "id"),
        actions=frozenset(each["action"] for each in one["supportedActions"]),
        holds=tuple(
            Hold(gid=hold["id"], ours=hold["heldByRequestingApp"], reason=hold["displayReason"])
            for hold in one["fulfillmentHolds"]
        ),
        lines=tuple(
            OpenLine(gid=line["id"], line_id=identity(line["lineItem"], "id"), remaining=line["remainingQuantity"])
            for line in _all_lines(admin, one)
        ),
    )


def _all_lines(admin: Admin, one: Found) -> list[Found]:
    lines: list[Found] = list(one["lineItems"]["nodes"])
    after = _next(one["lineItems"])
    for _ in range(MOST_PAGES):
        if after is None:
            return lines
        more = admin.ask(fulfilments.FULFILMENT_ORDER_LINES, id=one["id"], after=after)["fulfillmentOrder"]["lineItems"]
        lines += more["nodes"]
        after = _next(more)
    raise _endless(one["id"])


def _sent(node: Found) -> Sent:
    items = node["fulfillmentLineItems"]
    if _next(items) is not None:
        raise NeedsAttention("shopify.too_many_rows", "a fulfilment has more than 100 lines", about=node["id"])
    units: dict[str, int] = {}
    for item in items["nodes"]:
        line = identity(item["lineItem"], "id")
        units[line] = units.get(line, 0) + int(item["quantity"] or 0)
    return Sent(
        external_id=identity(node, "id"),
        created_at=required_moment(node, "createdAt"),
        cancelled=node["status"] == "CANCELLED",
        units=units,
        numbers=frozenset(tracking["number"] for tracking in node["trackingInfo"] if tracking["number"]),
    )


def _next(connection: Found) -> str | None:
    page = connection["pageInfo"]
    return page["endCursor"] if page["hasNextPage"] else None


def _endless(about: str) -> NeedsAttention:
    return NeedsAttention("shopify.pages_without_end", "the shop's pages never end", about=about)
