"""An order's totals are proved, or the order says exactly what does not add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domains.orders.canonical import (
    Adjustment,
    Amount,
    Duty,
    Edit,
    Fee,
    Order,
    Refund,
    RefundLine,
    RefundShipping,
    RestockKind,
    Sale,
    Side,
    Tax,
    Totals,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from app.domains.orders.policy import CURRENCY_CONVERSION, Proof, ProofRow, prove, require_proof
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money
from tests.factories import a_line, a_shipping, a_tax, an_allocation, an_order, usd

pytestmark = pytest.mark.capability("CM-2", "ORD-2")

WHEN = datetime(2026, 11, 22, 8, tzinfo=UTC)


def rows(proof: Proof, equation: str, side: Side = Side.SHOP) -> list[ProofRow]:
    return [row for row in proof.rows if row.equation == equation and row.side is side]


def row(proof: Proof, equation: str, side: Side = Side.SHOP) -> ProofRow:
    (only,) = rows(proof, equation, side)
    return only


def both(shop: str, presentment: str) -> Amount:
    return Amount(shop=Money.parse(shop, "USD"), presentment=Money.parse(presentment, "EUR"))


def moved(kind: TransactionKind, amount: str, status: TransactionStatus = TransactionStatus.SUCCESS) -> Transaction:
    return Transaction(transaction_id="1", kind=kind, status=status, gateway="bogus", amount=usd(amount))


def a_refund(**overrides: object) -> Refund:
    return Refund(**({"refund_id": "9", "created_at": WHEN} | overrides))  # type: ignore[arg-type]


def refund_line(subtotal: str, tax: str = "0.00") -> RefundLine:
    return RefundLine(
        line_id="501", quantity=1, subtotal=usd(subtotal), tax=usd(tax), restock=RestockKind.RETURN, location=""
    )


class TestTheTotal:
    def test_everything_that_bears_money_enters_it(self) -> None:
        order = an_order(
            lines=(
                a_line(
                    price="30.00", quantity=2, allocations=(an_allocation("6.00"),), taxes=(a_tax("4.32"),),
                    duties=(Duty(price=usd("3.00"), taxes=(a_tax("0.24", title="Duty tax"),)),),
                ),
            ),
            shipping=(a_shipping(price="9.95", allocations=(an_allocation("5.00"),), taxes=(a_tax("0.40"),)),),
            fees=(Fee(name="Recycling", price=usd("2.50"), taxes=(a_tax("0.20"),)),),
            tip_outside_lines=usd("3.00"),
            total="72.61",  # 54.00 + 4.95 + 3.00 + 2.50 + 3.00 + taxes 5.16
        )  # fmt: skip
        proof = require_proof(order)
        assert proof.decides
        assert row(proof, "E1").computed == Money.parse("72.61", "USD")

    def test_one_cent_too_many_stops_the_order_and_is_named(self) -> None:
        order = an_order(total="25.01")
        with pytest.raises(NeedsAttention) as stopped:
            require_proof(order)
        assert stopped.value.code == "orders.totals_do_not_add_up"
        assert stopped.value.facts == {
            "equation": "E1", "side": "presentment", "stated": "25.01 USD", "computed": "25.00 USD",
            "difference": "0.01 USD", "edited": False,
        }  # fmt: skip

    def test_taxes_within_the_prices_are_not_added(self) -> None:
        assert prove(an_order(taxes_included=True, lines=(a_line(taxes=(a_tax("1.85"),)),), total="25.00")).decides

    def test_duties_within_the_prices_are_not_added(self) -> None:
        line = a_line(duties=(Duty(price=usd("3.00")),))
        assert prove(an_order(duties_included=True, lines=(line,), total="25.00")).decides
        assert prove(an_order(lines=(line,), total="28.00")).decides

    def test_a_removed_shipping_line_counts_nothing(self) -> None:
        gone = a_shipping("702", price="20.00", taxes=(a_tax("1.60"),), is_removed=True)
        assert prove(an_order(shipping=(gone,), total="25.00")).decides

    def test_units_removed_or_refunded_later_were_ordered_and_count(self) -> None:
        assert prove(an_order(lines=(a_line(quantity=3, qty_current=1),), total="75.00")).decides

    def test_taxes_that_lie_on_the_order_alone_are_taken_from_there_and_said(self) -> None:
        proof = prove(
            an_order(
                document_taxes=(a_tax("2.00"),),
                totals=Totals(total=usd("27.00"), current_total=usd("27.00"), tax=usd("2.00")),
            )
        )
        assert (proof.decides, proof.tax_by_document) == (True, True)
        assert [finding.equation for finding in proof.findings] == ["E4", "E6", "E4", "E6"]

    @pytest.mark.parametrize(("currency", "price", "total"), [("JPY", "1200", "3600"), ("KWD", "12.345", "37.035")])
    def test_a_minor_unit_is_the_currencys_own(self, currency: str, price: str, total: str) -> None:
        order = an_order(currency=currency, lines=(a_line(price=price, quantity=3, currency=currency),), total=total)
        assert prove(order).decides


class TestFindings:
    def test_stated_sums_that_differ_are_remarks_and_stop_nothing(self) -> None:
        totals = Totals(
            total=usd("24.00"), current_total=usd("24.00"), items_gross=usd("24.99"), discounts=usd("0.99"),
            tax=usd("0.01"),
        )  # fmt: skip
        proof = require_proof(an_order(lines=(a_line(allocations=(an_allocation("1.00"),)),), totals=totals))
        shop = [finding for finding in proof.findings if finding.side is Side.SHOP]
        assert [(finding.equation, str(finding.difference)) for finding in shop] == [
            ("E2", "-0.01 USD"), ("E3", "-0.01 USD"), ("E4", "0.01 USD"),
        ]  # fmt: skip

    def test_each_tax_row_of_the_order_is_compared_by_title_and_rate(self) -> None:
        order = an_order(
            lines=(a_line(taxes=(a_tax("1.00"), a_tax("0.50", title="County", rate="0.02"))),),
            shipping=(a_shipping(price="5.00", taxes=(a_tax("0.20"),)),),
            document_taxes=(a_tax("1.20"), a_tax("0.51", title="County", rate="0.02")),
        )
        compared = rows(prove(order), "E6")
        assert [(one.about, one.holds) for one in compared] == [("County 0.02", False), ("State tax 0.08", True)]

    def test_what_is_not_stated_is_not_compared(self) -> None:
        assert {one.equation for one in prove(an_order()).rows} == {"E1", "E7"}


class TestTwoCurrencies:
    def order(self, shop_total: str, presentment_total: str = "24.98") -> Order:
        line = a_line(
            unit_price=both("10.98", "9.99"), quantity=2, taxes=(Tax(title="VAT", amount=both("5.50", "5.00")),)
        )
        total = both(shop_total, presentment_total)
        return an_order(
            currency_shop="USD", currency_presentment="EUR", lines=(line,),
            totals=Totals(total=total, current_total=total),
        )  # fmt: skip

    def test_both_sides_add_up_without_a_residual(self) -> None:
        assert require_proof(self.order("27.46")).residual is None

    @pytest.mark.parametrize(("total", "residual"), [("27.48", "0.02"), ("27.44", "-0.02"), ("27.45", "-0.01")])
    def test_conversion_is_a_residual_of_one_unit_for_each_row_of_money(self, total: str, residual: str) -> None:
        proof = require_proof(self.order(total))
        assert proof.residual is not None
        assert (proof.residual.kind, str(proof.residual.amount)) == (CURRENCY_CONVERSION, f"{residual} USD")
        assert str(proof.residual.bound) == "0.02 USD"

    def test_more_than_conversion_explains_is_a_case(self) -> None:
        with pytest.raises(NeedsAttention) as stopped:
            require_proof(self.order("27.49"))
        assert (stopped.value.facts["side"], stopped.value.facts["difference"]) == ("shop", "0.03 USD")

    def test_the_presentment_side_has_no_excuse(self) -> None:
        with pytest.raises(NeedsAttention) as stopped:
            require_proof(self.order("27.47", "24.99"))
        assert stopped.value.facts["side"] == "presentment"

    def test_one_currency_has_no_residual(self) -> None:
        order = an_order(totals=Totals(total=usd("25.01"), current_total=usd("25.01")))
        assert not prove(order).decides


class TestAfterSales:
    def test_a_refund_lowers_the_current_total_and_equals_the_money_paid_back(self) -> None:
        refund = a_refund(
            lines=(refund_line("20.00", "1.60"),),
            shipping=(RefundShipping(amount=usd("5.00"), tax=usd("0.00")),),
            adjustments=(Adjustment(amount=usd("1.70"), tax=usd("0.00")),),
            transactions=(
                moved(TransactionKind.REFUND, "24.90"),
                moved(TransactionKind.REFUND, "9.99", TransactionStatus.FAILURE),
            ),
        )
        totals = Totals(total=usd("48.20"), current_total=usd("21.60"))
        order = an_order(
            lines=(a_line(price="20.00", quantity=2, taxes=(a_tax("3.20"),)),), shipping=(a_shipping(price="5.00"),),
            refunds=(refund,), totals=totals,
        )  # fmt: skip
        proof = require_proof(order)
        assert (row(proof, "E7").holds, row(proof, "E8").holds) == (True, True)
        assert row(proof, "E8").computed == Money.parse("24.90", "USD")

    def test_taxes_within_prices_are_not_refunded_on_top(self) -> None:
        refund = a_refund(lines=(refund_line("25.00", "1.85"),), transactions=(moved(TransactionKind.REFUND, "25.00"),))
        totals = Totals(total=usd("25.00"), current_total=usd("0.00"))
        proof = prove(an_order(taxes_included=True, refunds=(refund,), totals=totals))
        assert (row(proof, "E7").holds, row(proof, "E8").holds) == (True, True)

    def test_money_that_moved_apart_from_lines_is_seen_and_stops_nothing(self) -> None:
        refund = a_refund(lines=(refund_line("25.00"),), transactions=(moved(TransactionKind.REFUND, "10.00"),))
        proof = require_proof(an_order(refunds=(refund,)))
        assert row(proof, "E8").difference == Money.parse("-15.00", "USD")
        assert not row(proof, "E7").holds  # the stated current total forgot the refund
        assert proof.findings == ()

    def test_what_is_outstanding_follows_from_what_was_received(self) -> None:
        transactions = (
            moved(TransactionKind.AUTHORIZATION, "25.00"),
            moved(TransactionKind.CAPTURE, "20.00"),
            moved(TransactionKind.SALE, "5.00", TransactionStatus.PENDING),
        )
        totals = Totals(total=usd("25.00"), current_total=usd("25.00"), outstanding=usd("5.00"))
        assert row(prove(an_order(transactions=transactions, totals=totals)), "E11").holds

    def test_cash_rounding_is_allowed_between_paid_and_owed(self) -> None:
        totals = Totals(total=usd("10.02"), current_total=usd("10.02"), outstanding=usd("0.00"))
        order = an_order(
            lines=(a_line(price="10.02"),), transactions=(moved(TransactionKind.SALE, "10.00"),), totals=totals
        )
        assert not row(prove(order), "E11").holds
        assert row(prove(replace(order, cash_rounding_payment=usd("-0.02"))), "E11").holds
        assert not row(prove(replace(order, cash_rounding_payment=usd("-0.01"))), "E11").holds


class TestEdits:
    def edited(self, *sold: str, current: str) -> Order:
        sales = tuple(Sale(kind="PRODUCT", amount=usd(amount)) for amount in sold)
        return an_order(
            edited=True,
            edits=(Edit(agreement_id="1", happened_at=WHEN, sales=sales[:1]),
                   Edit(agreement_id="2", happened_at=WHEN, sales=sales[1:])),
            lines=(a_line(quantity=3, qty_current=2),),
            totals=Totals(total=usd("62.50"), current_total=usd(current)),
        )  # fmt: skip

    def test_agreements_prove_an_edited_order_whose_total_describes_no_single_moment(self) -> None:
        proof = require_proof(self.edited("75.00", "-12.50", current="62.50"))
        assert (proof.decided_by, proof.edited) == ("E9", True)
        assert not row(proof, "E1").holds

    def test_agreements_that_do_not_reach_the_current_total_stop_it(self) -> None:
        with pytest.raises(NeedsAttention) as stopped:
            require_proof(self.edited("75.00", "-25.00", current="62.50"))
        assert (stopped.value.facts["equation"], stopped.value.facts["difference"]) == ("E9", "12.50 USD")
        assert stopped.value.facts["edited"] is True

    def test_without_agreements_an_edited_order_is_proved_as_it_was_placed(self) -> None:
        order = an_order(edited=True, lines=(a_line(quantity=2, qty_current=1),), total="50.00")
        assert require_proof(order).decided_by == "E1"
