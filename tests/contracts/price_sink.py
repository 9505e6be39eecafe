"""What every PriceSink must do, whoever built it."""

from __future__ import annotations

from typing import Protocol

import pytest

from app.domains.pricing.ports import PriceBecame, PriceSink, PriceWish
from app.kernel.errors import Ambiguous, HubError, Unauthorised
from app.kernel.money import Money
from tests.contracts.order_source import pause


class PriceBench(Protocol):
    """A channel with switches that lists `first` and `sibling` of one product, `other` of another, prices in USD.

    `shown` is SKU → (price, the one struck through); `merchants` is all else that it has of an item; `writes` counts
    what it was told to change, `unfit` is an amount that it refuses.
    """

    unfit: str
    first: str
    sibling: str
    other: str

    @property
    def port(self) -> PriceSink: ...

    def shown(self) -> dict[str, tuple[str, str | None]]: ...

    def merchants(self) -> object: ...

    def writes(self) -> int: ...

    def forget_item(self, sku: str) -> None: ...

    def double_item(self, sku: str) -> None: ...

    def throttle(self) -> None: ...

    def lose_answer(self, *, after_effect: bool) -> None: ...

    def lock_out(self) -> None: ...


def wish(sku: str, amount: str, compare_at: str = "", external_id: str = "") -> PriceWish:
    struck = Money.parse(compare_at, "USD") if compare_at else None
    return PriceWish(sku=sku, amount=Money.parse(amount, "USD"), compare_at=struck, external_id=external_id)


def became(bench: PriceBench, *wishes: PriceWish) -> list[PriceBecame]:
    return [answer.became for answer in bench.port.put(wishes)]


@pytest.mark.capability("PRC-4")
class PriceSinkContract:
    """The promises of `app.domains.pricing.ports.PriceSink`."""

    def test_prices_of_several_products_are_shown_and_nothing_else_is_touched(self, bench: PriceBench) -> None:
        before = bench.merchants()
        answers = bench.port.put(
            [wish(bench.first, "12.50"), wish(bench.other, "3.00", "4.00"), wish(bench.sibling, "7.25")]
        )
        assert [(one.sku, one.became) for one in answers] == [
            (sku, PriceBecame.SET) for sku in (bench.first, bench.other, bench.sibling)
        ]
        shown = bench.shown()
        assert (shown[bench.first], shown[bench.other], shown[bench.sibling]) == (
            ("12.50", None), ("3.00", "4.00"), ("7.25", None)
        )  # fmt: skip
        assert bench.merchants() == before

    def test_a_price_in_another_currency_is_refused_and_not_taken_for_the_channels(self, bench: PriceBench) -> None:
        before = bench.shown()
        foreign = PriceWish(sku=bench.first, amount=Money.parse("12.50", "EUR"))
        refused, done = bench.port.put([foreign, wish(bench.other, "3.00")])
        assert (refused.became, "EUR" in refused.said, done.became) == (PriceBecame.REFUSED, True, PriceBecame.SET)
        assert bench.shown()[bench.first] == before[bench.first]

    def test_an_item_is_found_by_its_sku_and_then_known_by_its_id(self, bench: PriceBench) -> None:
        (found,) = bench.port.put([wish(bench.first, "12.50")])
        assert found.external_id
        assert became(bench, wish("a name of ours", "13.00", external_id=found.external_id)) == [PriceBecame.SET]
        assert bench.shown()[bench.first] == ("13.00", None)

    def test_a_price_that_is_struck_through_is_shown_and_taken_away(self, bench: PriceBench) -> None:
        bench.port.put([wish(bench.first, "12.50", "20.00")])
        assert bench.shown()[bench.first] == ("12.50", "20.00")
        bench.port.put([wish(bench.first, "12.50")])
        assert bench.shown()[bench.first] == ("12.50", None)

    def test_the_same_again_writes_nothing(self, bench: PriceBench) -> None:
        wishes = [wish(bench.first, "12.50", "20.00"), wish(bench.other, "3.00")]
        bench.port.put(wishes)
        written = bench.writes()
        assert became(bench, *wishes) == [PriceBecame.SET] * 2
        assert bench.writes() == written

    def test_an_item_that_the_channel_does_not_list_stops_no_other(self, bench: PriceBench) -> None:
        gone = bench.port.put([wish(bench.other, "2.00")])[0].external_id
        bench.forget_item(bench.other)
        wishes = (wish("NOBODY-HAS", "1.00"), wish(bench.other, "3.00", external_id=gone), wish(bench.first, "12.50"))
        assert became(bench, *wishes) == [PriceBecame.UNLISTED, PriceBecame.UNLISTED, PriceBecame.SET]

    def test_a_sku_that_two_items_share_is_refused_and_said(self, bench: PriceBench) -> None:
        bench.double_item(bench.other)
        before = bench.shown()[bench.other]
        refused, done = bench.port.put([wish(bench.other, "3.00"), wish(bench.first, "12.50")])
        assert (refused.became, "2 " in refused.said, done.became) == (PriceBecame.REFUSED, True, PriceBecame.SET)
        assert bench.shown()[bench.other] == before

    def test_a_price_that_the_channel_refuses_stops_no_other_and_is_said(self, bench: PriceBench) -> None:
        refused, done = bench.port.put([wish(bench.sibling, bench.unfit), wish(bench.first, "12.50")])
        assert (refused.became, bool(refused.said), done.became) == (PriceBecame.REFUSED, True, PriceBecame.SET)
        assert bench.shown()[bench.first] == ("12.50", None)

    @pytest.mark.parametrize("after_effect", [True, False])
    def test_an_unanswered_write_is_in_doubt_and_may_be_repeated(self, bench: PriceBench, after_effect: bool) -> None:
        bench.lose_answer(after_effect=after_effect)
        with pytest.raises(Ambiguous):
            bench.port.put([wish(bench.first, "12.50")])
        written = bench.writes()
        assert became(bench, wish(bench.first, "12.50")) == [PriceBecame.SET]
        assert bench.shown()[bench.first] == ("12.50", None)
        assert bench.writes() == written + (0 if after_effect else 1)

    def test_being_throttled_says_when_to_come_back(self, bench: PriceBench) -> None:
        before = bench.shown()
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.put([wish(bench.first, "12.50")])
        assert pause(refused.value) > 0
        assert bench.shown() == before

    def test_dead_credentials_pause_the_connection(self, bench: PriceBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.put([wish(bench.first, "12.50")])
