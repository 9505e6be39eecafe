"""Prices shown at a shop: read first, and set only where they differ, one call for each product.

Source: Shopify's introspections of 2026-10 and 2026-04 (`productVariantsBulkUpdate`, which takes no key for repeats,
and updates the valid variants where partial updates are allowed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import prices
from app.adapters.shopify.naming import number, with_skus
from app.adapters.shopify.refusals import refusal
from app.domains.pricing.ports import PriceAnswer, PriceBecame, PriceWish
from app.infra.remote.client import Outbound

VARIANT = "gid://shopify/ProductVariant/"
MOST = 50  # of as many products in the worst case: that many calls of 10 points are half of the standard bucket
AT_ONCE = 50  # SKUs in one search text; two variants may have the same SKU, so a page holds twice as many
_GONE = frozenset({"PRODUCT_VARIANT_DOES_NOT_EXIST", "PRODUCT_DOES_NOT_EXIST", "MUST_BE_FOR_THIS_PRODUCT"})
_REFUSED = frozenset(
    {
        "GREATER_THAN_OR_EQUAL_TO", "NEGATIVE_PRICE_VALUE", "INVALID_INPUT", "INVALID_VALUE", "BLANK",
        "LOCAL_CURRENCY_GIFT_CARD_PRICE_MUST_BE_ZERO", "PRODUCT_SUSPENDED", "NOT_DEFINED_FOR_SHOP",
        "UNSUPPORTED_COMBINED_LISTING_PARENT_OPERATION",
    }
)  # fmt: skip
_Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShopifyPrices:
    """The PriceSink of a shop. A listing's external id is the number of its variant."""

    admin: Admin

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyPrices:
        return cls(Admin.of(remote, settings))

    @property
    def most(self) -> int:
        return MOST

    def put(self, wishes: Sequence[PriceWish]) -> tuple[PriceAnswer, ...]:
        answers: dict[str, PriceAnswer] = {}
        products: dict[str, list[tuple[PriceWish, str]]] = {}
        nodes, currency = self._nodes(wishes)
        for wish in wishes:
            found = nodes.get(wish.sku, [])
            if wish.amount.currency != currency:  # a price carries no currency there: it would be taken for the shop's
                said = f"the shop's prices are in {currency}, this one is in {wish.amount.currency}"
                answers[wish.sku] = PriceAnswer(sku=wish.sku, became=PriceBecame.REFUSED, said=said)
            elif len(found) != 1:
                answers[wish.sku] = _not_one(wish, found)
            elif _stands(wish, found[0]):
                answers[wish.sku] = _answer(wish, PriceBecame.SET, found[0]["id"])
            else:
                products.setdefault(found[0]["product"]["id"], []).append((wish, found[0]["id"]))
        for product, pairs in products.items():
            answers |= self._set(product, pairs)
        return tuple(answers[wish.sku] for wish in wishes)

    def _nodes(self, wishes: Sequence[PriceWish]) -> tuple[dict[str, list[_Node]], str]:
        """SKU → the variants that are meant: one, none, or several that share it; and the currency of their prices."""
        found: dict[str, list[_Node]] = {}
        currency = ""
        known = {f"{VARIANT}{number(wish.external_id)}": wish.sku for wish in wishes if wish.external_id}
        if known:
            answer = self.admin.ask(prices.PRICES, ids=list(known))
            currency = answer["shop"]["currencyCode"]
            for node in answer["nodes"]:
                if node:
                    found[known[node["id"]]] = [node]
        wanted = [wish.sku for wish in wishes if not wish.external_id]
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            answer = self.admin.ask(prices.PRICES_BY_SKU, query=with_skus(some))
            currency = answer["shop"]["currencyCode"]
            for node in answer["productVariants"]["nodes"]:
                if node["sku"] in some:  # a search finds more than what is equal
                    found.setdefault(node["sku"], []).append(node)
        return found, currency

    def _set(self, product: str, pairs: Sequence[tuple[PriceWish, str]]) -> dict[str, PriceAnswer]:
        """Set the prices of one product's variants; what is refused is answered by its own words."""
        variants = [
            {
                "id": variant, "price": wish.amount.text,
                "compareAtPrice": None if wish.compare_at is None else wish.compare_at.text,
            }
            for wish, variant in pairs
        ]  # fmt: skip
        payload = self.admin.change(prices.SET_PRICES, product=product, variants=variants)["productVariantsBulkUpdate"]
        answers = {wish.sku: _answer(wish, PriceBecame.SET, variant) for wish, variant in pairs}
        for error in user_errors(payload):
            code, place = str(error.get("code") or ""), _entry(error)
            if code not in _GONE | _REFUSED:
                raise refusal([error], about=product)
            for wish, variant in pairs if place is None else pairs[place : place + 1]:
                became = PriceBecame.UNLISTED if code in _GONE else PriceBecame.REFUSED
                answers[wish.sku] = _answer(wish, became, variant, str(error.get("message", "")))
        return answers


def _answer(wish: PriceWish, became: PriceBecame, variant: str, said: str = "") -> PriceAnswer:
    external_id = "" if became is PriceBecame.UNLISTED else number(variant)
    return PriceAnswer(sku=wish.sku, became=became, external_id=external_id, said=said)


def _not_one(wish: PriceWish, found: Sequence[_Node]) -> PriceAnswer:
    """A SKU of several variants is for a person: the hub does not choose."""
    if not found:
        return PriceAnswer(sku=wish.sku, became=PriceBecame.UNLISTED)
    numbers = ", ".join(number(node["id"]) for node in found)
    said = f"{len(found)} variants of the shop have this SKU: {numbers}"
    return PriceAnswer(sku=wish.sku, became=PriceBecame.REFUSED, said=said)


def _stands(wish: PriceWish, node: _Node) -> bool:
    compare_at = node["compareAtPrice"]
    wanted = None if wish.compare_at is None else wish.compare_at.amount
    return Decimal(node["price"]) == wish.amount.amount and (
        wanted is None if compare_at is None else Decimal(compare_at) == wanted
    )


def _entry(error: Mapping[str, Any]) -> int | None:
    """The place in the list that an error is about; None where it is about all of it."""
    return next((int(one) for one in map(str, error.get("field") or ()) if one.isdigit()), None)
