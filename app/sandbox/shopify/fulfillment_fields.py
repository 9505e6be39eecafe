"""Fulfilment orders and fulfilments as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from app.sandbox.shopify.catalogue_fields import location
from app.sandbox.shopify.line_fields import line_of, variant_of
from app.sandbox.shopify.pairs import Pair
from app.sandbox.shopify.records import gid
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, legacy, named

HELD = {
    "awaiting_payment": "Awaiting payment",
    "high_risk_of_fraud": "High risk of fraud",
    "incorrect_address": "Incorrect address",
    "inventory_out_of_stock": "Inventory out of stock",
    "unknown_delivery_date": "Unknown delivery date",
    "awaiting_return_items": "Awaiting return items",
    "online_store_post_purchase_cross_sell": "Online store post purchase cross sell",
    "other": "Other",
}


def order_of(view: View, query: Query) -> View:
    """Return the order that a fulfilment order or fulfilment belongs to."""
    return View("Order", view.order or query.store.order(int(view.document["order_id"])))


def _assigned(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    document = view.document["assigned_location"]
    return {**document, "location": location(query, document["location_id"])}


def _part(kind: str, key: str) -> Resolver:
    def read(view: View, arguments: Arguments, query: Query) -> View | None:
        document = view.document.get(key)
        return View(kind, document, view.order) if document else None

    return read


def _parts(kind: str, key: str) -> Resolver:
    def read(view: View, arguments: Arguments, query: Query) -> list[View]:
        order = order_of(view, query).document
        return [View(kind, each, order) for each in view.document[key]]

    return read


def _fulfillments(view: View, arguments: Arguments, query: Query) -> list[View]:
    order = order_of(view, query).document
    rows = query.store.records.of_order("fulfillmentLineItems", order["id"])
    wanted = {row["fulfillment_id"] for row in rows if row["fulfillment_order_id"] == view.document["id"]}
    return [View("Fulfillment", each, order) for each in order["fulfillments"] if each["id"] in wanted]


def _fulfillment_orders(view: View, arguments: Arguments, query: Query) -> list[View]:
    order = order_of(view, query).document
    rows = query.store.records.of_order("fulfillmentLineItems", order["id"])
    wanted = {row["fulfillment_order_id"] for row in rows if row["fulfillment_id"] == view.document["id"]}
    found = query.store.records.of_order("fulfillmentOrders", order["id"])
    return [View("FulfillmentOrder", each, order) for each in found if each["id"] in wanted]


def _fulfillment_lines(view: View, arguments: Arguments, query: Query) -> list[View]:
    order = order_of(view, query).document
    rows = query.store.records.of_order("fulfillmentLineItems", order["id"])
    return [View("FulfillmentLineItem", row, order) for row in rows if row["fulfillment_id"] == view.document["id"]]


def _tracking(view: View, arguments: Arguments, query: Query) -> list[dict[str, Any]]:
    document = view.document
    company = document["tracking_company"]
    pairs = list(zip_longest(document["tracking_numbers"], document["tracking_urls"]))
    if not pairs and company:
        pairs = [(None, None)]
    return [{"company": company, "number": number, "url": url} for number, url in pairs[: arguments.get("first")]]


def _movable(view: View, arguments: Arguments, query: Query) -> list[View]:
    assigned = view.document["assigned_location_id"]
    return [
        View("FulfillmentOrderLocationForMove", {"location": View("Location", each), "message": None, "movable": True})
        for each in query.store.records.all("locations")
        if each["id"] != assigned
    ]


def _from_line(key: str) -> Resolver:
    """Return the resolver of what a fulfilment order's line has from the order's line."""
    return lambda view, *_: line_of(view.order, view.document["line_item_id"]).document[key]


def _weight(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    grams = line_of(view.order, view.document["line_item_id"]).document["grams"]
    return {"value": grams, "unit": "GRAMS"}


def _value(view: View, *, net: bool) -> dict[str, Any]:
    """Return what the fulfilled units of a line are worth, before or after its discounts."""
    line = line_of(view.order, view.document["line_item_id"]).document
    whole = Pair.read(line["price_set"]) * int(line["quantity"])
    for each in line["discount_allocations"] if net else ():
        whole = whole - Pair.read(each["amount_set"])
    return whole.part(Fraction(view.document["quantity"], line["quantity"])).set


_ORDER: Mapping[str, Resolver] = {
    "id": identity,
    "assignedLocation": _assigned,
    "deliveryMethod": _part("DeliveryMethod", "delivery_method"),
    "destination": _part("FulfillmentOrderDestination", "destination"),
    "fulfillmentHolds": _parts("FulfillmentHold", "fulfillment_holds"),
    "fulfillments": _fulfillments,
    "lineItems": _parts("FulfillmentOrderLineItem", "line_items"),
    "order": lambda view, arguments, query: order_of(view, query),
    "orderId": lambda view, *_: gid("Order", view.document["order_id"]),
    "orderName": lambda view, arguments, query: order_of(view, query).document["name"],
    "orderProcessedAt": lambda view, arguments, query: order_of(view, query).document["processed_at"],
    "supportedActions": lambda view, *_: [{"action": each} for each in view.document["supported_actions"]],
    "locationsForMove": _movable,
}
_LINE: Mapping[str, Resolver] = {
    "id": identity,
    "lineItem": lambda view, *_: line_of(view.order, view.document["line_item_id"]),
    "inventoryItemId": lambda view, *_: (
        gid("InventoryItem", view.document["inventory_item_id"]) if view.document["inventory_item_id"] else None
    ),
    "productTitle": _from_line("title"),
    "variantTitle": _from_line("variant_title"),
    "sku": _from_line("sku"),
    "vendor": _from_line("vendor"),
    "requiresShipping": _from_line("requires_shipping"),
    "variant": variant_of,
    "remainingQuantity": named("fulfillable_quantity"),
    "totalQuantity": named("quantity"),
    "weight": _weight,
}
_FULFILLMENT: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "displayStatus": lambda view, *_: "CANCELED" if view.document["status"] == "cancelled" else "FULFILLED",
    "location": lambda view, arguments, query: location(query, view.document["location_id"]),
    "order": lambda view, arguments, query: order_of(view, query),
    "requiresShipping": lambda view, *_: any(line["requires_shipping"] for line in view.document["line_items"]),
    "service": always(None),
    "totalQuantity": lambda view, *_: sum(line["quantity"] for line in view.document["line_items"]),
    "trackingInfo": _tracking,
    "fulfillmentLineItems": _fulfillment_lines,
    "fulfillmentOrders": _fulfillment_orders,
}
FIELDS: Fields = {
    **{("FulfillmentOrder", name): resolver for name, resolver in _ORDER.items()},
    **{("FulfillmentOrderLineItem", name): resolver for name, resolver in _LINE.items()},
    **{("Fulfillment", name): resolver for name, resolver in _FULFILLMENT.items()},
    ("FulfillmentLineItem", "id"): identity,
    ("FulfillmentLineItem", "lineItem"): lambda view, *_: line_of(view.order, view.document["line_item_id"]),
    ("FulfillmentLineItem", "originalTotalSet"): lambda view, *_: _value(view, net=False),
    ("FulfillmentLineItem", "discountedTotalSet"): lambda view, *_: _value(view, net=True),
    ("DeliveryMethod", "id"): identity,
    ("FulfillmentOrderDestination", "id"): identity,
    ("FulfillmentOrderDestination", "location"): always(None),
    ("FulfillmentHold", "id"): identity,
    ("FulfillmentHold", "displayReason"): lambda view, *_: HELD[view.document["reason"]],
    ("FulfillmentHold", "heldByApp"): always(None),
}
