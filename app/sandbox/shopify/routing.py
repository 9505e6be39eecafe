"""Routing: fulfilment orders are moved, held, released, opened, split and accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import stock
from app.sandbox.shopify.fulfillment_orders import Picks, at_location, checked_picks, find, in_status, split_off
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.store import Rejected, Store

Moved = tuple[Document, Document, Document | None]  # moved, original, what remains where it was
_MOST_HOLDS = 10  # shopify.dev, fulfillmentOrderHold: an app may hold a fulfilment order ten times


def move(store: Store, number: int | None, place: int | None, picks: Picks) -> Moved:
    """Move a fulfilment order, or some of its units, to another place. Raises Rejected as the shop refuses."""
    with store.records.lock:
        document = _supporting(store, number, "move")
        location = store.records.read("locations", place)
        if location is None:
            raise Rejected("Location does not exist.", "newLocationId")
        if location["id"] == document["assigned_location_id"]:
            raise Rejected("The fulfillment order is already assigned to this location.", "newLocationId")
        units = checked_picks(document, picks, "fulfillmentOrderLineItems")
        _claim(store, document, location, units)
        if _everything(document, units):
            moved = {**document, **at_location(location), "updated_at": store.now()}
            return _keep(store, [moved], "fulfillment_orders/moved"), moved, None
        fresh, left = split_off(store, document, units, location)
        _keep(store, [fresh, left], "fulfillment_orders/moved")
        return fresh, left, left if left["status"] != "closed" else None


def hold(store: Store, number: int | None, wishes: dict[str, Any], picks: Picks) -> tuple[Document, Document | None]:
    """Put a fulfilment order, or some of its units, on hold: (held, what remains)."""
    with store.records.lock:
        document = _supporting(store, number, "hold")
        holds = document["fulfillment_holds"]
        if wishes["handle"] and any(each["handle"] == wishes["handle"] for each in holds):
            message = "The handle provided for the fulfillment hold is already in use by this app for this order."
            raise Rejected(message, "fulfillmentHold", "handle", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
        if len(holds) >= _MOST_HOLDS:
            message = "The maximum number of fulfillment holds for this fulfillment order has been reached."
            raise Rejected(message, "id", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
        units = checked_picks(document, picks, "fulfillmentHold", "fulfillmentOrderLineItems")
        left: Document | None = None
        if not _everything(document, units):
            document, left = split_off(store, document, units)
        held = {**wishes, "id": store.records.next_id(), "held_by_requesting_app": True}
        document = {**document, "fulfillment_holds": [*document["fulfillment_holds"], held]}
        document = in_status(document, "on_hold", store.now())
        _keep(store, [document, *([left] if left else [])], "fulfillment_orders/placed_on_hold")
        return document, left


def release(store: Store, number: int | None, holds: Sequence[int] | None) -> Document:
    """Release holds of a fulfilment order, all where none are named."""
    with store.records.lock:
        document = _supporting(store, number, "release_hold")
        left = [each for each in document["fulfillment_holds"] if holds is not None and each["id"] not in holds]
        changed: Document = {**document, "fulfillment_holds": left}
        if not left:
            begun = any(line["fulfillable_quantity"] < line["quantity"] for line in document["line_items"])
            changed = in_status(changed, "in_progress" if begun else "open", store.now())
        return _keep(store, [changed], "fulfillment_orders/hold_released")


def reopen(store: Store, number: int | None) -> Document:
    """Mark a scheduled or begun fulfilment order as open."""
    with store.records.lock:
        document = _supporting(store, number, "mark_as_open")
        return _keep(store, [in_status(document, "open", store.now())], "")


def split(store: Store, number: int | None, picks: Picks) -> tuple[Document, Document]:
    """Split units of a fulfilment order off: (what remains, the new one)."""
    with store.records.lock:
        document = _supporting(store, number, "split")
        units = checked_picks(document, picks, "fulfillmentOrderSplits", "fulfillmentOrderLineItems")
        if _everything(document, units):
            raise Rejected("At least one line item must remain.", "fulfillmentOrderSplits")
        fresh, left = split_off(store, document, units)
        _keep(store, [left, fresh], "fulfillment_orders/split")
        return left, fresh


def accept(store: Store, number: int | None) -> Document:
    """Accept the request that a fulfilment service ships a fulfilment order."""
    with store.records.lock:
        document = find(store, number, "id")
        if document["request_status"] != "submitted":
            raise Rejected("Fulfillment request cannot be accepted.", "id")
        accepted = {**document, "request_status": "accepted"}
        return _keep(store, [in_status(accepted, "in_progress", store.now())], "")


def _supporting(store: Store, number: int | None, action: str) -> Document:
    document = find(store, number, "id")
    if action not in document["supported_actions"]:
        raise Rejected(f"The fulfillment order is {document['status']} and does not support {action}.", "id")
    return document


def _everything(document: Document, units: dict[int, int]) -> bool:
    """Say whether units are all of a fulfilment order of which nothing was shipped yet."""
    return all(units.get(line["id"], 0) == line["quantity"] for line in document["line_items"])


def _claim(store: Store, document: Document, location: Document, units: dict[int, int]) -> None:
    levels = stock.Levels(store)
    for line in document["line_items"]:
        quantity, item = units.get(line["id"], 0), line["inventory_item_id"]
        levels.move(item, document["assigned_location_id"], available=quantity, committed=-quantity)
        levels.move(item, location["id"], available=-quantity, committed=quantity)
    store.records.write(levels.changes())


def _keep(store: Store, documents: Sequence[Document], topic: str) -> Document:
    store.records.write(changes_of("fulfillmentOrders", documents))
    if topic:
        store.emit(topic, {"fulfillment_order": {"id": documents[0]["id"], "status": documents[0]["status"]}})
    return documents[0]
