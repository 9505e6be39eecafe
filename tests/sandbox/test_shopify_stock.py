"""Stock and products are set as Shopify lets an app set them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shop_client import Merchant

pytestmark = pytest.mark.capability("TRY-1")


STOCK = """
    mutation($input: InventorySetQuantitiesInput!, $key: String!) {
        inventorySetQuantities(input: $input) @idempotent(key: $key) {
            inventoryAdjustmentGroup { reason changes(quantityNames: ["available"]) { name delta quantityAfterChange } }
            userErrors { field message code }
        }
    }
"""


def level(merchant: Merchant, sku: str = "MO-TENT-2P") -> tuple[str, str, int]:
    found = merchant.data(
        """query($q: String!) { productVariants(first: 1, query: $q) { nodes { inventoryItem {
            id inventoryLevels(first: 1) { nodes { location { id } quantities(names: ["available"]) { quantity } } }
        } } } }""",
        q=f"sku:{sku}",
    )
    item = found["nodes"][0]["inventoryItem"]
    first = item["inventoryLevels"]["nodes"][0]
    return item["id"], first["location"]["id"], first["quantities"][0]["quantity"]


def test_stock_is_set_only_over_the_quantity_last_known(merchant: Merchant) -> None:
    item, place, held = level(merchant)

    def set_to(key: str, **entry: Any) -> Any:
        given = {"inventoryItemId": item, "locationId": place, **entry}
        return merchant.data(STOCK, key=key, input={"name": "available", "reason": "correction", "quantities": [given]})

    stale = set_to("a", quantity=5, changeFromQuantity=held + 1)
    assert [each["code"] for each in stale["userErrors"]] == ["CHANGE_FROM_QUANTITY_STALE"]
    assert set_to("b", quantity=5)["userErrors"][0]["code"] == "COMPARE_QUANTITY_REQUIRED"
    done = set_to("c", quantity=5, changeFromQuantity=held)
    assert done["inventoryAdjustmentGroup"]["changes"] == [
        {"name": "available", "delta": 5 - held, "quantityAfterChange": 5}
    ]
    assert set_to("d", quantity=9, changeFromQuantity=None)["userErrors"] == []  # an explicit null opts out
    assert level(merchant)[2] == 9
    assert (
        set_to("e", quantity=1, changeFromQuantity=9, locationId="gid://shopify/Location/1")["userErrors"][0]["code"]
        == "INVALID_LOCATION"
    )
    assert (
        set_to("f", quantity=1, changeFromQuantity=9, inventoryItemId="gid://shopify/InventoryItem/1")["userErrors"][0][
            "code"
        ]
        == "INVALID_INVENTORY_ITEM"
    )
    assert (
        set_to("g", quantity=2_000_000_000, changeFromQuantity=9)["userErrors"][0]["code"]
        == "INVALID_QUANTITY_TOO_HIGH"
    )
    mismatch = set_to("d", quantity=10, changeFromQuantity=None)
    assert mismatch["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert set_to("d", quantity=9, changeFromQuantity=None)["inventoryAdjustmentGroup"] is not None
    assert level(merchant)[2] == 9


def test_stock_in_the_old_version_is_compared_unless_told_not_to(merchant: Merchant) -> None:
    item, place, held = level(merchant)
    document = """mutation($input: InventorySetQuantitiesInput!) {
        inventorySetQuantities(input: $input) { userErrors { code } }
    }"""
    entry = {"inventoryItemId": item, "locationId": place, "quantity": 3}
    whole = {"name": "on_hand", "reason": "correction", "quantities": [entry]}
    assert merchant.data(document, "2025-10", input=whole)["userErrors"] == [{"code": "COMPARE_QUANTITY_REQUIRED"}]
    wrong = {**whole, "quantities": [{**entry, "compareQuantity": held - 1}]}
    assert merchant.data(document, "2025-10", input=wrong)["userErrors"] == [{"code": "COMPARE_QUANTITY_STALE"}]
    free = {**whole, "ignoreCompareQuantity": True}
    assert merchant.data(document, "2025-10", input=free)["userErrors"] == []
    assert level(merchant)[2] == 3


def test_a_product_is_set_as_a_whole(merchant: Merchant) -> None:
    place = level(merchant)[1]
    document = """mutation($input: ProductSetInput!, $identifier: ProductSetIdentifiers) {
        productSet(input: $input, identifier: $identifier) {
            product { id handle status totalInventory variants(first: 5) { nodes { sku price } } }
            userErrors { code message }
        }
    }"""

    def variant(name: str, price: str) -> dict[str, Any]:
        stock = [{"locationId": place, "name": "available", "quantity": 4}]
        return {"optionValues": [{"optionName": "Size", "name": name}], "inventoryItem": {"sku": f"NEW-{name}"},
                "price": price, "inventoryQuantities": stock}  # fmt: skip

    options = [{"name": "Size", "values": [{"name": "S"}, {"name": "M"}]}]
    given = {
        "title": "New Thing",
        "status": "DRAFT",
        "productOptions": options,
        "variants": [variant("S", "1.00"), variant("M", "2.00")],
    }
    made = merchant.data(document, input=given)["product"]
    assert (made["handle"], made["status"], made["totalInventory"]) == ("new-thing", "DRAFT", 8)
    assert [each["sku"] for each in made["variants"]["nodes"]] == ["NEW-S", "NEW-M"]
    medium = {"productOptions": options, "variants": [variant("M", "3.00")]}
    again = merchant.data(document, identifier={"handle": "new-thing"}, input=medium)["product"]
    assert again["id"] == made["id"]
    assert [(each["sku"], each["price"]) for each in again["variants"]["nodes"]] == [("NEW-M", "3.00")]
    missing = merchant.data(document, input={"id": "gid://shopify/Product/1", "title": "x"})
    assert missing["userErrors"][0]["code"] == "PRODUCT_DOES_NOT_EXIST"


def refusal(merchant: Merchant, **given: Any) -> str:
    document = """mutation($input: ProductSetInput!) {
        productSet(input: $input) { product { id } userErrors { code } }
    }"""
    payload = merchant.data(document, input={"title": "x", **given})
    assert payload["product"] is None
    return str(payload["userErrors"][0]["code"])


def one_option(name: str, *values: str) -> dict[str, Any]:
    return {"name": name, "values": [{"name": value} for value in values]}


def a_variant(**values: str) -> dict[str, Any]:
    return {"optionValues": [{"optionName": option, "name": value} for option, value in values.items()]}


def test_a_product_is_refused_for_what_no_product_may_be(merchant: Merchant) -> None:
    size, small = one_option("Size", "S", "M"), a_variant(Size="S")
    assert [
        refusal(merchant, title=""),
        refusal(merchant, title="x" * 256),
        refusal(merchant, variants=[small]),
        refusal(merchant, productOptions=[size]),
        refusal(merchant, productOptions=[size, one_option("Size", "L")], variants=[small]),
        refusal(merchant, productOptions=[one_option(name, "1") for name in "ABCD"], variants=[a_variant(A="1")]),
        refusal(merchant, productOptions=[one_option("Size")], variants=[small]),
        refusal(merchant, productOptions=[one_option("Size", "S", "S")], variants=[small]),
        refusal(merchant, productOptions=[size], variants=[a_variant(Colour="Red")]),
        refusal(merchant, productOptions=[size], variants=[a_variant(Size="XL")]),
        refusal(merchant, productOptions=[size, one_option("Colour", "Red")], variants=[small]),
        refusal(merchant, productOptions=[size], variants=[small, small]),
        refusal(merchant, productOptions=[size], variants=[{**small, "price": "-1"}]),
        refusal(merchant, files=[{"originalSource": "mug.jpg"}]),
    ] == [
        "MISSING_FIELD_REQUIRED", "INVALID_PRODUCT", "PRODUCT_OPTIONS_INPUT_MISSING", "VARIANTS_INPUT_MISSING",
        "DUPLICATED_OPTION_NAME", "OPTIONS_OVER_LIMIT", "OPTION_VALUES_MISSING", "DUPLICATED_OPTION_VALUE",
        "OPTION_DOES_NOT_EXIST", "OPTION_VALUE_DOES_NOT_EXIST", "INVALID_VARIANT", "INVALID_VARIANT",
        "INVALID_VARIANT", "INVALID_INPUT",
    ]  # fmt: skip


def test_a_product_is_set_once_under_a_custom_id_that_is_declared(merchant: Merchant) -> None:
    document = """mutation($input: ProductSetInput!, $identifier: ProductSetIdentifiers) {
        productSet(input: $input, identifier: $identifier) { product { id title } userErrors { code } }
    }"""
    key = {"namespace": "hub", "key": "product_id"}
    named = {"customId": {**key, "value": "p-1"}}
    refused = merchant.data(document, identifier=named, input={"title": "x"})
    assert refused["userErrors"] == [{"code": "NOT_FOUND"}]
    define = """mutation($definition: MetafieldDefinitionInput!) {
        metafieldDefinitionCreate(definition: $definition) { createdDefinition { id } userErrors { code } }
    }"""
    wanted = {**key, "name": "Ours", "type": "id", "ownerType": "PRODUCT"}
    assert merchant.data(define, definition=wanted)["createdDefinition"]
    assert merchant.data(define, definition=wanted)["userErrors"] == [{"code": "TAKEN"}]
    made = merchant.data(document, identifier=named, input={"title": "x"})["product"]
    again = merchant.data(document, identifier=named, input={"title": "y"})["product"]
    assert again == {"id": made["id"], "title": "y"}
    other = {"customId": {**key, "value": "p-2"}}
    assert merchant.data(document, identifier=other, input={"title": "x"})["product"]["id"] != made["id"]
