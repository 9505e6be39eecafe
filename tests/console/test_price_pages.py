"""Prices in the console: what holds, what somebody changes, and a quote that explains itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domains.pricing.canonical.promotions import Kind
from app.infra.hub import Hub
from tests.console.browser import Browser
from tests.domains.pricing.shop import GERMANY, Shop

pytestmark = pytest.mark.capability("ADM-2", "PRC-1", "PRC-2", "PRC-3")


@pytest.fixture
def shop(hub: Hub) -> Shop:
    """A German shop with a list, a contract and a promotion."""
    shop = Shop(hub)
    shop.tax(GERMANY)
    shop.items(TENT="category=tents tax_code=standard", PEG="tax_code=standard")
    shop.list("retail", {"TENT": ((1, "199.00"), (5, "189.5")), "PEG": "0.99"}, title="Shop prices")
    shop.list("acme", {"PEG": "0.375"}, customer="ACME")
    shop.promotion("tents-10", categories=["tents"], title="Ten off tents")
    shop.promotion("pegs", Kind.BUY_X_GET_Y, "100", buy=2, get=1, skus=["PEG"])
    return shop


def audit(hub: Hub) -> list[tuple[str, str, str]]:
    with hub.unit_of_work() as uow:
        rows = uow.sql("SELECT did, key, why FROM hub.act WHERE who LIKE '%@%' ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows]


def test_lists_and_promotions_are_shown_with_what_they_say(shop: Shop, operator: Browser) -> None:
    page = operator.get("/admin/prices/").text
    for said in ("Shop prices", "customer ACME", "everybody", "buy 2, get 1 at 100 % off", "10 % off", "1 category"):
        assert said in page
    one = operator.get("/admin/prices/lists/retail").text
    for said in ("Gross prices in EUR for everybody", "189.50 EUR", "2026-01-01 00:00", "holds"):
        assert said in one
    assert "No price of TENT in this list" in operator.get("/admin/prices/lists/acme?sku=TENT").text
    assert "every item" not in operator.get("/admin/prices/promotions/tents-10").text


def test_the_prices_of_a_sku_are_written_down_and_kept_whole(shop: Shop, operator: Browser, hub: Hub) -> None:
    page = operator.get("/admin/prices/lists/retail?sku=TENT").text
    assert "1 199.00 2026-01-01T00:00:00 -\n5 189.50 2026-01-01T00:00:00 -" in page
    wrong = "1 199 2026-01-01 2026-11-30\n1 179 2026-12-02"
    refused = operator.post("/admin/prices/lists/retail/set", sku="TENT", prices=wrong)
    assert (refused.status_code, "has no price from 2026-11-30 23:00" in refused.text) == (409, True)
    operator.get("/admin/prices/lists/retail?sku=TENT")
    right = "1 199 2026-01-01 2026-11-30\n\n1 179.999999 2026-12-01 - \n"
    page = operator.post("/admin/prices/lists/retail/set", sku="TENT", prices=right).text
    assert "as written here" in page
    assert "179.999999 EUR" in page
    assert "189.50" not in page
    assert audit(hub) == [("changed prices", "retail", "")]


def test_a_list_is_closed_and_a_promotion_ended_with_a_reason(shop: Shop, operator: Browser, hub: Hub) -> None:
    operator.get("/admin/prices/lists/acme")
    assert "Nothing has been done yet" in operator.post("/admin/prices/lists/acme/open").text
    page = operator.post("/admin/prices/lists/acme/open", sure="yes", opened="yes", why="contract over").text
    assert "Closed: none of them counts" in page
    assert "End the promotion pegs" in operator.post("/admin/prices/promotions/pegs/end").text
    assert "It has ended" in operator.post("/admin/prices/promotions/pegs/end", sure="yes", why="sold out").text
    assert audit(hub) == [("closed a price list", "acme", "contract over"), ("ended a promotion", "pegs", "sold out")]


def test_a_quote_is_explained_line_by_line(shop: Shop, operator: Browser) -> None:
    asked = "currency=EUR&country=DE&customer=ACME&shipping=4.90&lines=TENT+5%0D%0APEG+3"
    page = operator.get(f"/admin/prices/quote?{asked}").text
    for said in (
        "price list retail for everybody: 189.50 EUR from 5", "price list acme for customer ACME",
        "buy 2, get 1 at 100 % off", "-94.75", "USt 19 % 19 % of DE", "shipping as the caller gave it",
    ):  # fmt: skip
        assert said in page
    # 947.50 - 94.75 + 1.13 - 0.38 + 4.90
    assert "858.40 EUR with tax" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("currency=EUR&country=DE&lines=TENT+many", "Line 1: &#39;many&#39; is no number"),
        ("currency=EUR&country=DE&lines=TENT+-1", "more than zero"),
        ("currency=EUR&country=DE&lines=BOAT", "no open price list has a price in EUR for BOAT"),
        ("currency=EUR&country=FR&lines=TENT", "no tax jurisdiction covers FR"),
    ],
)
def test_what_cannot_be_quoted_says_why(shop: Shop, operator: Browser, asked: str, said: str) -> None:
    answer = operator.get(f"/admin/prices/quote?{asked}")
    assert answer.status_code == 200
    assert said.lower() in answer.text.lower()


def test_who_may_only_look_changes_no_price(shop: Shop, signed_in: Callable[[str], Browser], hub: Hub) -> None:
    viewer = signed_in("viewer")
    assert "Set the prices" not in viewer.get("/admin/prices/lists/retail?sku=TENT").text
    for path in ("lists/retail/set", "lists/retail/open", "promotions/pegs/end"):
        assert viewer.post(f"/admin/prices/{path}", sure="yes", sku="TENT", prices="").status_code == 403
    assert audit(hub) == []
