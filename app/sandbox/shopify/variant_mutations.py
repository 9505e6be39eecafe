"""productVariantsBulkUpdate: prices and the like of one product's variants."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify.mutations import Mutations, Payload, error, mutation
from app.sandbox.shopify.records import changes_of, number_of
from app.sandbox.shopify.store import Rejected
from app.sandbox.shopify.views import Arguments, Query, View

_PLAIN = {"price": "price", "compareAtPrice": "compare_at_price", "barcode": "barcode", "taxable": "taxable"}
_CENTS = Decimal("0.01")  # the shop's currency is one with two decimals


def _update(arguments: Arguments, query: Query) -> Payload:
    with query.store.records.lock:
        product = query.store.records.read("products", number_of(arguments["productId"], "Product"))
        if product is None:
            raise Rejected("Product does not exist", "productId", code="PRODUCT_DOES_NOT_EXIST")
        changed, errors = [], []
        for place, given in enumerate(arguments["variants"]):
            try:
                changed.append(_changed(query, product, given, str(place)))
            except Rejected as refusal:
                errors.append(error(refusal))
        if errors and not arguments.get("allowPartialUpdates"):
            return {"user_errors": errors, "product_variants": None}
        _write(query, product, changed)
        views = [View("ProductVariant", variant) for variant in changed]
        return {"user_errors": errors, "product": View("Product", product), "product_variants": views}


def _changed(query: Query, product: Document, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a variant as it shall be. Raises Rejected as the shop refuses."""
    if not given.get("id"):
        message = "Product variant is missing ID attribute"
        raise Rejected(message, "variants", place, "id", code="PRODUCT_VARIANT_ID_MISSING")
    before = query.store.records.read("variants", number_of(given["id"], "ProductVariant"))
    if before is None:
        message = "Product variant does not exist"
        raise Rejected(message, "variants", place, "id", code="PRODUCT_VARIANT_DOES_NOT_EXIST")
    if before["product_id"] != product["id"]:
        message = "Product variant does not belong to the product"
        raise Rejected(message, "variants", place, "id", code="MUST_BE_FOR_THIS_PRODUCT")
    variant = {**before, "updated_at": query.store.now()}
    for name, key in _PLAIN.items():
        if name in given:
            variant[key] = _amount(given[name], place, name) if name.lower().endswith("price") else given[name]
    if given.get("inventoryPolicy"):
        variant["inventory_policy"] = given["inventoryPolicy"].lower()
    return variant


def _amount(given: str | None, place: str, name: str) -> str | None:
    if given is None and name == "compareAtPrice":
        return None
    if given is None:
        raise Rejected("Price can't be blank", "variants", place, name, code="INVALID_INPUT")
    if Decimal(given) < 0:
        message = "Price must be greater than or equal to 0"
        raise Rejected(message, "variants", place, name, code="GREATER_THAN_OR_EQUAL_TO")
    return str(Decimal(given).quantize(_CENTS))


def _write(query: Query, product: Document, changed: list[dict[str, Any]]) -> None:
    if not changed:
        return
    after = {**product, "updated_at": query.store.now()}
    query.store.records.write([*changes_of("products", [after]), *changes_of("variants", changed)])
    held = (query.store.records.read("variants", number) for number in product["variant_ids"])
    query.store.emit("products/update", {**after, "variants": [each for each in held if each is not None]})


MUTATIONS: Mutations = {"productVariantsBulkUpdate": mutation(_update)}
