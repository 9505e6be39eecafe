"""Stock: what each place has of each inventory item, and what orders do to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify.fulfillment_orders import inventory_item, place_of
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.store import Store

NAMES = ("available", "on_hand", "committed", "incoming", "reserved", "damaged", "safety_stock", "quality_control")


def key(item: int, location: int) -> str:
    """Return the key of a level in the books."""
    return f"{location}-{item}"


def level(store: Store, item: int, location: int) -> Document | None:
    """Return a place's level of an item, None where it is not stocked."""
    return store.records.read("inventoryLevels", key(item, location))


def new_level(item: int, location: int, available: int, instant: str) -> dict[str, Any]:
    """Build a level with nothing committed."""
    quantities = dict.fromkeys(NAMES, 0) | {"available": available, "on_hand": available}
    return {
        "id": key(item, location),
        "inventory_item_id": item,
        "location_id": location,
        **quantities,
        "created_at": instant,
        "updated_at": instant,
    }


class Levels:
    """Levels while one change is worked out: several lines may move the same one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._moved: dict[str, Document] = {}

    def move(self, item: int | None, location: int | None, **deltas: int) -> None:
        """Move a level's quantities by deltas; nothing happens where the item is not stocked."""
        if item is None or location is None:
            return
        before = self._moved.get(key(item, location)) or level(self._store, item, location)
        if before is not None:
            quantities = {name: before[name] + delta for name, delta in deltas.items()}
            self._moved[before["id"]] = {**before, **quantities, "updated_at": self._store.now()}

    def changes(self) -> list[Change]:
        """Return the changes that keep the levels, and tell of each."""
        for after in self._moved.values():
            self._store.emit("inventory_levels/update", after)
        return changes_of("inventoryLevels", self._moved.values())


def commit(levels: Levels, documents: Iterable[Document]) -> None:
    """Let fulfilment orders claim their units."""
    for document in documents:
        for line in document["line_items"]:
            quantity, place = line["quantity"], document["assigned_location_id"]
            levels.move(line["inventory_item_id"], place, available=-quantity, committed=quantity)


def release(store: Store, levels: Levels, order: Document, units: Mapping[int, int]) -> None:
    """Give back what units by line had claimed and will never ship."""
    for line in order["line_items"]:
        quantity = units.get(line["id"], 0)
        if quantity:
            place = place_of(store, order, line["id"])
            levels.move(inventory_item(store, line), place, available=quantity, committed=-quantity)


def shipped(store: Store, order: Document, location: int, units: Mapping[int, int]) -> list[Change]:
    """Return the changes of levels when units by line leave a place; negative ones come back and are committed."""
    levels = Levels(store)
    for line in order["line_items"]:
        quantity = units.get(line["id"], 0)
        if quantity:
            levels.move(inventory_item(store, line), location, on_hand=-quantity, committed=-quantity)
    return levels.changes()
