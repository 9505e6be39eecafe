"""productSet: a product as it shall be, with all its variants and their stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify import stock
from app.sandbox.shopify.mutations import Mutations, Payload, mutation
from app.sandbox.shopify.records import changes_of, gid, number_of
from app.sandbox.shopify.store import Rejected
from app.sandbox.shopify.views import Arguments, Query, View

_MOST_VARIANTS = 2048
_WORDS = {"title": "title", "vendor": "vendor", "productType": "product_type", "descriptionHtml": "body_html"}


def _set(arguments: Arguments, query: Query) -> Payload:
    given = arguments["input"]
    with query.store.records.lock:
        before = _known(query, given, arguments.get("identifier") or {})
        if before is None and not given.get("title"):
            raise Rejected("Title can't be blank", "input", "title", code="MISSING_FIELD_REQUIRED")
        product = _product(query, given, before)
        changes: list[Change] = []
        if "variants" in given:
            variants, changes = _variants(query, given["variants"] or (), product)
            product["variant_ids"] = [variant["id"] for variant in variants]
            product["options"] = _options(given, variants, product)
        query.store.records.write([*changes_of("products", [product]), *changes])
        query.store.emit("products/update" if before else "products/create", product)
        return {"product": View("Product", product)}


def _known(query: Query, given: Mapping[str, Any], identifier: Mapping[str, Any]) -> Document | None:
    identity = identifier.get("id") or given.get("id")
    if identity:
        found = query.store.records.read("products", number_of(identity, "Product"))
        if found is None:
            raise Rejected("Product does not exist", "input", "id", code="PRODUCT_DOES_NOT_EXIST")
        return found
    handle = identifier.get("handle")
    return next((each for each in query.store.records.all("products") if handle and each["handle"] == handle), None)


def _product(query: Query, given: Mapping[str, Any], before: Document | None) -> dict[str, Any]:
    instant = query.store.now()
    serial = before["id"] if before else query.store.records.next_id()
    title = given.get("title") or (before["title"] if before else "")
    product: dict[str, Any] = {
        "id": serial,
        "admin_graphql_api_id": gid("Product", serial),
        "title": title,
        "body_html": "",
        "vendor": "Marlow Outdoor",
        "product_type": "",
        "created_at": instant,
        "handle": given.get("handle") or title.lower().replace(" ", "-"),
        "tags": "",
        "status": "active",
        "variant_ids": [],
        "options": [],
        **(before or {}),
        "updated_at": instant,
    }
    product |= {key: given[name] or "" for name, key in _WORDS.items() if name in given}
    if given.get("handle"):
        product["handle"] = given["handle"]
    if "tags" in given:
        product["tags"] = ", ".join(given["tags"] or ())
    if given.get("status"):
        product["status"] = given["status"].lower()
    return product


def _variants(
    query: Query, given: Sequence[Mapping[str, Any]], product: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[Change]]:
    """Return the product's variants as they shall be, and the changes that keep them and drop the others."""
    if len(given) > _MOST_VARIANTS:
        raise Rejected(
            f"Can't have more than {_MOST_VARIANTS} variants", "input", "variants", code="VARIANTS_OVER_LIMIT"
        )
    held = [query.store.records.read("variants", number) for number in product["variant_ids"]]
    known = [each for each in held if each is not None]
    variants = [_variant(query, each, product, known, place) for place, each in enumerate(given, start=1)]
    names = [variant["option1"] for variant in variants]
    if len(set(names)) < len(names):
        raise Rejected("Duplicated option value", "input", "variants", code="DUPLICATED_OPTION_VALUE")
    kept = {variant["id"] for variant in variants}
    gone = [{**each, "_deleted": True} for each in known if each["id"] not in kept]
    changes = changes_of("variants", [*variants, *gone])
    for wish, variant in zip(given, variants, strict=True):
        changes += _levels(query, wish.get("inventoryQuantities") or (), variant)
    return variants, changes


def _variant(
    query: Query, given: Mapping[str, Any], product: Mapping[str, Any], known: Sequence[Document], place: int
) -> dict[str, Any]:
    title = " / ".join(each.get("name") or "" for each in given["optionValues"]) or "Default Title"
    serial = number_of(given.get("id") or "", "ProductVariant")
    before = next((each for each in known if each["id"] == serial or each["option1"] == title), None)
    if serial is not None and before is None:
        message = "Product variant does not exist"
        raise Rejected(message, "input", "variants", str(place - 1), code="PRODUCT_VARIANT_DOES_NOT_EXIST")
    item, instant = given.get("inventoryItem") or {}, query.store.now()
    number = before["id"] if before else query.store.records.next_id()
    variant: dict[str, Any] = {
        "id": number,
        "admin_graphql_api_id": gid("ProductVariant", number),
        "product_id": product["id"],
        "price": "0.00",
        "inventory_policy": "deny",
        "compare_at_price": None,
        "created_at": instant,
        "taxable": True,
        "barcode": None,
        "grams": 0,
        "requires_shipping": item.get("requiresShipping", True),
        "sku": item.get("sku"),
        "inventory_item_id": before["inventory_item_id"] if before else query.store.records.next_id(),
        **(before or {}),
        "title": title,
        "option1": title,
        "position": given.get("position") or place,
        "updated_at": instant,
    }
    plain = {"sku": "sku", "barcode": "barcode", "price": "price", "compareAtPrice": "compare_at_price"}
    variant |= {key: given[name] for name, key in plain.items() if name in given}
    if given.get("taxable") is not None:
        variant["taxable"] = given["taxable"]
    if given.get("inventoryPolicy"):
        variant["inventory_policy"] = given["inventoryPolicy"].lower()
    return variant


def _levels(query: Query, given: Sequence[Mapping[str, Any]], variant: Mapping[str, Any]) -> list[Change]:
    changes: list[Change] = []
    for each in given:
        place = number_of(each["locationId"], "Location")
        if place is None or query.store.records.read("locations", place) is None:
            raise Rejected("Location does not exist", "input", "variants", code="INVALID_INPUT")
        item = variant["inventory_item_id"]
        level = stock.level(query.store, item, place) or stock.new_level(item, place, 0, query.store.now())
        delta = each["quantity"] - level[each["name"]]
        quantities = {name: level[name] + delta for name in ("available", "on_hand")}
        changes.append(("inventoryLevels", stock.key(item, place), {**level, **quantities}))
    return changes


def _options(
    given: Mapping[str, Any], variants: Sequence[Mapping[str, Any]], product: Mapping[str, Any]
) -> list[dict[str, Any]]:
    wished = given.get("productOptions") or [{"name": "Title"}]
    values = [variant["option1"] for variant in variants]
    return [
        {
            "id": product["id"] * 10 + place,
            "name": each.get("name") or "Title",
            "position": each.get("position") or place,
            "values": [value.get("name") for value in each.get("values") or ()] or values,
        }
        for place, each in enumerate(wished, start=1)
    ]


MUTATIONS: Mutations = {"productSet": mutation(_set)}
