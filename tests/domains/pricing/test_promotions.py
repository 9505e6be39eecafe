"""Promotions: what each kind takes off, which count together, and the floor under them all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.domains.pricing.canonical.prices import Floor, QuoteRule, Rounding
from app.domains.pricing.canonical.promotions import Kind, Level
from app.domains.pricing.canonical.quote import Stage
from app.domains.pricing.queries.promotions import promotion, promotions
from app.domains.pricing.service.promotions import end_promotion, set_rule
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from tests.domains.pricing.shop import GERMANY, NOW, WHO, Shop, a_promotion, reasons

pytestmark = pytest.mark.capability("PRC-2")
PROMOTED = (Stage.LINE_PROMOTION, Stage.ORDER_PROMOTION)


@pytest.fixture(name="shop")
def _shop(shop: Shop) -> Shop:
    """Untaxed prices of round figures."""
    shop.tax()
    shop.items(TENT="category=tents product_type=shelter", TARP="product_type=shelter", CUP="category=kitchen")
    shop.list("retail", {"TENT": "100", "TARP": "40", "CUP": "8", "SPOON": "1.99"})
    return shop


def off(shop: Shop, lines: dict[str, str | int], **changes: Any) -> list[list[tuple[str, str]]]:
    """What promotions took off each line."""
    found = shop.quote(lines, **changes)
    return [reasons(found, n, *PROMOTED) for n in range(len(lines))]


@pytest.mark.parametrize(
    ("kind", "value", "quantity", "taken"),
    [
        (Kind.PERCENTAGE, "12.5", 3, "-37.50"),
        (Kind.PERCENTAGE, "100", 3, "-300.00"),
        (Kind.AMOUNT, "15", 3, "-45.00"),
        (Kind.AMOUNT, "150", 3, "-300.00"),  # no more than there is
        (Kind.FIXED_PRICE, "79.90", 3, "-60.30"),
        (Kind.FIXED_PRICE, "0", 1, "-100.00"),
    ],
)
def test_each_kind_takes_off_what_it_says(shop: Shop, kind: Kind, value: str, quantity: int, taken: str) -> None:
    shop.promotion("one", kind, value, skus=["TENT"])
    assert off(shop, {"TENT": quantity, "TARP": 1}) == [[("one", taken)], []]


def test_a_fixed_price_above_the_list_price_changes_nothing(shop: Shop) -> None:
    shop.promotion("one", Kind.FIXED_PRICE, "120", skus=["TENT"])
    assert off(shop, {"TENT": 1}) == [[]]


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        ({"TENT": 1, "TARP": 1}, ["0", "0"]),  # two units: one is missing
        ({"TENT": 2, "TARP": 1}, ["0.00", "-40.00"]),  # the cheapest of three
        ({"TENT": 5, "TARP": 1}, ["-100.00", "-40.00"]),  # the two cheapest of six
        ({"TENT": "5.9", "TARP": 1}, ["-100.00", "-40.00"]),  # whole units alone
        ({"TENT": 9, "TARP": 9}, ["0.00", "-160.00"]),  # at most four times
    ],
)
def test_buy_two_get_one_gives_the_cheapest(shop: Shop, lines: dict[str, str | int], taken: list[str]) -> None:
    shop.promotion("3-for-2", Kind.BUY_X_GET_Y, "100", buy=2, get=1, most_times=4, product_types=["shelter"])
    found = [sum(Decimal(amount) for _, amount in its) for its in off(shop, lines)]
    assert found == [Decimal(one) for one in taken]


def test_buy_one_get_two_at_half_price(shop: Shop) -> None:
    shop.promotion("half", Kind.BUY_X_GET_Y, "50", buy=1, get=2, skus=["SPOON"])
    # 7 // 3 = 2 times, 4 units x 1.99 x 50 % = 3.98
    assert off(shop, {"SPOON": 7}) == [[("half", "-3.98")]]


def test_targets_are_items_categories_or_types(shop: Shop) -> None:
    shop.promotion("a", value="10", categories=["kitchen"])
    shop.promotion("b", value="20", product_types=["shelter"])
    shop.promotion("c", value="30", skus=["SPOON"])
    found = off(shop, {"TENT": 1, "TARP": 1, "CUP": 1, "SPOON": 1})
    assert [[code for code, _ in its] for its in found] == [["b"], ["b"], ["a"], ["c"]]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"channel": "till"}, {"company": "NORTH"}, {"customer_group": "dealers"}, {"open": False},
        {"until_at": NOW}, {"from_at": datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC)},
        {"min_quantity": Decimal(3)}, {"min_amount": Decimal("200.01"), "currency": "EUR"},
    ],
)  # fmt: skip
def test_a_promotion_holds_for_its_buyers_its_time_and_its_least_alone(shop: Shop, elsewhere: dict[str, Any]) -> None:
    shop.promotion("one", **elsewhere)
    assert off(shop, {"TENT": 2}) == [[]]


def test_a_promotion_s_first_instant_counts_and_its_last_does_not(shop: Shop) -> None:
    shop.promotion("one", from_at=NOW, until_at=NOW.replace(hour=13))
    ends = NOW.replace(hour=13)
    assert [len(off(shop, {"TENT": 1}, at=at)[0]) for at in (NOW, ends.replace(hour=12, minute=59), ends)] == [1, 1, 0]


def test_what_may_stack_comes_off_what_is_left(shop: Shop) -> None:
    shop.promotion("ten", value="10", skus=["TENT"], priority=2)
    shop.promotion("five", Kind.AMOUNT, "5", skus=["TENT"], stacks_with=["ten"], priority=1)
    shop.promotion("order", value="10", level=Level.ORDER, stacks_with=["*"])
    # 200 - 20 = 180; - 2 x 5 = 170; 10 % of 170 + 40 = 21.00, over 170 and 40: 17.00 and 4.00
    assert off(shop, {"TENT": 2, "TARP": 1}) == [
        [("ten", "-20.00"), ("five", "-10.00"), ("order", "-17.00")],
        [("order", "-4.00")],
    ]


def test_an_exclusive_promotion_stands_alone(shop: Shop) -> None:
    shop.promotion("alone", value="5", skus=["TENT"], exclusive=True, priority=9)
    shop.promotion("ten", value="10", product_types=["shelter"])
    shop.promotion("order", value="10", level=Level.ORDER, stacks_with=["*"])
    assert off(shop, {"TENT": 1, "TARP": 1}) == [[("alone", "-5.00")], [("ten", "-4.00"), ("order", "-3.60")]]


def test_of_a_group_each_line_has_the_best(shop: Shop) -> None:
    shop.promotion("shelter-20", value="20", product_types=["shelter"], best_of="autumn")
    shop.promotion("thirty-off", Kind.AMOUNT, "30", best_of="autumn")
    found = off(shop, {"TENT": 1, "TARP": 1, "CUP": 1})
    assert found == [[("thirty-off", "-30.00")], [("thirty-off", "-30.00")], [("thirty-off", "-8.00")]]
    shop.list("dealer", {"TENT": "200"}, customer="ACME")
    assert off(shop, {"TENT": 1, "TARP": 1}, customer="ACME") == [
        [("shelter-20", "-40.00")],
        [("thirty-off", "-30.00")],
    ]


def test_the_higher_priority_of_a_group_goes_before_the_larger_discount(shop: Shop) -> None:
    shop.promotion("small", value="5", best_of="autumn", priority=2)
    shop.promotion("large", value="50", best_of="autumn", priority=1)
    assert off(shop, {"TENT": 1}) == [[("small", "-5.00")]]


def test_of_two_on_the_order_that_may_not_join_the_larger_counts(shop: Shop) -> None:
    shop.promotion("five", Kind.AMOUNT, "5", level=Level.ORDER, best_of="order")
    shop.promotion("ten", value="10", level=Level.ORDER, best_of="order")
    assert off(shop, {"TENT": 1}) == [[("ten", "-10.00")]]
    assert off(shop, {"CUP": 1}) == [[("five", "-5.00")]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"skus": ["TENT"]}, {"categories": ["tents"]}),  # the tent is in that category
        ({"categories": ["tents"]}, {"product_types": ["shelter"]}),
        ({"skus": ["NEW"]}, {"skus": ["NEW", "OLD"]}),
        ({"best_of": "a"}, {"best_of": "b"}),
        ({}, {"level": Level.ORDER}),
        ({"channel": "shop"}, {"company": "NORTH"}),
        ({"stacks_with": ["third"]}, {"priority": 5}),
    ],
)
def test_two_that_overlap_without_a_rule_are_refused(shop: Shop, first: dict[str, Any], second: dict[str, Any]) -> None:
    shop.promotion("first", **first)
    with pytest.raises(Refused) as refused:
        shop.promotion("second", **second)
    assert (refused.value.code, refused.value.facts) == ("pricing.no_stacking_rule", {"other": "first"})
    with shop.hub.unit_of_work() as uow:
        assert [one.code for one in promotions(uow)] == ["first"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"skus": ["TENT"]}, {"categories": ["kitchen"]}),
        ({"channel": "shop"}, {"channel": "till"}),
        ({"until_at": NOW}, {"from_at": NOW}),
        ({"open": False}, {}),
        ({"exclusive": True}, {}),
        ({}, {"stacks_with": ["first"]}),
        ({"stacks_with": ["*"]}, {}),
        ({"best_of": "a"}, {"best_of": "a"}),
        ({"kind": Kind.AMOUNT, "currency": "EUR"}, {"kind": Kind.AMOUNT, "currency": "USD"}),
    ],
)
def test_two_that_never_meet_or_have_a_rule_are_kept(shop: Shop, first: dict[str, Any], second: dict[str, Any]) -> None:
    shop.promotion("first", **first)
    shop.promotion("second", **second)
    with shop.hub.unit_of_work() as uow:
        assert [one.code for one in promotions(uow)] == ["first", "second"]


def test_a_promotion_is_changed_and_ended_and_both_are_kept(shop: Shop) -> None:
    shop.promotion("one", value="10", skus=["TENT"])
    shop.promotion("one", value="20", skus=["TARP"])
    assert off(shop, {"TENT": 1, "TARP": 1}) == [[], [("one", "-8.00")]]
    with shop.hub.unit_of_work() as uow:
        assert [end_promotion(uow, "one", WHO, "sold out") for _ in range(2)] == [True, False]
        assert promotion(uow, "one").open is False
        rows = uow.sql("SELECT did, why FROM hub.act WHERE kind = 'promotion' ORDER BY id").fetchall()
    assert rows == [("kept a promotion", ""), ("kept a promotion", ""), ("ended a promotion", "sold out")]
    assert off(shop, {"TARP": 1}) == [[]]
    with shop.hub.unit_of_work() as uow, pytest.raises(NotFound):
        end_promotion(uow, "two", WHO)


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "0"}, {"value": "101"}, {"value": "-5"}, {"value": "NaN"}, {"value": "1e13"}, {"code": ""},
        {"kind": Kind.AMOUNT, "currency": ""}, {"min_amount": Decimal(5)}, {"min_quantity": Decimal(-1)},
        {"kind": Kind.FIXED_PRICE, "level": Level.ORDER}, {"kind": Kind.BUY_X_GET_Y}, {"buy": 1},
        {"exclusive": True, "stacks_with": ["x"]}, {"until_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)  # fmt: skip
def test_a_promotion_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        a_promotion(**{"code": "one", **wrong})
    assert refused.value.code == "pricing.promotion"


class TestFloor:
    def test_a_discount_is_cut_at_the_cost_and_its_margin(self, shop: Shop) -> None:
        shop.items(TENT="cost=70 margin=0.2", TARP="cost=10")
        shop.promotion("half", value="50")
        found = shop.quote({"TENT": 2, "TARP": 1})
        # 2 x 70 x 1.2 = 168.00 is the least; 200 - 100 = 100 lacks 68.00. The tarp has no margin to keep.
        assert found.lines[0].amount.text == "168.00"
        assert reasons(found, 0, Stage.FLOOR) == [("the default", "68.00")]
        assert found.lines[1].amount.text == "20.00"
        assert found.discount.text == "52.00"

    def test_it_is_tested_after_what_an_order_promotion_spreads(self, shop: Shop) -> None:
        shop.items(TENT="cost=80 margin=0.1")
        shop.promotion("ten", value="10", skus=["TENT"], stacks_with=["order"])
        shop.promotion("order", Kind.AMOUNT, "26", level=Level.ORDER)
        found = shop.quote({"TENT": 1, "TARP": 1})
        # 90 and 40 are left; 26 over them is 18 and 8; 72.00 lies below 80 x 1.1 = 88.00
        assert [line.amount.text for line in found.lines] == ["88.00", "32.00"]
        assert reasons(found, 0, *PROMOTED, Stage.FLOOR) == [
            ("ten", "-10.00"), ("order", "-18.00"), ("the default", "16.00"),
        ]  # fmt: skip

    def test_of_gross_prices_it_is_the_net_amount_that_is_tested(self, shop: Shop) -> None:
        shop.tax(GERMANY)
        shop.items(TENT="cost=70 margin=0.15 tax_code=standard")
        shop.promotion("forty", value="40", skus=["TENT"])
        line = shop.quote({"TENT": 1}).lines[0]
        # 70 x 1.15 = 80.50 net is 95.795 gross: 95.80, of which 95.80 / 1.19 = 80.504 is net
        assert (line.amount.text, line.net.text) == ("95.80", "80.50")

    def test_where_the_rule_refuses_or_the_list_price_is_too_low_the_quote_is_refused(self, shop: Shop) -> None:
        shop.items(TENT="cost=70 margin=0.2", CUP="cost=9 margin=0")
        shop.promotion("half", value="50", skus=["TENT"])
        with pytest.raises(Refused) as refused:
            shop.quote({"CUP": 1})
        assert (refused.value.code, "list price" in refused.value.message) == ("pricing.below_floor", True)
        with shop.hub.unit_of_work() as uow:
            set_rule(uow, QuoteRule(floor=Floor.REFUSE), WHO, company="NORTH")
        assert shop.quote({"TENT": 1}).net.text == "84.00"
        with pytest.raises(Refused) as refused:
            shop.quote({"TENT": 1}, company="NORTH")
        assert refused.value.code == "pricing.below_floor"

    def test_the_rule_s_margin_holds_where_an_item_has_none_and_an_unknown_cost_is_said(self, shop: Shop) -> None:
        with shop.hub.unit_of_work() as uow:
            set_rule(uow, QuoteRule(margin=Decimal("0.5")), WHO, channel="shop")
        shop.items(TENT="cost=60", TARP="cost=30 currency=USD")
        shop.promotion("half", value="50")
        found = shop.quote({"TENT": 1, "TARP": 1})
        assert [line.amount.text for line in found.lines] == ["90.00", "20.00"]
        said = [one.said for one in found.lines[1].reasons if one.stage is Stage.FLOOR]
        assert said == ["not tested: no cost of TARP in EUR is known"]

    def test_a_margin_that_is_none_is_refused(self, shop: Shop) -> None:
        for margin in ("-1", "NaN"):
            with shop.hub.unit_of_work() as uow, pytest.raises(HubError):
                set_rule(uow, QuoteRule(margin=Decimal(margin)), WHO)


def test_a_percentage_is_rounded_by_line_or_by_order(shop: Shop) -> None:
    shop.list("cents", {f"S{n}": "0.33" for n in range(3)}, customer="ACME")
    shop.promotion("ten", value="5", skus=["S0", "S1", "S2"])
    lines: dict[str, str | int] = {"S0": 1, "S1": 1, "S2": 1}
    # by line 0.0165 -> 0.02 each, 0.06; by order 0.0495 -> 0.05: the first two have the cents
    assert shop.quote(lines, customer="ACME").discount.text == "0.06"
    with shop.hub.unit_of_work() as uow:
        set_rule(uow, QuoteRule(rounding=Rounding.ORDER), WHO)
    found = shop.quote(lines, customer="ACME")
    assert [line.discount.text for line in found.lines] == ["0.02", "0.02", "0.01"]


def test_two_that_overlap_and_are_made_at_once_leave_one(shop: Shop) -> None:
    def make(code: str) -> str:
        try:
            shop.promotion(code)
        except Refused as refused:
            return refused.code
        return "made"

    with ThreadPoolExecutor(8) as hands:
        done = list(hands.map(make, (f"p-{n}" for n in range(8))))
    assert sorted(done) == ["made"] + ["pricing.no_stacking_rule"] * 7
