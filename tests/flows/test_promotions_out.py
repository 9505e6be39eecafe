"""Promotions at the sandbox's shop: a plain cut stands as the price for its time, the usual one struck through."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domains.pricing.canonical.basket import Asked, Basket
from app.domains.pricing.canonical.prices import Floor, QuoteRule
from app.domains.pricing.canonical.promotions import Kind, Level, Promotion, Stacking, Targets
from app.domains.pricing.policy.channel_prices import ChannelRule
from app.domains.pricing.policy.channel_promotions import why_not_a_price
from app.domains.pricing.queries.channels import channel_prices
from app.domains.pricing.service.items import KeptItem, classify, keep_items
from app.domains.pricing.service.promotions import end_promotion, keep_promotion, set_rule
from app.domains.pricing.service.quoting import quote
from app.domains.pricing.service.showing import coming
from app.domains.pricing.service.tax_rates import put_tax_table
from app.infra.windows import open_window
from app.kernel.money import UnitPrice
from tests.domains.pricing.shop import NOWHERE, TAX_COLUMNS
from tests.flows.test_prices_out import SOCKS, TENT, WIDE, Store, _store

__all__ = ["_store"]
pytestmark = pytest.mark.capability("PRC-2", "PRC-4")
DAY = timedelta(days=1)


def promote(store: Store, code: str = "sale", value: str = "20", **more: Any) -> Promotion:
    """A fifth off the tent, from now on and until somebody ends it, unless more is said."""
    given: dict[str, Any] = {"kind": Kind.PERCENTAGE, "targets": Targets(skus=frozenset({TENT})), **more}
    given.setdefault("from_at", store.clock.now() - timedelta(minutes=1))
    wanted = Promotion(code=code, value=Decimal(value), **given)
    with store.crank.uow() as uow:
        keep_promotion(uow, wanted, "anna")
    store.settle()
    return wanted


def begin(store: Store, **rule: Any) -> None:
    store.rule(**rule)
    store.price({TENT: "200.00", WIDE: "300.00", SOCKS: "10.00"})
    store.settle()


def test_a_promotion_is_shown_at_its_instant_and_goes_back_at_its_end(store: Store) -> None:
    begin(store)
    start = store.clock.now() + 2 * DAY
    promote(store, from_at=start, until_at=start + DAY)
    assert store.shown(TENT) == [("200.00", None)]
    with store.crank.uow() as uow:
        ahead = coming(uow, ChannelRule(channel="shop", currency="USD", includes_tax=False), [TENT, WIDE])
    assert {sku: (at, price and price.amount.text) for sku, (at, price) in ahead.items()} == {TENT: (start, "160.00")}
    store.pass_on(2 * DAY - timedelta(seconds=30))
    assert store.shown(TENT) == [("200.00", None)]
    store.pass_on(timedelta(seconds=31))
    assert store.shown(TENT, WIDE) == [("160.00", "200.00"), ("300.00", None)]
    with store.crank.uow() as uow:
        (price,) = channel_prices(uow, "shop", sku=TENT)
    assert (price.price_list, price.promotions) == ("retail", ("sale",))
    store.pass_on(DAY)
    assert store.shown(TENT, WIDE) == [("200.00", None), ("300.00", None)]
    assert store.sent()[3:] == ["160.00", "200.00"]  # nothing else after the three usual prices


def test_a_promotion_of_an_earlier_release_that_told_nothing_is_swept(store: Store) -> None:
    begin(store)
    start = store.clock.now() + DAY
    promote(store, from_at=start, until_at=start + DAY)
    with store.crank.uow() as uow:
        uow.sql("DELETE FROM hub.deadline")
    store.pass_on(DAY + timedelta(minutes=1))
    assert store.shown(TENT) == [("200.00", None)]
    with store.crank.uow() as uow:
        open_window(uow, "channel_prices", store.clock.now())
    store.settle()
    assert store.shown(TENT) == [("160.00", "200.00")]


def test_one_that_is_ended_or_becomes_another_goes_back_at_once(store: Store) -> None:
    begin(store)
    promote(store)
    assert store.shown(TENT, WIDE) == [("160.00", "200.00"), ("300.00", None)]
    promote(store, targets=Targets(skus=frozenset({WIDE})))
    assert store.shown(TENT, WIDE) == [("200.00", None), ("240.00", "300.00")]
    promote(store, targets=Targets(skus=frozenset({WIDE})), min_amount=Decimal(500), currency="USD")
    assert store.shown(TENT, WIDE) == [("200.00", None), ("300.00", None)]
    promote(store, targets=Targets())
    assert store.shown(TENT, WIDE, SOCKS) == [("160.00", "200.00"), ("240.00", "300.00"), ("8.00", "10.00")]
    with store.crank.uow() as uow:
        assert end_promotion(uow, "sale", "anna")
    store.settle()
    assert store.shown(TENT, WIDE, SOCKS) == [("200.00", None), ("300.00", None), ("10.00", None)]


def test_an_item_that_comes_to_belong_to_a_promotion_is_lowered(store: Store) -> None:
    begin(store)
    promote(store, targets=Targets(categories=frozenset({"tents"})))
    assert store.shown(TENT) == [("200.00", None)]
    with store.crank.uow() as uow:
        classify(uow, [KeptItem(sku=TENT, category="tents")])
    store.settle()
    assert store.shown(TENT) == [("160.00", "200.00")]


def test_a_price_that_changes_under_a_promotion_is_lowered_anew(store: Store) -> None:
    begin(store)
    promote(store)
    store.price({TENT: "100.00"})
    store.settle()
    assert store.shown(TENT) == [("80.00", "100.00")]


CONDITIONS: list[dict[str, Any]] = [
    {"level": Level.ORDER},
    {"kind": Kind.BUY_X_GET_Y, "buy": 2, "get": 1},
    {"min_quantity": Decimal(2)},
    {"min_amount": Decimal(50), "currency": "USD"},
    {"customer_group": "club"},
]


@pytest.mark.parametrize("more", CONDITIONS)
def test_one_with_a_condition_of_the_basket_is_not_shown_and_says_why(store: Store, more: dict[str, Any]) -> None:
    begin(store)
    before = store.sent()
    assert why_not_a_price(promote(store, **more))
    assert (store.shown(TENT), store.sent()) == ([("200.00", None)], before)


@pytest.mark.parametrize("more", [{"channel": "another"}, {"company": "another"}, {"currency": "EUR"}])
def test_one_for_somebody_else_is_not_shown(store: Store, more: dict[str, Any]) -> None:
    begin(store)
    assert not why_not_a_price(promote(store, **more))
    assert store.shown(TENT) == [("200.00", None)]


def test_several_are_shown_as_a_quote_of_one_unit_counts_them(store: Store) -> None:
    begin(store)
    both = Stacking(stacks_with=frozenset({"*"}))
    promote(store, "a-tenth", "10", stacking=both)
    promote(store, "minus-5", "5", kind=Kind.AMOUNT, currency="USD", stacking=both)
    promote(store, "best-1", "3", stacking=Stacking(best_of="socks"), targets=Targets(skus=frozenset({SOCKS})))
    promote(store, "best-2", "33", stacking=Stacking(best_of="socks"), targets=Targets(skus=frozenset({SOCKS})))
    with store.crank.uow() as uow:
        put_tax_table(uow, TAX_COLUMNS + NOWHERE, "anna")
    lines = tuple(Asked(line_id=sku, sku=sku, quantity=Decimal(1)) for sku in (TENT, SOCKS))
    basket = Basket(currency="USD", at=store.clock.now(), lines=lines, channel="shop")
    quoted = [line.amount.text for line in quote(store.crank.hub, basket).lines]
    assert [price for price, _ in store.shown(TENT, SOCKS)] == quoted == ["175.00", "6.70"]


def test_the_floor_cuts_what_a_promotion_takes_off(store: Store) -> None:
    begin(store)
    with store.crank.uow() as uow:
        keep_items(uow, [KeptItem(sku=TENT, costs=(("", UnitPrice(Decimal(150), "USD")),))])
        set_rule(uow, QuoteRule(margin=Decimal("0.2")), "anna")
    promote(store, value="50")
    assert store.shown(TENT) == [("180.00", "200.00")]
    with store.crank.uow() as uow:
        set_rule(uow, QuoteRule(margin=Decimal("0.1")), "anna")
    store.settle()
    assert store.shown(TENT) == [("165.00", "200.00")]


def test_a_promotion_that_the_floor_refuses_leaves_the_price_and_is_a_case(store: Store) -> None:
    begin(store)
    with store.crank.uow() as uow:
        keep_items(uow, [KeptItem(sku=TENT, costs=(("", UnitPrice(Decimal(150), "USD")),))])
        set_rule(uow, QuoteRule(margin=Decimal("0.2"), floor=Floor.REFUSE), "anna")
    promote(store, value="50")
    assert (store.shown(TENT), store.cases()) == ([("200.00", None)], ["pricing.price_refused"])
    with store.crank.uow() as uow:
        (troubled,) = channel_prices(uow, "shop", troubled=True)
        end_promotion(uow, "sale", "anna")
    assert troubled.code == "pricing.below_floor"
    store.settle()
    assert (store.shown(TENT), store.cases()) == ([("200.00", None)], [])


def test_a_fixed_price_and_an_ending_are_never_below_what_the_promotion_says(store: Store) -> None:
    begin(store, ending=Decimal("0.99"))
    promote(store, value="149.50", kind=Kind.FIXED_PRICE, currency="USD")
    assert store.shown(TENT) == [("149.99", "200.99")]
