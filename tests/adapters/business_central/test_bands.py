"""Every band of a document: what becomes which line, on which account, with which tax code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.business_central import SPEC
from app.adapters.business_central.mapping.document import build_plan
from app.adapters.business_central.mapping.plan import DocumentPlan, PlannedLine
from app.adapters.business_central.mapping.terms import Terms
from app.domains.orders.canonical import Duty, Fee, LineKind, Order, Totals
from app.domains.orders.ports import Difference, Posting
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money
from tests.adapters.business_central.erp import ACCOUNTS
from tests.factories import a_line, a_shipping, a_tax, an_allocation, an_order, eur, money, usd

pytestmark = [pytest.mark.capability("ORD-5", "CM-1"), pytest.mark.capability("SYS-dynamics-bc")]

RAW: dict[str, Any] = {
    "tenant": "t", "environment": "e", "company_id": "7d112a45-ed22-5a23-b902-a0ca572f25ad", "client_id": "c",
    "client_secret": "s", "local_currency": "USD", "tax_mode": "tax_lines", "zero_tax_code": "ZERO",
    "shipping_tax_code": "FULL", "duty_tax_code": "DUTIES", "fee_tax_code": "FEES", "accounts": dict(ACCOUNTS),
}  # fmt: skip


def planned(order: Order, known: dict[str, dict[str, str]] | None = None, **settings: Any) -> DocumentPlan:
    posting = Posting(
        order_id="hub-1", key="450789469", order=order, account_id="account-1", business_date=date(2026, 11, 21),
        known=known or {},
    )  # fmt: skip
    return build_plan(posting, Terms.of(SPEC.settings().load(RAW | settings)))


def goods(plan: DocumentPlan) -> dict[int, PlannedLine]:
    return {line.sequence: line for line in plan.lines if line.line_type != "Comment"}


def told(line: PlannedLine) -> tuple[str, str, Decimal, Decimal, Decimal, str]:
    return line.meaning, line.key, line.quantity, line.unit_price, line.discount, line.tax_code


class TestShipping:
    def test_shipping_is_an_account_line_with_its_own_discount(self) -> None:
        free = a_shipping(price="4.90", allocations=(an_allocation("4.90"),))
        line = goods(planned(an_order(shipping=(free,))))[800001]
        assert told(line) == ("shipping", "4100", 1, Decimal("4.90"), Decimal("4.90"), "ZERO")

    def test_a_removed_or_free_rate_is_no_line(self) -> None:
        order = an_order(shipping=(a_shipping("1", price="9.00", is_removed=True), a_shipping("2", price="0.00")))
        assert sorted(goods(planned(order))) == [1000]

    def test_the_second_rate_keeps_its_place_when_the_first_is_removed(self) -> None:
        order = an_order(shipping=(a_shipping("1", price="9.00", is_removed=True), a_shipping("2", price="5.00")))
        assert sorted(goods(planned(order))) == [1000, 800002]

    def test_taxed_shipping_of_a_vat_company_has_its_code_and_untaxed_has_none_of_it(self) -> None:
        taxed = (a_tax("0.93", rate="0.19", currency="EUR"),)
        for taxes, code in ((taxed, "FULL"), ((), "ZERO")):
            order = an_order(currency="EUR", lines=(a_line(currency="EUR"),),
                             shipping=(a_shipping(currency="EUR", taxes=taxes),))  # fmt: skip
            assert goods(planned(order, tax_mode="net"))[800001].tax_code == code

    @pytest.mark.capability("CM-5")
    def test_a_value_map_names_the_tax_code_of_a_tax_by_its_title_and_that_of_shipping(self) -> None:
        taxed = (a_tax("0.93", rate="0.19", currency="EUR"),)
        sold = a_line(currency="EUR", taxes=(a_tax("4.75", rate="0.19", currency="EUR"),))
        order = an_order(currency="EUR", lines=(sold,),
                         shipping=(a_shipping(currency="EUR", taxes=taxed),))  # fmt: skip
        mapped = {"tax_code": {taxed[0].title: "NORMAL", "shipping": "FREIGHT"}}
        lines = goods(planned(order, mapped, tax_mode="net"))
        assert (lines[1000].tax_code, lines[800001].tax_code) == ("NORMAL", "FREIGHT")


class TestTipsDutiesFees:
    def test_a_tip_is_a_line_item_or_stands_outside_the_lines(self) -> None:
        tip = a_line("9", kind=LineKind.TIP, sku="", title="Tip", price="3.00")
        order = an_order(lines=(a_line(), tip), tip_outside_lines=usd("1.50"))
        lines = goods(planned(order))
        assert told(lines[820000]) == ("tip", "4200", 1, Decimal("3.00"), 0, "ZERO")
        assert told(lines[820001]) == ("tip", "4200", 1, Decimal("1.50"), 0, "ZERO")

    def test_duties_and_fees_are_lines_on_their_accounts(self) -> None:
        taxed = (a_tax("0.57", rate="0.19", currency="EUR"),)
        duty = Duty(price=eur("3.00"), taxes=taxed, duty_id="d1", hs_code="620343")
        line = a_line(currency="EUR", duties=(duty,))
        order = an_order(currency="EUR", lines=(line,), fees=(Fee(name="Gift wrap", price=eur("2.00")),))
        lines = goods(planned(order, tax_mode="net"))
        assert told(lines[840000]) == ("duty", "4300", 1, Decimal("3.00"), 0, "DUTIES")
        assert told(lines[850000]) == ("fee", "4310", 1, Decimal("2.00"), 0, "ZERO")
        assert lines[840000].description == "Duty 620343"

    def test_duties_inside_the_prices_are_no_line(self) -> None:
        duty = Duty(price=usd("3.00"), duty_id="d1")
        order = an_order(lines=(a_line(duties=(duty,)),), duties_included=True)
        assert sorted(goods(planned(order))) == [1000]


class TestGoods:
    def test_a_free_line_stays_with_its_price_and_a_discount_of_the_same(self) -> None:
        line = a_line(price="25.00", allocations=(an_allocation("25.00"),))
        assert told(goods(planned(an_order(lines=(line,))))[1000])[2:5] == (1, Decimal("25.00"), Decimal("25.00"))

    def test_line_and_order_discounts_are_one_amount(self) -> None:
        line = a_line(price="25.00", quantity=2, allocations=(an_allocation("5.00"), an_allocation("2.25")))
        assert goods(planned(an_order(lines=(line,))))[1000].discount == Decimal("7.25")

    def test_what_was_removed_is_not_posted_and_keeps_its_place(self) -> None:
        order = an_order(lines=(replace(a_line("1"), qty_current=0), a_line("2")))
        left = Totals(total=order.totals.total, current_total=usd("25.00"))
        assert sorted(goods(planned(replace(order, totals=left)))) == [2000]

    def test_a_line_without_an_item_goes_to_its_account(self) -> None:
        custom = a_line("1", kind=LineKind.CUSTOM, sku="", title="Engraving", price="7.00")
        line = goods(planned(an_order(lines=(custom,))))[1000]
        assert (line.line_type, line.key, line.description) == ("Account", "4310", "Engraving")

    def test_without_such_an_account_it_is_a_case_that_names_the_line(self) -> None:
        custom = a_line("1", kind=LineKind.CUSTOM, sku="", title="Engraving", price="7.00")
        with pytest.raises(NeedsAttention) as caught:
            planned(an_order(lines=(custom,)), accounts={**ACCOUNTS, "custom": ""})
        assert (caught.value.code, caught.value.about) == ("orders.sku_unmapped", "line Engraving")

    def test_the_first_of_a_split_line_is_the_one_that_counts(self) -> None:
        order = an_order(lines=(a_line("1"), a_line("2")))
        lines = goods(planned(order, known={"sequence": {"1": "2001", "2": "1000"}}))
        assert {sequence: line.line_id for sequence, line in lines.items()} == {1000: "2", 2000: "1"}

    def test_more_lines_than_a_document_takes_are_a_case(self) -> None:
        order = an_order(lines=tuple(a_line(str(n), price="1.00") for n in range(800)))
        with pytest.raises(NeedsAttention) as caught:
            planned(order)
        assert caught.value.code == "erp.too_many_lines"


class TestTaxes:
    def test_one_line_for_each_title_whatever_it_was_charged_on(self) -> None:
        line = a_line(taxes=(a_tax("2.00"), a_tax("0.50", title="County tax")))
        shipping = a_shipping(price="5.00", taxes=(a_tax("0.40"),))
        lines = goods(planned(an_order(lines=(line,), shipping=(shipping,))))
        assert {n: (each.key, each.unit_price) for n, each in lines.items() if each.meaning == "tax"} == {
            900001: ("2310", Decimal("2.40")), 900002: ("2320", Decimal("0.50"))
        }  # fmt: skip

    def test_taxes_that_only_the_order_states_are_taken_from_it(self) -> None:
        order = an_order(document_taxes=(a_tax("2.00"),), total="27.00")
        lines = goods(planned(order))
        assert (lines[900001].unit_price, lines[1000].rate) == (Decimal("2.00"), 0)

    def test_a_title_without_an_account_is_a_case_that_names_it(self) -> None:
        with pytest.raises(NeedsAttention) as caught:
            planned(an_order(lines=(a_line(taxes=(a_tax("2.00", title="Moon tax"),)),)))
        assert (caught.value.code, caught.value.about) == ("erp.account_missing", "tax Moon tax")
        assert "tax_payable" in str(caught.value.facts["setting"])

    def test_an_account_for_every_other_title_takes_those_without_one(self) -> None:
        accounts = {**ACCOUNTS, "tax_payable": {"State tax": "2310", "*": "2390"}}
        taxes = (a_tax("2.00"), a_tax("1.00", title="Moon tax"))
        lines = goods(planned(an_order(lines=(a_line(taxes=taxes),)), accounts=accounts))
        assert [lines[n].key for n in (900001, 900002)] == ["2310", "2390"]

    def test_a_tax_of_nothing_is_no_line(self) -> None:
        assert sorted(goods(planned(an_order(lines=(a_line(taxes=(a_tax("0.00", title="Moon tax"),)),))))) == [1000]


class TestRounding:
    def test_every_row_that_was_converted_may_be_a_unit_off_on_the_shop_s_side(self) -> None:
        """10.00 EUR were 10.99 USD each, the order of two 21.97: one cent is the conversion's."""
        price = replace(money("10.99"), presentment=Money.parse("10.00", "EUR"))
        lines = tuple(replace(a_line(str(n)), unit_price=price) for n in (1, 2))
        total = replace(money("21.97"), presentment=Money.parse("20.00", "EUR"))
        order = replace(
            an_order(lines=lines), currency_presentment="EUR", totals=Totals(total=total, current_total=total)
        )  # fmt: skip
        plan = planned(order, document_currency="shop")
        assert goods(plan)[990000].unit_price == Decimal("-0.01")
        assert 990000 not in goods(planned(order, document_currency="presentment"))

    @pytest.mark.parametrize(("total", "fits"), [("25.01", True), ("24.99", True), ("25.02", False)])
    def test_one_unit_is_explained_without_tax_and_two_are_not(self, total: str, fits: bool) -> None:
        order = an_order(total=total)
        if fits:
            assert goods(planned(order))[990000].unit_price == Decimal(total) - 25
        else:
            with pytest.raises(NeedsAttention, match="nothing was posted"):
                planned(order)


class TestComments:
    def test_a_long_note_is_cut_and_the_cut_is_told(self) -> None:
        plan = planned(an_order(note="x" * 300), comment_lines=2)
        texts = [line.description for line in plan.lines if line.line_type == "Comment"]
        assert [(line.sequence, len(line.description)) for line in plan.lines if line.line_type == "Comment"] == [
            (999000, 100), (999001, 100)
        ]  # fmt: skip
        assert texts[0].startswith("#1001 · xxx")
        assert Difference(field="comment", planned="308 characters", found="cut to 200 characters") in plan.cuts

    def test_no_comment_where_none_is_wanted(self) -> None:
        assert [line.sequence for line in planned(an_order(note="x" * 300), comment_lines=0).lines] == [1000]
