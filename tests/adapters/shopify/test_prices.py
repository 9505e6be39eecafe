"""Prices at a shop: the contract, and what Shopify's own way of updating variants asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.adapters.shopify.documents import prices
from app.adapters.shopify.prices import MOST, ShopifyPrices
from app.domains.pricing.ports import PriceAnswer, PriceBecame, PriceSink, PriceWish
from app.kernel.errors import Ambiguous, HubError, NeedsAttention
from tests.adapters.shopify.shop import Shop, a_shop
from tests.contracts.price_sink import PriceSinkContract, wish

pytestmark = pytest.mark.capability("SYS-shopify", "PRC-4")


@dataclass
class Prices:
    """A shop whose tent comes in two colours; its socks are another product."""

    shop: Shop
    kind: type = ShopifyPrices
    first: str = "MO-TENT-2P"
    sibling: str = ""
    other: str = "MO-SCK-M"
    unfit: str = "-1.00"

    def __post_init__(self) -> None:
        tent = self.variant(self.first)
        self.put({**self.variant(self.other), "compare_at_price": None})
        siblings = [each for each in self.shop.books("variants") if each["product_id"] == tent["product_id"]]
        self.sibling = next((each["sku"] for each in siblings if each["sku"] != self.first), "")
        if not self.sibling:
            self.sibling = "MO-TENT-2P-SAND"
            self.put({**tent, "id": tent["id"] + 500_000, "sku": self.sibling, "option1": "Sand", "title": "Sand"})

    @property
    def port(self) -> PriceSink:
        made: PriceSink = self.kind.build(self.shop.remote, self.shop.settings)  # type: ignore[attr-defined]
        return made

    def variant(self, sku: str) -> dict[str, Any]:
        return next(each for each in self.shop.books("variants") if each["sku"] == sku)

    def put(self, document: dict[str, Any]) -> None:
        self.shop.put("variants", document)

    def shown(self) -> dict[str, tuple[str, str | None]]:
        return {each["sku"]: (each["price"], each["compare_at_price"]) for each in self.shop.books("variants")}

    def merchants(self) -> object:
        own = {"price", "compare_at_price", "updated_at"}
        return [{name: v for name, v in each.items() if name not in own} for each in self.shop.books("variants")]

    def writes(self) -> int:
        return len(self.shop.asked("SetPrices"))

    def forget_item(self, sku: str) -> None:
        self.put({**self.variant(sku), "_deleted": True})

    def double_item(self, sku: str) -> None:
        there = self.variant(sku)
        self.put({**there, "id": there["id"] + 600_000})

    def throttle(self) -> None:
        self.shop.limit(maximum=5, restore=50)

    def lose_answer(self, *, after_effect: bool) -> None:
        self.shop.fault("drop_after" if after_effect else "drop_before", "mutation productVariantsBulkUpdate")

    def lock_out(self) -> None:
        self.shop.settings["access_token"] = "revoked"


class TestPrices(PriceSinkContract):
    @pytest.fixture
    def bench(self) -> Iterator[Prices]:
        with a_shop() as shop:
            yield Prices(shop)


@pytest.fixture(name="there")
def _there() -> Iterator[Prices]:
    with a_shop() as shop:
        yield Prices(shop)


def test_the_variants_of_one_product_are_set_by_one_call(there: Prices) -> None:
    there.port.put([wish(there.first, "12.50"), wish(there.other, "3.00"), wish(there.sibling, "7.25")])
    asked = [[one["price"] for one in each["variants"]] for each in there.shop.asked("SetPrices")]
    assert asked == [["12.50", "7.25"], ["3.00"]]


def test_a_product_that_is_gone_between_reading_and_writing_is_not_listed(there: Prices) -> None:
    product = next(
        each for each in there.shop.books("products") if each["id"] == there.variant(there.other)["product_id"]
    )
    there.shop.listening.before("SetPrices", 1, lambda: there.shop.put("products", {**product, "_deleted": True}))
    gone, done = there.port.put([wish(there.other, "3.00"), wish(there.first, "12.50")])
    assert (gone.became, done.became) == (PriceBecame.UNLISTED, PriceBecame.SET)


def test_a_call_takes_no_more_than_its_answer_can_say_of_a_search(there: Prices) -> None:
    skus = [f"SKU-{n}" for n in range(MOST)]
    assert {answer.became for answer in there.port.put([wish(sku, "1.00") for sku in skus])} == {PriceBecame.UNLISTED}
    assert len(there.shop.asked("PricesBySku")) == 1
    assert "first: 100" in prices.PRICES_BY_SKU


class WritesBlindly(ShopifyPrices):
    """Sets whatever stands there."""

    def put(self, wishes: Sequence[PriceWish]) -> tuple[PriceAnswer, ...]:
        for one in wishes:
            for node in self._nodes([one])[0].get(one.sku, []):
                self._set(node["product"]["id"], [(one, node["id"])])
        return super().put(wishes)


class TakesTheFirst(ShopifyPrices):
    """Chooses among variants that share a SKU, and believes that it set all it was asked for."""

    def put(self, wishes: Sequence[PriceWish]) -> tuple[PriceAnswer, ...]:
        for one in wishes:
            for node in self._nodes([one])[0].get(one.sku, [])[:1]:
                self._set(node["product"]["id"], [(one, node["id"])])
        return tuple(PriceAnswer(sku=one.sku, became=PriceBecame.SET) for one in wishes)


class ForgetsTheStruck(ShopifyPrices):
    """Never shows a price that is struck through."""

    def put(self, wishes: Sequence[PriceWish]) -> tuple[PriceAnswer, ...]:
        return super().put([replace(one, compare_at=None) for one in wishes])


class GivesUpAtOnce(ShopifyPrices):
    """Sees a wrong price in whatever goes wrong."""

    def put(self, wishes: Sequence[PriceWish]) -> tuple[PriceAnswer, ...]:
        try:
            return super().put(wishes)
        except HubError as error:
            raise NeedsAttention(error.code, error.message) from None


CONTRACT = PriceSinkContract()
CAUGHT_BY: dict[type, tuple[Callable[..., None], ...]] = {
    WritesBlindly: (CONTRACT.test_the_same_again_writes_nothing,),
    TakesTheFirst: (
        CONTRACT.test_a_price_in_another_currency_is_refused_and_not_taken_for_the_channels,
        CONTRACT.test_a_sku_that_two_items_share_is_refused_and_said,
        CONTRACT.test_an_item_that_the_channel_does_not_list_stops_no_other,
        CONTRACT.test_an_item_is_found_by_its_sku_and_then_known_by_its_id,
        CONTRACT.test_a_price_that_the_channel_refuses_stops_no_other_and_is_said,
    ),
    ForgetsTheStruck: (CONTRACT.test_a_price_that_is_struck_through_is_shown_and_taken_away,),
    GivesUpAtOnce: (
        CONTRACT.test_dead_credentials_pause_the_connection, CONTRACT.test_being_throttled_says_when_to_come_back,
    ),
}  # fmt: skip


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    for promise in CAUGHT_BY[twin]:
        with a_shop() as shop, pytest.raises((AssertionError, HubError, ZeroDivisionError)):
            promise(Prices(shop, twin))


def test_an_answer_that_was_lost_is_in_doubt(there: Prices) -> None:
    there.lose_answer(after_effect=True)
    with pytest.raises(Ambiguous):
        there.port.put([wish(there.first, "12.50")])
