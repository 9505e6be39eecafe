"""Fulfilment orders: which place ships which units of an order, and what may be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.store import Rejected, Store

Picks = Sequence[tuple[int, int]]  # number of a fulfilment order's line, units of it

_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "open": ("create_fulfillment", "move", "hold", "split"),
    "in_progress": ("create_fulfillment", "move", "hold", "mark_as_open"),
    "on_hold": ("release_hold", "hold", "move"),
    "scheduled": ("mark_as_open", "move", "hold"),
    "incomplete": ("create_fulfillment", "hold"),
    "closed": (),
    "cancelled": (),
}


def remaining(document: Document) -> int:
    """Return how many units of a fulfilment order are still to be shipped."""
    return sum(int(line["fulfillable_quantity"]) for line in document["line_items"])


def in_status(document: Document, status: str, instant: str) -> dict[str, Any]:
    """Return a fulfilment order in a status, with the actions it then supports."""
    actions = _ACTIONS[status]
    if document["request_status"] == "submitted" and status == "open":
        actions = ("cancel_fulfillment_order",)
    return {**document, "status": status, "supported_actions": list(actions), "updated_at": instant}


def with_units(document: Document, units: Mapping[int, int], instant: str, *, ordered: bool = False) -> dict[str, Any]:
    """Return a fulfilment order with units added to its lines (negative ones taken); `ordered` the whole quantity too.

    It closes when nothing remains, and reopens when something does again.
    """
    lines = [
        {
            **line,
            "fulfillable_quantity": line["fulfillable_quantity"] + units.get(line["id"], 0),
            "quantity": line["quantity"] + (units.get(line["id"], 0) if ordered else 0),
        }
        for line in document["line_items"]
    ]
    changed: dict[str, Any] = {**document, "line_items": [line for line in lines if line["quantity"] > 0]}
    status = str(document["status"])
    if not remaining(changed):
        status = "closed"
    elif status == "closed":
        status = "open"
    elif not ordered and status == "open":
        status = "in_progress"
    return in_status(changed, status, instant)


def new_order(
    store: Store, order: Document, location: Document, units: Iterable[tuple[Document, int]], method: str
) -> dict[str, Any]:
    """Build an open fulfilment order of some units of lines at a place; `method` is shipping or none."""
    number, instant = store.records.next_id(), store.now()
    lines = [
        {
            "id": store.records.next_id(),
            "shop_id": 1,
            "fulfillment_order_id": number,
            "quantity": quantity,
            "line_item_id": line["id"],
            "inventory_item_id": inventory_item(store, line),
            "fulfillable_quantity": quantity,
            "variant_id": line["variant_id"],
        }
        for line, quantity in units
    ]
    document: dict[str, Any] = {
        "id": number,
        "created_at": instant,
        "updated_at": instant,
        "shop_id": 1,
        "order_id": order["id"],
        "request_status": "unsubmitted",
        "status": "open",
        "fulfill_at": instant,
        "fulfill_by": None,
        "supported_actions": [],
        "destination": _destination(store, order) if method == "shipping" else None,
        "line_items": lines,
        "international_duties": None,
        "fulfillment_holds": [],
        "delivery_method": {"id": store.records.next_id(), "method_type": method},
        "merchant_requests": [],
    }
    return in_status({**document, **at_location(location)}, "open", instant)


def at_location(location: Document) -> dict[str, Any]:
    """Return the part of a fulfilment order that says where it is assigned."""
    return {
        "assigned_location_id": location["id"],
        "assigned_location": {
            "location_id": location["id"],
            "name": location["name"],
            "address1": location["address1"],
            "address2": None,
            "city": location["city"],
            "province": location["province"],
            "zip": location["zip"],
            "country_code": location["country_code"],
            "phone": None,
        },
    }


def inventory_item(store: Store, line: Document) -> int | None:
    """Return the inventory item of a line, None where it has no variant."""
    variant = store.records.read("variants", line["variant_id"]) if line["variant_id"] else None
    return int(variant["inventory_item_id"]) if variant else None


def place_of(store: Store, order: Document, line: int) -> int | None:
    """Return the number of the place that ships a line of an order, None where nothing of it is shipped."""
    for document in store.records.of_order("fulfillmentOrders", order["id"]):
        if any(row["line_item_id"] == line for row in document["line_items"]):
            return int(document["assigned_location_id"])
    return None


def find(store: Store, number: int | None, *field: str) -> Document:
    """Return a fulfilment order. Raises Rejected when the shop has none of this number."""
    document = store.records.read("fulfillmentOrders", number)
    if document is None:
        raise Rejected("Fulfillment order does not exist.", *field, code="FULFILLMENT_ORDER_NOT_FOUND")
    return document


def checked_picks(document: Document, picks: Picks, *field: str) -> dict[int, int]:
    """Return units by line; none given means all that remain. Raises Rejected beyond what remains."""
    if not picks:
        return {line["id"]: line["fulfillable_quantity"] for line in document["line_items"]}
    known = {line["id"]: int(line["fulfillable_quantity"]) for line in document["line_items"]}
    units: dict[int, int] = {}
    for number, quantity in picks:
        if number not in known:
            raise Rejected("Fulfillment order line item does not exist.", *field)
        units[number] = units.get(number, 0) + quantity
        if quantity <= 0 or units[number] > known[number]:
            raise Rejected(
                "Invalid fulfillment order line item quantity requested.", *field, code="INVALID_LINE_ITEM_QUANTITY"
            )
    return units


def split_off(
    store: Store, document: Document, units: Mapping[int, int], location: Document | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Move units into a fulfilment order of their own, at another place where one is given: (new, what is left)."""
    order = store.order(int(document["order_id"]))
    place = location or store.records.read("locations", document["assigned_location_id"])
    assert place is not None
    lines = {line["id"]: line for line in order["line_items"]}
    wanted = [(lines[row["line_item_id"]], units[row["id"]]) for row in document["line_items"] if units.get(row["id"])]
    fresh = new_order(store, order, place, wanted, document["delivery_method"]["method_type"])
    left = with_units(document, {number: -quantity for number, quantity in units.items()}, store.now(), ordered=True)
    return fresh, left


def without_units(store: Store, order: Document, units: Mapping[int, int]) -> list[Change]:
    """Take units by line of the order out of its fulfilment orders, because they will never be shipped."""
    left, changed = dict(units), []
    for document in store.records.of_order("fulfillmentOrders", order["id"]):
        taken: dict[int, int] = {}
        for row in document["line_items"]:
            take = min(left.get(row["line_item_id"], 0), row["fulfillable_quantity"])
            if take:
                taken[row["id"]] = -take
                left[row["line_item_id"]] -= take
        if taken:
            changed.append(with_units(document, taken, store.now(), ordered=True))
    return changes_of("fulfillmentOrders", changed)


def _destination(store: Store, order: Document) -> dict[str, Any]:
    address = order["shipping_address"] or order["billing_address"] or {}
    names = ("address1", "address2", "city", "company", "country", "country_code", "province", "zip")
    persons = ("first_name", "last_name", "phone")
    return {
        "id": store.records.next_id(),
        **{name: address.get(name) for name in (*names, *persons)},
        "email": order["email"] or None,
    }
