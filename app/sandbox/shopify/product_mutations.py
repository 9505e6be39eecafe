"""productSet: a product as it shall be, with all its variants and their stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify import stock
from app.sandbox.shopify.mutations import Mutations, Payload, mutation
from app.sandbox.shopify.product_keys import key_changes, product_of
from app.sandbox.shopify.product_options import check_variants, options_of, values_of
from app.sandbox.shopify.records import changes_of, gid, number_of
from app.sandbox.shopify.store import Rejected
from app.sandbox.shopify.views import Arguments, Query, View

_WORDS = {"title": "title", "vendor": "vendor", "productType": "product_type", "descriptionHtml": "body_html"}
_LONGEST = 255
_GRAMS = {"GRAMS": 1, "KILOGRAMS": 1000, "OUNCES": 28.349523125, "POUNDS": 453.59237}


def _set(arguments: Arguments, query: Query) -> Payload:
    given, identifier = arguments["input"], arguments.get("identifier") or {}
    with query.store.records.lock:
        before = _known(query, given, identifier)
        _check(query, given, before)
        product = _product(query, given, before)
        changes: list[Change] = []
        if "variants" in given or "productOptions" in given:
            product["options"] = options_of(given, product)
            variants, changes = _variants(query, given["variants"] or (), product)
        else:
            variants = _held(query, product)
            if before is None:
                variants, changes = _variants(query, [_ONLY], {**product, "options": [_TITLE]})
        product["variant_ids"] = [variant["id"] for variant in variants]
        keys = key_changes(identifier, product)
        query.store.records.write([*changes_of("products", [product]), *changes, *keys])
        topic = "products/update" if before else "products/create"
        query.store.emit(topic, {**product, "variants": variants})
        return {"product": View("Product", product)}


_ONLY = {"optionValues": [{"optionName": "Title", "name": "Default Title"}]}
_TITLE = {"name": "Title", "values": ["Default Title"]}


def _known(query: Query, given: Mapping[str, Any], identifier: Mapping[str, Any]) -> Document | None:
    if identifier and given.get("id"):
        message = "The id field is not allowed if identifier is provided"
        raise Rejected(message, "input", "id", code="ID_NOT_ALLOWED")
    wanted = identifier or ({"id": given["id"]} if given.get("id") else {})
    found = product_of(query, wanted, "identifier")
    if found is None and wanted.get("id"):
        raise Rejected("Product does not exist", "input", "id", code="PRODUCT_DOES_NOT_EXIST")
    return found


def _check(query: Query, given: Mapping[str, Any], before: Document | None) -> None:
    """Refuse what no product may be."""
    title = given.get("title")
    if not title and (before is None or "title" in given):
        raise Rejected("Title can't be blank", "input", "title", code="MISSING_FIELD_REQUIRED")
    if title and len(title) > _LONGEST:
        message = f"Title is too long (maximum is {_LONGEST} characters)"
        raise Rejected(message, "input", "title", code="INVALID_PRODUCT")
    if given.get("handle"):
        others = (each for each in query.store.records.all("products") if before is None or each["id"] != before["id"])
        if any(each["handle"] == given["handle"] for each in others):
            message = f"Handle '{given['handle']}' already in use. Please provide a new handle."
            raise Rejected(message, "input", "handle", code="HANDLE_NOT_UNIQUE")
    for place, each in enumerate(given.get("files") or ()):
        if not str(each.get("originalSource") or each.get("id") or "").startswith(("https://", "http://", "gid://")):
            raise Rejected("Image URL is invalid", "input", "files", str(place), "originalSource", code="INVALID_INPUT")


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
        "handle": given.get("handle") or _free_handle(query, title),
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
    if "files" in given:
        product["images"] = [
            {"id": query.store.records.next_id(), "src": each.get("originalSource"), "alt": each.get("alt")}
            for each in given["files"] or ()
        ]
    for name, key in (("seo", "seo"), ("templateSuffix", "template_suffix"), ("category", "category")):
        if name in given:
            product[key] = given[name]
    return product


def _free_handle(query: Query, title: str) -> str:
    """Return a handle made of a title that no product has; the shop counts on where one has it."""
    taken = {each["handle"] for each in query.store.records.all("products")}
    wanted = title.lower().replace(" ", "-")
    return next(each for each in (wanted, *(f"{wanted}-{n}" for n in range(1, 10_000))) if each not in taken)


def _held(query: Query, product: Mapping[str, Any]) -> list[Document]:
    found = (query.store.records.read("variants", number) for number in product["variant_ids"])
    return [each for each in found if each is not None]


def _variants(
    query: Query, given: Sequence[Mapping[str, Any]], product: Mapping[str, Any]
) -> tuple[list[Any], list[Change]]:
    """Return the product's variants as they shall be, and the changes that keep them and drop the others."""
    known = _held(query, product)
    values = [values_of(each, product["options"], place) for place, each in enumerate(given)]
    check_variants(values)
    variants = [
        _variant(query, each, product, known, words, place)
        for place, (each, words) in enumerate(zip(given, values, strict=True), start=1)
    ]
    kept = {variant["id"] for variant in variants}
    gone = [{**each, "_deleted": True} for each in known if each["id"] not in kept]
    changes = changes_of("variants", [*variants, *gone])
    for wish, variant in zip(given, variants, strict=True):
        changes += _levels(query, wish.get("inventoryQuantities") or (), variant)
    return variants, changes


def _variant(
    query: Query, given: Mapping[str, Any], product: Mapping[str, Any], known: Sequence[Document],
    words: Mapping[str, str | None], place: int,
) -> dict[str, Any]:  # fmt: skip
    title = " / ".join(word for word in words.values() if word)
    serial = number_of(given.get("id") or "", "ProductVariant")
    before = next((each for each in known if each["id"] == serial), None)
    if serial is None:
        before = next((each for each in known if all(each.get(key) == word for key, word in words.items())), None)
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
        **words,
        "position": given.get("position") or place,
        "updated_at": instant,
    }
    return _with(variant, given, place)


def _with(variant: dict[str, Any], given: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return a variant with what an input says of it. Raises Rejected for a price below nothing."""
    plain = {
        "sku": "sku", "barcode": "barcode", "price": "price", "compareAtPrice": "compare_at_price",
        "taxCode": "tax_code",
    }  # fmt: skip
    variant |= {key: given[name] for name, key in plain.items() if name in given}
    for name in ("price", "compareAtPrice"):
        if given.get(name) is not None and Decimal(given[name]) < 0:
            message = "Price must be greater than or equal to 0"
            raise Rejected(message, "input", "variants", str(place - 1), name, code="INVALID_VARIANT")
    item = given.get("inventoryItem") or {}
    if "tracked" in item:
        variant["tracked"] = item["tracked"]
    if weight := (item.get("measurement") or {}).get("weight"):
        variant["grams"] = round(weight["value"] * _GRAMS[weight["unit"]])
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


MUTATIONS: Mutations = {"productSet": mutation(_set)}
