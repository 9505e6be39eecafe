"""Price lists: whose price counts, when it holds, and what is refused whole."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from app.domains.pricing.policy.periods import begins, ends, laid_out, zone_of
from app.domains.pricing.queries.lists import price_list, prices
from app.domains.pricing.queries.quoting import known
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from tests.domains.pricing.shop import NOW, WHO, Shop, a_basket, a_list, a_price
from tests.stock import told

pytestmark = pytest.mark.capability("PRC-1")
BERLIN = zone_of("Europe/Berlin")


def kept(shop: Shop, code: str = "retail") -> list[tuple[str, str, str]]:
    """SKU, least quantity and amount of every price of a list."""
    with shop.hub.unit_of_work() as uow:
        found = prices(uow, price_list(uow, code))
    return [(one.sku, f"{one.min_quantity.normalize():f}", f"{one.amount.amount.normalize():f}") for one in found]


def unit_price(shop: Shop, sku: str, quantity: str | int = 1, **changes: Any) -> tuple[str, str]:
    """The list and the unit price that a quote takes."""
    line = shop.quote({sku: quantity}, **changes).lines[0]
    return line.reasons[0].rule, f"{line.unit_price.amount.normalize():f}"


def test_the_most_particular_list_goes_first(shop: Shop) -> None:
    shop.tax()
    shop.list("everybody", {"A": "10", "B": "20"})
    shop.list("company", {"A": "9"}, company="NORTH")
    shop.list("channel", {"A": "8"}, channel="shop")
    shop.list("group", {"A": "7"}, customer_group="dealers")
    shop.list("customer", {"A": "6"}, customer="ACME")
    shop.list("dollars", {"A": "1"}, currency="USD")
    everywhere = {"company": "NORTH", "customer_group": "dealers", "customer": "ACME"}
    assert unit_price(shop, "A", **everywhere) == ("customer", "6")
    assert unit_price(shop, "A", **{**everywhere, "customer": "OTHER"}) == ("group", "7")
    assert unit_price(shop, "A", company="NORTH") == ("channel", "8")
    assert unit_price(shop, "A", company="NORTH", channel="till") == ("company", "9")
    assert unit_price(shop, "A", channel="till") == ("everybody", "10")
    assert unit_price(shop, "B", **everywhere) == ("everybody", "20")


def test_the_largest_break_that_the_basket_reaches_counts(shop: Shop) -> None:
    shop.tax()
    shop.list("retail", {"A": ((1, "10"), (5, "9"), ("12.5", "8"))})
    shop.list("contract", {"A": ((50, "5"),)}, customer="ACME")
    assert [unit_price(shop, "A", n)[1] for n in (1, "4.99999", 5, "12.4", "12.5")] == ["10", "10", "9", "9", "8"]
    assert unit_price(shop, "A", 49, customer="ACME") == ("retail", "8")
    assert unit_price(shop, "A", 50, customer="ACME") == ("contract", "5")
    with pytest.raises(Refused) as refused:
        shop.quote({"A": "0.5"})
    assert refused.value.code == "pricing.no_price"


def test_a_price_of_one_unit_is_none_of_another(shop: Shop) -> None:
    shop.tax()
    shop.list("retail", {"A": "10"})
    shop.prices("retail", a_price("A", "10"), a_price("A", "100", unit="box"))
    assert shop.quote({"A/box": 2}).lines[0].list_amount.text == "200.00"
    assert shop.quote({"A": 2}).lines[0].list_amount.text == "20.00"


def test_a_price_begins_and_ends_at_midnight_of_the_list_s_zone(shop: Shop) -> None:
    shop.tax()
    shop.list("retail")
    shop.prices("retail", a_price("A", "10", "2026-01-01", "2026-11-26"), a_price("A", "8", "2026-11-27"))
    midnight = datetime(2026, 11, 26, 23, tzinfo=UTC)  # in Berlin, an hour ahead of UTC in November
    assert [unit_price(shop, "A", at=at)[1] for at in (midnight - timedelta(microseconds=1), midnight)] == ["10", "8"]


@pytest.mark.parametrize(
    ("text", "zone", "beginning", "end"),
    [
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00", "2026-07-01T22:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00"),  # a day of 23 hours
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"),  # a day of 25 hours
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T00:30"),  # shown twice: the first
        ("2026-04-24", "Africa/Cairo", "2026-04-23T22:00", "2026-04-24T21:00"),  # put forward at midnight
        ("2026-11-27T09:00", "America/New_York", "2026-11-27T14:00", "2026-11-27T14:00"),
        ("2026-02-28", "Asia/Kolkata", "2026-02-27T18:30", "2026-02-28T18:30"),
    ],
)
def test_days_are_those_of_the_zone_whatever_its_clock_does(text: str, zone: str, beginning: str, end: str) -> None:
    clock = zone_of(zone)
    assert begins(text, clock) == datetime.fromisoformat(beginning).replace(tzinfo=UTC)
    assert ends(text, clock) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-03-29T02:30", "29.3.2026", "2026-11-27T09:00+01:00", "2026-02-30", ""])
def test_a_time_that_the_clock_never_shows_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        begins(text, BERLIN)
    assert refused.value.code == "pricing.local_time"


def test_a_price_without_an_end_holds_until_the_next_begins() -> None:
    found = laid_out([a_price("A", "8", "2026-06-01"), a_price("A", "10", "2026-01-01"), a_price("B", "1")])
    assert [(one.sku, one.until_at) for one in found] == [("A", begins("2026-06-01", BERLIN)), ("A", None), ("B", None)]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((("2026-01-01", "2026-05-31"), ("2026-06-02", "")), "pricing.gap_in_time"),
        ((("2026-01-01", "2026-06-01"), ("2026-06-01", "")), "pricing.overlap_in_time"),
        ((("2026-01-01", ""), ("2026-01-01", "2026-02-01")), "pricing.overlap_in_time"),
        ((("2026-01-01", "2026-12-31"), ("2026-03-01", "2026-03-31")), "pricing.overlap_in_time"),
        ((("2026-06-01", ""), ("2026-01-01", "2026-04-30")), "pricing.gap_in_time"),
    ],
)
def test_a_gap_or_an_overlap_is_named_and_nothing_is_kept(
    shop: Shop, given: tuple[tuple[str, str], ...], code: str
) -> None:
    shop.list("retail", {"A": "5", "B": "7"})
    wrong = [a_price("A", str(n), since, until) for n, (since, until) in enumerate(given)]
    with pytest.raises(Refused) as refused:
        shop.prices("retail", a_price("B", "8"), *wrong, a_price("C", "9"))
    assert (refused.value.code, refused.value.about) == (code, "sku A")
    assert kept(shop) == [("A", "1", "5"), ("B", "1", "7")]
    assert [fact["skus"] for fact in told(shop.hub, "pricing.price_changed.v1")] == [["A", "B"]]


def test_breaks_have_lives_of_their_own() -> None:
    rows = (a_price("A", "9", "2026-01-01"), a_price("A", "8", "2026-02-01", "2026-02-28", min_quantity=10))
    assert len(laid_out(rows)) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "-1"}, "pricing.price"), ({"amount": "1.0000001"}, "money.too_precise"),
        ({"amount": "1e30"}, "pricing.price"), ({"min_quantity": -1}, "pricing.price"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "pricing.price"), ({"currency": "USD"}, "pricing.price"),
    ],
)  # fmt: skip
def test_a_price_that_makes_no_sense_is_refused(shop: Shop, changes: Mapping[str, Any], code: str) -> None:
    shop.list("retail", {"A": "5"})
    given: dict[str, Any] = {"sku": "A", "amount": "1", **changes}
    with pytest.raises(HubError) as refused:
        shop.prices("retail", a_price("B", "2"), a_price(**given))
    assert refused.value.code == code
    assert kept(shop) == [("A", "1", "5")]


def test_the_skus_that_are_named_have_their_prices_replaced_and_no_others(shop: Shop) -> None:
    shop.list("retail", {"A": ((1, "5"), (10, "4")), "B": "7", "C": "8"})
    changed = shop.prices("retail", a_price("A", "5"), a_price("D", "9"), a_price("B", "7"), without=("C", "NONE"))
    assert changed == ["A", "C", "D"]
    assert kept(shop) == [("A", "1", "5"), ("B", "1", "7"), ("D", "1", "9")]
    assert shop.prices("retail", a_price("A", "5.000000")) == []


@pytest.mark.capability("PRC-4")
def test_a_change_is_told_with_the_instants_at_which_the_price_changes_again(shop: Shop) -> None:
    shop.list("retail", channel="shop")
    until, later = NOW + timedelta(days=3), NOW + timedelta(days=10)
    first = replace(a_price("A", "5"), until_at=until)
    shop.prices("retail", first, replace(first, from_at=until, until_at=later), a_price("B", "1"))
    shop.prices("retail", first, replace(first, from_at=until, until_at=later), a_price("B", "1"))
    now = shop.hub.clock.now()
    assert told(shop.hub, "pricing.price_changed.v1") == [
        {
            "price_list": "retail", "company": "", "channel": "shop", "currency": "EUR", "skus": ["A", "B"],
            "instants": [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (until, later) if at > now],
        }
    ]  # fmt: skip


def test_many_skus_are_told_in_facts_of_five_hundred(shop: Shop) -> None:
    shop.list("retail", {f"S{n:04}": "1" for n in range(1001)})
    assert [len(fact["skus"]) for fact in told(shop.hub, "pricing.price_changed.v1")] == [500, 500, 1]


def test_a_closed_list_prices_nothing_and_says_so(shop: Shop) -> None:
    shop.tax()
    shop.list("retail", {"A": "5"})
    shop.list("retail", open=False)
    with pytest.raises(Refused) as refused:
        shop.quote({"A": 1})
    assert refused.value.code == "pricing.no_price"
    assert len(told(shop.hub, "pricing.price_changed.v1")) == 3


def test_one_scope_has_one_list(shop: Shop) -> None:
    shop.list("retail", channel="shop")
    with pytest.raises(Refused) as refused:
        shop.list("retail-2", channel="shop")
    assert refused.value.code == "pricing.scope_taken"
    shop.list("retail-usd", channel="shop", currency="USD")


@pytest.mark.parametrize("change", [{"currency": "USD"}, {"includes_tax": False}, {"zone": "Europe/Paris"}])
def test_what_prices_mean_does_not_change_under_them(shop: Shop, change: dict[str, Any]) -> None:
    shop.list("empty")
    shop.list("empty", **change)
    shop.list("retail", {"A": "5"}, channel="shop")
    with pytest.raises(Refused) as refused:
        shop.list("retail", channel="shop", **change)
    assert refused.value.code == "pricing.list_has_prices"


def test_net_and_gross_prices_are_not_mixed_in_one_basket(shop: Shop) -> None:
    shop.tax()
    shop.list("retail", {"A": "5", "B": "6"})
    shop.list("contract", {"A": "4"}, customer="ACME", includes_tax=False)
    assert shop.quote({"A": 1}, customer="ACME").includes_tax is False
    with pytest.raises(Refused) as refused:
        shop.quote({"A": 1, "B": 1}, customer="ACME")
    assert refused.value.code == "pricing.mixed_net_and_gross"


def test_an_unknown_zone_or_list_is_named(shop: Shop) -> None:
    for wrong, code in ((a_list(zone="Europe/Atlantis"), "pricing.unknown_zone"), (a_list(" "), "pricing.list")):
        with pytest.raises(Invalid) as refused:
            shop.list(wrong.code, zone=wrong.zone)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        shop.prices("nowhere", a_price("A", "1"))


class Counted:
    """A unit of work that counts its statements."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow, self.count = uow, 0

    def sql(self, *given: Any) -> Any:
        self.count += 1
        return self.uow.sql(*given)


