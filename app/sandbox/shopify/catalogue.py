"""The shop's masters: locations, products with their variants, and stock, taken from the demo's articles."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from app.sandbox.books import Change
from app.sandbox.seed import PLACES, Article, demo_catalogue
from app.sandbox.shopify import stock
from app.sandbox.shopify.records import changes_of, gid
from app.sandbox.shopify.store import Store

# Stable over restarts: the hub's bindings of products and places outlive a sandbox that keeps nothing.
_FIRST_LOCATION = 80_000_000_001
_FIRST_PRODUCT = 7_100_000_000_001
_FIRST_VARIANT = 43_000_000_000_001
_FIRST_ITEM = 45_000_000_000_001
_STATES = {"ME": "Maine", "OR": "Oregon", "CO": "Colorado"}


def stock_the_demo(store: Store) -> None:
    """Give a shop that has no products the demo's; does nothing in a shop that has some."""
    if store.settings.seed == "empty" or store.records.all("products"):
        return
    locations = _locations(store)
    changes = changes_of("locations", locations)
    numbers = {str(location["code"]): int(location["id"]) for location in locations}
    articles = list(enumerate(demo_catalogue()))
    for position, (_, family) in enumerate(groupby(articles, key=lambda each: each[1].title)):
        changes += _product(store, position, list(family), numbers)
    store.records.write(changes)


def _locations(store: Store) -> list[dict[str, Any]]:
    instant = store.now()
    return [
        {
            "id": _FIRST_LOCATION + position,
            "admin_graphql_api_id": gid("Location", _FIRST_LOCATION + position),
            "name": place.name,
            "code": place.code,
            "address1": place.street,
            "address2": None,
            "city": place.city,
            "zip": place.postal_code,
            "province": _STATES.get(place.state, place.state),
            "province_code": place.state,
            "country": place.country,
            "country_code": place.country,
            "country_name": "United States",
            "phone": None,
            "created_at": instant,
            "updated_at": instant,
            "legacy": False,
            "active": True,
        }
        for position, place in enumerate(PLACES)
    ]


def _product(store: Store, position: int, family: list[tuple[int, Article]], locations: dict[str, int]) -> list[Change]:
    instant, number = store.now(), _FIRST_PRODUCT + position
    title = family[0][1].title
    variants = [
        _variant(article, _FIRST_VARIANT + serial, number, place, instant)
        for place, (serial, article) in enumerate(family, start=1)
    ]
    product = {
        "id": number,
        "admin_graphql_api_id": gid("Product", number),
        "title": title,
        "body_html": f"<p>{title} of Marlow Outdoor.</p>",
        "vendor": "Marlow Outdoor",
        "product_type": "Outdoor",
        "created_at": instant,
        "updated_at": instant,
        "handle": title.lower().replace(" ", "-"),
        "tags": "",
        "status": "active",
        "variant_ids": [variant["id"] for variant in variants],
        "options": [
            {"id": number, "name": "Option", "position": 1, "values": [variant["option1"] for variant in variants]}
        ],
    }
    return [*changes_of("products", [product]), *changes_of("variants", variants), *_levels(family, locations, instant)]


def _variant(article: Article, number: int, product: int, position: int, instant: str) -> dict[str, Any]:
    item = number - _FIRST_VARIANT + _FIRST_ITEM
    return {
        "id": number,
        "admin_graphql_api_id": gid("ProductVariant", number),
        "product_id": product,
        "title": article.option or "Default Title",
        "price": str(article.price),
        "position": position,
        "inventory_policy": "deny",
        "compare_at_price": None,
        "option1": article.option or "Default Title",
        "created_at": instant,
        "updated_at": instant,
        "taxable": True,
        "barcode": article.barcode,
        "grams": article.grams,
        "requires_shipping": True,
        "sku": article.sku,
        "inventory_item_id": item,
    }


def _levels(family: Iterable[tuple[int, Article]], locations: dict[str, int], instant: str) -> list[Change]:
    return [
        ("inventoryLevels", stock.key(item, location), stock.new_level(item, location, quantity, instant))
        for serial, article in family
        for code, quantity in article.stock
        for item, location in [(_FIRST_ITEM + serial, locations[code])]
    ]
