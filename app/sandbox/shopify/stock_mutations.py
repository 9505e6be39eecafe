"""Mutations of stock: quantities set absolutely, items made known at a place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import stock
from app.sandbox.shopify.catalogue_fields import item_view, level_view, location
from app.sandbox.shopify.mutations import Mutations, Payload, error, mutation
from app.sandbox.shopify.records import number_of
from app.sandbox.shopify.schema import IDEMPOTENT_SINCE
from app.sandbox.shopify.store import Rejected
from app.sandbox.shopify.views import Arguments, Fields, Query, View, identity

_SETTABLE = frozenset({"available", "on_hand"})
_MOST = 1_000_000_000  # the vendor's text of InventorySetQuantitiesUserErrorCode.INVALID_QUANTITY_TOO_HIGH
# shopify.dev, "Manage inventory quantities and states": the reasons an app may give.
REASONS = frozenset(
    {
        "correction", "cycle_count_available", "damaged", "movement_created", "movement_updated", "movement_received",
        "movement_canceled", "other", "promotion", "quality_control", "received", "reservation_created",
        "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
    }
)  # fmt: skip


def _set(arguments: Arguments, query: Query) -> Payload:
    given = arguments["input"]
    if given["name"] not in _SETTABLE:
        raise Rejected(
            "The quantity name must be either 'available' or 'on_hand'.", "input", "name", code="INVALID_NAME"
        )
    if given["reason"] not in REASONS:
        raise Rejected("The specified reason is invalid.", "input", "reason", code="INVALID_REASON")
    uri = given.get("referenceDocumentUri")
    if uri is not None and "://" not in uri:
        message = "The specified reference document is invalid."
        raise Rejected(message, "input", "referenceDocumentUri", code="INVALID_REFERENCE_DOCUMENT")
    with query.store.records.lock:
        levels, errors, seen = [], [], set()
        for place, each in enumerate(given["quantities"]):
            try:
                levels.append((_level(query, given, each, str(place)), each["quantity"]))
                pair = (each["inventoryItemId"], each["locationId"])
                if pair in seen:
                    message = "The combination of inventoryItemId and locationId must be unique."
                    raise _quantity(message, str(place), "locationId", "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")
                seen.add(pair)
            except Rejected as refusal:
                errors.append(error(refusal))
        if errors:
            return {"user_errors": errors}
        return {"inventory_adjustment_group": _adjust(query, given, levels)}


def _quantity(message: str, place: str, name: str, code: str) -> Rejected:
    return Rejected(message, "input", "quantities", place, name, code=code)


def _level(query: Query, given: Mapping[str, Any], each: Mapping[str, Any], place: str) -> Document:
    """Return the level that one entry sets. Raises Rejected as the shop refuses."""
    item = number_of(each["inventoryItemId"], "InventoryItem")
    if item is None or query.store.records.variant_of_item(item) is None:
        message = "The specified inventory item could not be found."
        raise _quantity(message, place, "inventoryItemId", "INVALID_INVENTORY_ITEM")
    where = number_of(each["locationId"], "Location")
    if where is None or query.store.records.read("locations", where) is None:
        raise _quantity("The specified location could not be found.", place, "locationId", "INVALID_LOCATION")
    level = stock.level(query.store, item, where)
    if level is None:
        message = "The specified inventory item is not stocked at the location."
        raise _quantity(message, place, "locationId", "ITEM_NOT_STOCKED_AT_LOCATION")
    if each["quantity"] > _MOST:
        message = f"The total quantity can't be higher than {_MOST:,}."
        raise _quantity(message, place, "quantity", "INVALID_QUANTITY_TOO_HIGH")
    if each["quantity"] < 0 and given["name"] == "on_hand":
        raise _quantity("The quantity can't be negative.", place, "quantity", "INVALID_QUANTITY_NEGATIVE")
    _compare(query, given, each, level[given["name"]], place)
    return level


def _compare(query: Query, given: Mapping[str, Any], each: Mapping[str, Any], held: int, place: str) -> None:
    """Raise Rejected when the caller's last known quantity is missing or stale, by the rules of the version."""
    if query.version >= IDEMPOTENT_SINCE:
        name, stale, ignored = "changeFromQuantity", "CHANGE_FROM_QUANTITY_STALE", False
        missing = name not in each  # an explicit null opts out of the compare
    else:
        name, stale, ignored = "compareQuantity", "COMPARE_QUANTITY_STALE", bool(given.get("ignoreCompareQuantity"))
        missing = each.get(name) is None
    if ignored:
        return
    if missing:
        raise _quantity(f"The {name} argument must be given.", place, name, "COMPARE_QUANTITY_REQUIRED")
    if each[name] is not None and each[name] != held:
        raise _quantity(f"The {name} argument no longer matches the persisted quantity.", place, name, stale)


def _adjust(query: Query, given: Mapping[str, Any], levels: list[tuple[Document, int]]) -> View | None:
    moved, changes = stock.Levels(query.store), []
    for level, quantity in levels:
        delta = quantity - level[given["name"]]
        if delta:
            moved.move(level["inventory_item_id"], level["location_id"], available=delta, on_hand=delta)
            changes += [
                {"name": name, "delta": delta, "level": level, "after": level[name] + delta}
                for name in ("available", "on_hand")
            ]
    query.store.records.write(moved.changes())
    if not changes:
        return None
    document = {
        "id": query.store.records.next_id(),
        "reason": given["reason"],
        "reference_document_uri": given.get("referenceDocumentUri"),
        "created_at": query.store.now(),
        "changes": changes,
    }
    return View("InventoryAdjustmentGroup", document)


def _activate(arguments: Arguments, query: Query) -> Payload:
    item = number_of(arguments["inventoryItemId"], "InventoryItem")
    place = number_of(arguments["locationId"], "Location")
    if item is None or query.store.records.variant_of_item(item) is None:
        raise Rejected("The inventory item couldn't be found", "inventoryItemId")
    if place is None or query.store.records.read("locations", place) is None:
        raise Rejected("The location couldn't be found", "locationId")
    with query.store.records.lock:
        level = stock.level(query.store, item, place)
        available = arguments.get("available")
        available = arguments.get("onHand") if available is None else available
        if level is not None and available is not None:
            message = "Not allowed to set available quantity when the item is already active at the location."
            raise Rejected(message, "available")
        if level is None:
            level = stock.new_level(item, place, available or 0, query.store.now())
            query.store.records.write([("inventoryLevels", stock.key(item, place), level)])
            query.store.emit("inventory_levels/update", level)
        return {"inventory_level": level_view(level)}


def _changes(view: View, arguments: Arguments, query: Query) -> list[dict[str, Any]]:
    names = arguments.get("quantityNames")
    return [each for each in view.document["changes"] if names is None or each["name"] in names]


MUTATIONS: Mutations = {
    "inventorySetQuantities": mutation(_set),
    "inventoryActivate": mutation(_activate),
}
FIELDS: Fields = {
    ("InventoryAdjustmentGroup", "id"): identity,
    ("InventoryAdjustmentGroup", "changes"): _changes,
    ("InventoryChange", "item"): lambda each, _, query: item_view(query, each["level"]["inventory_item_id"]),
    ("InventoryChange", "location"): lambda each, _, query: location(query, each["level"]["location_id"]),
    ("InventoryChange", "quantityAfterChange"): lambda each, *_: each["after"],
}
