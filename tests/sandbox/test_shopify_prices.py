"""Prices of a product's variants are set as Shopify lets an app set them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shop_client import Merchant

pytestmark = pytest.mark.capability("TRY-1")

FIND = """query($q: String!) { productVariants(first: 1, query: $q) { nodes {
    id price compareAtPrice product { id updatedAt } } } }"""
SET = """mutation($product: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean) {
    productVariantsBulkUpdate(productId: $product, variants: $variants, allowPartialUpdates: $partial) {
        productVariants { id price compareAtPrice } userErrors { code field message }
    }
}"""


def variant(merchant: Merchant, sku: str = "MO-TENT-2P") -> dict[str, Any]:
    found: dict[str, Any] = merchant.data(FIND, q=f"sku:{sku}")["nodes"][0]
    return found


def test_a_price_and_the_one_struck_through_are_set_and_taken_away(merchant: Merchant) -> None:
    there = variant(merchant)
    product = there["product"]["id"]
    wish = {"id": there["id"], "price": "12.5", "compareAtPrice": "20"}
    merchant.data(SET, product=product, variants=[wish])
    assert (variant(merchant)["price"], variant(merchant)["compareAtPrice"]) == ("12.50", "20.00")
    merchant.data(SET, product=product, variants=[{"id": there["id"], "compareAtPrice": None}])
    assert (variant(merchant)["price"], variant(merchant)["compareAtPrice"]) == ("12.50", None)


def test_one_wrong_variant_stops_all_unless_a_part_may_pass(merchant: Merchant) -> None:
    there, other = variant(merchant), variant(merchant, "MO-SCK-M")
    product = there["product"]["id"]
    wishes = [{"id": there["id"], "price": "1.00"}, {"id": other["id"], "price": "1.00"}]
    refused = merchant.data(SET, product=product, variants=wishes)
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [
        ("MUST_BE_FOR_THIS_PRODUCT", ["variants", "1", "id"])
    ]
    assert variant(merchant)["price"] == there["price"]
    done = merchant.data(SET, product=product, variants=wishes, partial=True)
    assert [each["id"] for each in done["productVariants"]] == [there["id"]]
    assert (variant(merchant)["price"], variant(merchant, "MO-SCK-M")["price"]) == ("1.00", other["price"])


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"price": "1"}, "PRODUCT_VARIANT_ID_MISSING"),
        ({"id": "gid://shopify/ProductVariant/1", "price": "1"}, "PRODUCT_VARIANT_DOES_NOT_EXIST"),
        ({"price": "-1"}, "GREATER_THAN_OR_EQUAL_TO"),
        ({"price": None}, "INVALID_INPUT"),
    ],
)
def test_a_wrong_wish_is_refused_by_its_code(merchant: Merchant, wish: dict[str, Any], code: str) -> None:
    there = variant(merchant)
    given = wish if "id" in wish or code == "PRODUCT_VARIANT_ID_MISSING" else {"id": there["id"], **wish}
    refused = merchant.data(SET, product=there["product"]["id"], variants=[given])
    assert [each["code"] for each in refused["userErrors"]] == [code]
    missing = merchant.data(SET, product="gid://shopify/Product/1", variants=[given])
    assert missing["userErrors"][0]["code"] == "PRODUCT_DOES_NOT_EXIST"
