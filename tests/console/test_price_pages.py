"""Prices in the console: what holds, what somebody changes, and a quote that explains itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

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


def rows(*given: str) -> dict[str, list[str]]:
    """Rows as the form posts them: quantity, amount, first day, last day."""
    columns = list(zip(*(row.split() + ["-"] * (4 - len(row.split())) for row in given), strict=True))
    names = ("min_quantity", "amount", "from", "until")
    return {name: [text.replace("-", "") if text == "-" else text for text in column]
            for name, column in zip(names, columns, strict=True)} | {"unit": [""] * len(given)}  # fmt: skip


def test_the_prices_of_a_sku_are_set_row_by_row_and_kept_whole(shop: Shop, operator: Browser, hub: Hub) -> None:
    page = operator.get("/admin/prices/lists/retail/prices?sku=TENT").text
    assert all(f'value="{said}"' in page for said in ("TENT", "199.00", "5", "189.50", "2026-01-01"))
    gap = rows("1 199 2026-01-01 2026-11-30", "1 179 2026-12-02")
    refused = operator.post("/admin/prices/lists/retail/prices", sku="TENT", **gap)
    assert (refused.status_code, "has no price from 2026-11-30 23:00" in refused.text) == (422, True)
    assert 'value="179"' in refused.text  # nothing that was typed is lost
    bad = rows("1 cheap 2026-01-01", "2 9.99 soon")
    refused = operator.post("/admin/prices/lists/retail/prices", sku="TENT", **bad)
    assert refused.status_code == 422
    assert ("row-1-wrong" in refused.text, "row-2-wrong" in refused.text) == (True, True)
    assert "First day: &#39;soon&#39; is no local day" in refused.text
    right = rows("1 199 2026-01-01 2026-11-30", "1 179.999999 2026-12-01")
    page = operator.post("/admin/prices/lists/retail/prices", sku="TENT", **right).text
    assert "as written here" in page
    assert "179.999999 EUR" in page
    assert "189.50" not in page
    again = operator.get("/admin/prices/lists/retail/prices?sku=TENT").text
    assert ('value="2026-11-30"' in again, 'value="2026-12-01"' in again) == (True, True)
    assert audit(hub) == [("changed prices", "retail", "")]


def test_prices_are_tried_on_a_basket_now_and_then_before_they_are_kept(
    shop: Shop, operator: Browser, hub: Hub
) -> None:
    coming = (hub.clock.now() + timedelta(days=3)).date()
    given = rows(f"1 200 2026-01-01 {coming}", f"1 100 {coming + timedelta(days=1)}")
    operator.get("/admin/prices/lists/retail/prices?sku=TENT")
    basket = {"try_lines": "TENT 2", "try_country": "DE"}
    page = operator.post("/admin/prices/lists/retail/prices", sku="TENT", act="look", **basket, **given).text
    for said in ("358.20 EUR", "<b>360.00 EUR</b>", "<b>180.00 EUR</b>", f"{coming + timedelta(days=1)} 00:00"):
        assert said in page
    assert "199.00" in operator.get("/admin/prices/lists/retail?sku=TENT").text
    refused = operator.post("/admin/prices/lists/retail/prices", sku="TENT", act="look", **given)
    assert ("Nothing to try" in refused.text, refused.status_code, audit(hub)) == (True, 422, [])


def test_a_list_is_made_for_a_contract_and_its_faults_stand_at_their_fields(
    shop: Shop, operator: Browser, hub: Hub
) -> None:
    assert "New price list" in operator.get("/admin/prices/new-list").text
    wanted = {"code": "camp", "currency": "eur", "prices": "net", "zone": "Europe/Berlin", "customer": "CAMP"}
    for changes, field, said in (
        ({"zone": "Mars"}, "zone", "is no zone of the IANA database"),
        ({"currency": "EURO"}, "currency", "not"),
        ({"customer": "ACME"}, "customer", "is already the one in EUR for customer ACME"),
        ({"code": "a b"}, "code", "is no code"),
        ({"code": "retail"}, "code", "there already"),
    ):  # fmt: skip
        refused = operator.post("/admin/prices/new-list", **{**wanted, **changes})
        assert (refused.status_code, f'id="{field}-wrong"' in refused.text) == (422, True), changes
        assert 'value="Europe/Berlin"' in refused.text or field == "zone"
        assert said in refused.text or field == "code"
    page = operator.post("/admin/prices/new-list", **wanted).text
    assert "Net prices in EUR for customer CAMP" in page
    moved = operator.post("/admin/prices/lists/camp/edit", **{**wanted, "customer": "", "customer_group": "club"}).text
    assert "Net prices in EUR for group club" in moved
    assert [did for did, _, _ in audit(hub)] == ["made a price list", "changed a price list"]


def test_the_floor_is_set_by_a_form_and_a_promotion_keeps_to_it(shop: Shop, operator: Browser, hub: Hub) -> None:
    assert "No rule yet" in operator.get("/admin/prices/rules").text
    for margin in ("much", "-200"):
        refused = operator.post("/admin/prices/rules", rounding="line", half="up", margin=margin, floor="refuse")
        assert (refused.status_code, 'id="margin-wrong"' in refused.text) == (422, True)
    page = operator.post("/admin/prices/rules", channel="shop", rounding="order", half="even", margin="12.5").text
    for said in ("channel shop", "12.5 %", "the sum of the order", "to the even one", "the discount is cut back"):
        assert said in page
    assert [did for did, _, _ in audit(hub)] == ["set the quote rule"]


PROMOTION = {"code": "black", "kind": "percentage", "value": "25", "level": "line", "skus": "PEG, TENT",
             "zone": "Europe/Berlin", "from": "2026-11-27", "until": "2026-11-30", "open": "yes"}  # fmt: skip


def test_a_promotion_without_a_rule_beside_another_is_refused_at_its_field(
    shop: Shop, operator: Browser, hub: Hub
) -> None:
    operator.get("/admin/prices/new-promotion")
    refused = operator.post("/admin/prices/new-promotion", **PROMOTION)
    assert (refused.status_code, 'id="stacks_with-wrong"' in refused.text) == (422, True)
    assert "no rule says whether both count" in refused.text
    for changes, field in (
        ({"value": "-5"}, "value"), ({"kind": "amount"}, "currency"), ({"until": "2026-11-01"}, "until"),
        ({"from": "later"}, "from"), ({"level": "order", "kind": "fixed_price", "currency": "EUR"}, "level"),
        ({"code": "pegs"}, "code"), ({"zone": "Nowhere"}, "zone"), ({"buy": "two"}, "buy"),
    ):  # fmt: skip
        refused = operator.post("/admin/prices/new-promotion", **{**PROMOTION, **changes})
        assert (refused.status_code, f'id="{field}-wrong"' in refused.text) == (422, True), changes
    assert audit(hub) == []
    page = operator.post("/admin/prices/new-promotion", **{**PROMOTION, "exclusive": "yes"}).text
    for said in ("25 % off", "2026-11-27 00:00 Europe/Berlin", "2026-12-01 00:00", "yes: as the price of each item"):
        assert said in page
    form = operator.get("/admin/prices/promotions/black/edit").text
    assert ('value="PEG, TENT"' in form, 'value="25"' in form, "2026-11-27T00:00" in form) == (True, True, True)
    page = operator.post("/admin/prices/promotions/black/edit",
                         **{**PROMOTION, "exclusive": "yes", "min_quantity": "3"}).text  # fmt: skip
    assert "no: it begins at 3 units" in page


def test_a_promotion_is_tried_on_a_basket_before_it_is_kept(shop: Shop, operator: Browser, hub: Hub) -> None:
    operator.get("/admin/prices/new-promotion")
    coming = {"from": f"{(hub.clock.now() + timedelta(days=3)).date()}", "until": "", "exclusive": "yes"}
    basket = {"try_lines": "TENT 1", "try_country": "DE", "try_currency": "EUR", "act": "look"}
    page = operator.post("/admin/prices/new-promotion", **{**PROMOTION, **coming, **basket, "priority": "9"}).text
    assert page.count("179.10 EUR") == 3  # now as it is and with this, and then as it is
    assert ("<b>149.25 EUR</b>" in page, "25 % off" in page, audit(hub)) == (True, True, [])


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
    for path in (
        "lists/retail/prices",
        "lists/retail/edit",
        "new-list",
        "new-promotion",
        "rules",
        "lists/retail/open",
        "promotions/pegs/edit",
        "promotions/pegs/end",
    ):
        assert viewer.post(f"/admin/prices/{path}", sure="yes", sku="TENT", prices="").status_code == 403
    assert audit(hub) == []
