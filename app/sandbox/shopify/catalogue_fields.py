"""Locations, products, variants, inventory items and levels as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import stock
from app.sandbox.shopify.order_fields import words
from app.sandbox.shopify.records import gid, number_of
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, legacy, named


def location(query: Query, number: object) -> View | None:
    """Return the view of a location, None where the shop has none of this number."""
    document = query.store.records.read("locations", number)
    return View("Location", document) if document else None


def level_view(level: Document) -> View:
    """Return the view of an inventory level."""
    return View("InventoryLevel", level)


def level_id(level: Document) -> str:
    """Return the global id of an inventory level: the place's number, the item's as a parameter."""
    return f"{gid('InventoryLevel', level['location_id'])}?inventory_item_id={level['inventory_item_id']}"


def item_view(query: Query, number: object) -> View | None:
    """Return the view of an inventory item: its variant's document, which holds all that the shop knows of it."""
    variant = query.store.records.variant_of_item(number)
    return View("InventoryItem", {**variant, "id": variant["inventory_item_id"]}) if variant else None


def _address(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    names = ("address1", "address2", "city", "zip")
    return {**view.document, "formatted": [view.document[name] for name in names if view.document[name]]}


def _level(view: View, arguments: Arguments, query: Query) -> View | None:
    """Return the level of an item at a place, whichever of the two is asked."""
    number = view.document["id"]
    if view.kind == "Location":
        item, place = number_of(arguments["inventoryItemId"], "InventoryItem"), number
    else:
        item, place = number, number_of(arguments["locationId"], "Location")
    found = stock.level(query.store, item, place) if item and place else None
    return level_view(found) if found else None


def _levels(key: str) -> Resolver:
    return lambda view, arguments, query: [
        level_view(each) for each in query.store.records.all("inventoryLevels") if each[key] == view.document["id"]
    ]


def _quantities(view: View, arguments: Arguments, query: Query) -> list[View]:
    level = view.document
    return [
        View(
            "InventoryQuantity",
            {"id": level["id"], "name": name, "quantity": level[name], "updated_at": level["updated_at"]},
        )
        for name in arguments["names"]
        if name in stock.NAMES
    ]


def variants(view: View, arguments: Arguments, query: Query) -> list[View]:
    """Return a product's variants in their order."""
    found = (query.store.records.read("variants", number) for number in view.document["variant_ids"])
    return [View("ProductVariant", each) for each in found if each is not None]


def _product(view: View, arguments: Arguments, query: Query) -> View:
    document = query.store.records.read("products", view.document["product_id"])
    assert document is not None
    return View("Product", document)


def _available(query: Query, item: object) -> int:
    levels = query.store.records.all("inventoryLevels")
    return sum(each["available"] for each in levels if each["inventory_item_id"] == item)


def _total(view: View, arguments: Arguments, query: Query) -> int:
    return sum(_available(query, each.document["inventory_item_id"]) for each in variants(view, arguments, query))


def _options(view: View, arguments: Arguments, query: Query) -> list[View]:
    return [View("ProductOption", each) for each in view.document["options"]]


def _option_values(view: View, arguments: Arguments, query: Query) -> list[View]:
    number = view.document["id"]
    return [
        View("ProductOptionValue", {"id": f"{number}{place:03d}", "name": value, "has_variants": True})
        for place, value in enumerate(view.document["values"], start=1)
    ]


def _selected(view: View, arguments: Arguments, query: Query) -> list[dict[str, Any]]:
    found = []
    for place, option in enumerate(_product(view, arguments, query).document["options"], start=1):
        word = view.document.get(f"option{place}")
        value = View("ProductOptionValue", {"id": view.document["id"] * 10 + place, "name": word, "has_variants": True})
        found.append({"name": option["name"], "value": word, "option_value": value})
    return found


def _stock_of(view: View, arguments: Arguments, query: Query) -> int:
    return _available(query, view.document["inventory_item_id"])


def _display_name(view: View, arguments: Arguments, query: Query) -> str:
    return f"{_product(view, arguments, query).document['title']} - {view.document['title']}"


def _variant(view: View, arguments: Arguments, query: Query) -> View:
    variant = query.store.records.variant_of_item(view.document["id"])
    assert variant is not None
    return View("ProductVariant", variant)


_LOCATION: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "isActive": named("active"),
    "isPrimary": always(False),
    "fulfillsOnlineOrders": always(True),
    "hasActiveInventory": always(True),
    "shipsInventory": always(True),
    "isFulfillmentService": always(False),
    "activatable": always(False),
    "deactivatable": always(False),
    "deletable": always(False),
    "address": _address,
    "inventoryLevel": _level,
    "inventoryLevels": _levels("location_id"),
}
_PRODUCT: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "descriptionHtml": named("body_html"),
    "tags": lambda view, *_: words(view.document["tags"]),
    "totalInventory": _total,
    "mediaCount": lambda view, *_: {"count": len(view.document.get("images") or ()), "precision": "EXACT"},
    "seo": lambda view, *_: view.document.get("seo") or {"title": view.document["title"], "description": None},
    "options": _options,
    "variants": variants,
    "metafields": always(()),
}
_VARIANT: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "displayName": _display_name,
    "availableForSale": lambda view, arguments, query: _stock_of(view, arguments, query) > 0,
    "sellableOnlineQuantity": _stock_of,
    "inventoryQuantity": _stock_of,
    "inventoryItem": lambda view, arguments, query: item_view(query, view.document["inventory_item_id"]),
    "product": _product,
    "selectedOptions": _selected,
    "metafields": always(()),
}
_ITEM: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "tracked": lambda view, *_: view.document.get("tracked", True),
    "duplicateSkuCount": always(0),
    "measurement": lambda view, *_: View("InventoryItemMeasurement", view.document),
    "inventoryLevel": _level,
    "inventoryLevels": _levels("inventory_item_id"),
    "variant": _variant,
    "variants": lambda view, arguments, query: [_variant(view, arguments, query)],
}
_LEVEL: Mapping[str, Resolver] = {
    "id": lambda view, *_: level_id(view.document),
    "isActive": always(True),
    "canDeactivate": always(False),
    "item": lambda view, arguments, query: item_view(query, view.document["inventory_item_id"]),
    "location": lambda view, arguments, query: location(query, view.document["location_id"]),
    "quantities": _quantities,
}
FIELDS: Fields = {
    **{("Location", name): resolver for name, resolver in _LOCATION.items()},
    **{("Product", name): resolver for name, resolver in _PRODUCT.items()},
    **{("ProductVariant", name): resolver for name, resolver in _VARIANT.items()},
    **{("InventoryItem", name): resolver for name, resolver in _ITEM.items()},
    **{("InventoryLevel", name): resolver for name, resolver in _LEVEL.items()},
    ("InventoryQuantity", "id"): lambda view, *_: gid(
        "InventoryQuantity", f"{view.document['id']}?name={view.document['name']}"
    ),
    ("InventoryItemMeasurement", "id"): identity,
    ("InventoryItemMeasurement", "weight"): lambda view, *_: {"value": view.document["grams"], "unit": "GRAMS"},
    ("ProductOption", "id"): identity,
    ("ProductOption", "optionValues"): _option_values,
    ("ProductOptionValue", "id"): identity,
}