@pytest.mark.capability("PRC-3")
@pytest.mark.parametrize("lines", [1, 20, 300])
def test_a_quote_reads_in_two_statements_however_many_lines_it_has(shop: Shop, lines: int) -> None:
    shop.list("retail", {f"S{n}": "1" for n in range(lines)})
    with shop.hub.unit_of_work() as uow:
        counted = Counted(uow)
        found = known(cast(UnitOfWork, counted), a_basket({f"S{n}": 1 for n in range(lines)}))
    assert (counted.count, len(found.offers)) == (2, lines)


def test_what_somebody_did_to_a_list_is_kept(shop: Shop) -> None:
    shop.list("retail", {"A": "5"})
    with shop.hub.unit_of_work() as uow:
        rows = uow.sql("SELECT who, did FROM hub.act WHERE kind = 'price_list' AND key = 'retail' ORDER BY id")
        assert rows.fetchall() == [(WHO, "made a price list"), (WHO, "changed prices")]


def test_two_lists_of_one_scope_made_at_once_leave_one(shop: Shop) -> None:
    def make(code: str) -> str:
        try:
            shop.list(code, channel="shop")
        except Refused as refused:
            return refused.code
        return "made"

    with ThreadPoolExecutor(8) as hands:
        done = list(hands.map(make, (f"list-{n}" for n in range(8))))
    assert sorted(done) == ["made"] + ["pricing.scope_taken"] * 7


def test_two_who_set_a_sku_at_once_leave_the_prices_of_one(shop: Shop) -> None:
    shop.list("retail")

    def change(n: int) -> list[str]:
        rows = (a_price("A", str(n), min_quantity=least) for least in (1, 10 + n))
        return shop.prices("retail", *rows, a_price("B", "1"))

    with ThreadPoolExecutor(8) as hands:
        assert all("A" in changed for changed in hands.map(change, range(1, 9)))
    amounts = {amount for sku, _, amount in kept(shop) if sku == "A"}
    assert (len(kept(shop)), len(amounts)) == (3, 1)
