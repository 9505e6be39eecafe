"""Edits and cancellations of a document that is there: what is changed, in which order, and what is left to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.domains.orders.canonical import Order, Refund, RefundLine, RefundShipping, RestockKind, Totals
from app.kernel.errors import Ambiguous, NeedsAttention, Transient
from app.kernel.money import Money
from tests.adapters.business_central.erp import Erp, a_us_company, an_erp
from tests.contracts.sales_order_sink import posting_of, two_lines, with_fewer
from tests.factories import a_line, an_address, an_order, usd

pytestmark = [pytest.mark.capability("ORD-7"), pytest.mark.capability("SYS-dynamics-bc")]
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def erp() -> Iterator[Erp]:
    with an_erp(a_us_company()) as erp:
        erp.with_order()
        yield erp


def worth(order: Order, total: str) -> Order:
    return replace(order, totals=Totals(total=order.totals.total, current_total=usd(total)))


class TestEdits:
    def test_fewer_units_set_quantity_price_and_discount_again(self, erp: Erp) -> None:
        """1 of 3 × 19.99 less 5.00: 54.97 − round(54.97 × 2/3) = 18.32, so 1.67 of the discount are left."""
        receipt = erp.orders.change(posting_of(with_fewer(two_lines(erp), quantity=1, total="47.77")))
        line = erp.lines(erp.number)[1000]
        figures = (line["quantity"], line["unitPrice"], line["discountAmount"])
        assert figures == (1, Decimal("19.99"), Decimal("1.67"))
        assert (receipt.total, receipt.repeated, receipt.status) == (Money.parse("47.77", "USD"), True, "Draft")

    def test_a_removed_line_is_deleted_and_keeps_its_sequence_free(self, erp: Erp) -> None:
        order = with_fewer(two_lines(erp), quantity=0, total="29.45")
        receipt = erp.orders.change(posting_of(order))
        assert sorted(erp.lines(erp.number)) == [2000, 800001, 999000]
        assert [line.line_id for line in receipt.lines if line.meaning == "line"] == ["502"]

    def test_an_added_line_takes_the_next_sequence_of_its_band(self, erp: Erp) -> None:
        order = two_lines(erp)
        order = replace(order, lines=(*order.lines, a_line("503", sku="MO-SCK-M", price="18.90")))
        erp.orders.change(posting_of(worth(order, "103.32")))
        assert erp.lines(erp.number)[3000]["lineObjectNumber"] == "MO-SCK-M"

    def test_a_line_keeps_its_sequence_when_the_channel_lists_lines_in_another_order(self, erp: Erp) -> None:
        order = two_lines(erp)
        first, second = order.lines
        moved = replace(order, lines=(a_line("503", sku="MO-SCK-M", price="18.90"), second, first))
        known = {"sequence": {"501": "1000", "502": "2000"}}
        erp.orders.change(replace(posting_of(worth(moved, "103.32")), known=known))
        told = {n: line["lineObjectNumber"] for n, line in erp.lines(erp.number).items() if n < 800000}
        assert told == {1000: "MO-TENT-2P", 2000: "MO-CAP-ONE", 3000: "MO-SCK-M"}

    def test_another_item_in_a_line_s_place_replaces_it(self, erp: Erp) -> None:
        order = two_lines(erp)
        first, second = order.lines
        erp.orders.change(posting_of(replace(order, lines=(first, replace(second, sku="MO-SCK-L")))))
        assert erp.lines(erp.number)[2000]["lineObjectNumber"] == "MO-SCK-L"

    def test_a_refund_of_money_for_a_line_lowers_its_amount(self, erp: Erp) -> None:
        order = two_lines(erp)
        row = RefundLine(
            line_id="501", quantity=1, subtotal=usd("18.33"), tax=usd("0.00"), restock=RestockKind.CANCEL
        )  # fmt: skip
        freight = RefundShipping(amount=usd("1.00"), tax=usd("0.00"), shipping_line_id="701")
        refund = Refund(refund_id="r1", created_at=NOW, lines=(row,), shipping=(freight,))
        lines = (replace(order.lines[0], qty_current=2), order.lines[1])
        erp.orders.change(posting_of(worth(replace(order, lines=lines, refunds=(refund,)), "65.09")))
        lines_now = erp.lines(erp.number)
        assert (lines_now[1000]["quantity"], lines_now[1000]["discountAmount"]) == (2, Decimal("3.34"))
        assert lines_now[800001]["discountAmount"] == Decimal("1.00")

    def test_another_address_goes_to_the_head(self, erp: Erp) -> None:
        order = replace(two_lines(erp), ship_to=an_address(city="Salem", line1="4 Court Street"))
        erp.orders.change(posting_of(order))
        [head] = erp.held()
        assert (head["shipToCity"], head["shipToAddressLine1"]) == ("Salem", "4 Court Street")

    def test_nothing_to_change_writes_nothing(self, erp: Erp) -> None:
        before = erp.calls()
        erp.orders.change(posting_of(two_lines(erp)))
        written = {name for name, count in erp.calls().items() if count != before.get(name, 0)}
        assert written == {"POST $batch", "GET salesOrders", "GET salesInvoices", "GET items", "GET accounts",
                           "GET customers"}  # fmt: skip

    def test_a_document_somebody_changed_meanwhile_is_read_and_decided_again(self, erp: Erp) -> None:
        erp.fault(kind="status", status=409, match="PATCH salesOrderLines", times=2)
        receipt = erp.orders.change(posting_of(with_fewer(two_lines(erp), quantity=1, total="47.77")))
        assert receipt.total == Money.parse("47.77", "USD")

    def test_a_change_that_was_not_answered_is_finished_the_next_time(self, erp: Erp) -> None:
        order = with_fewer(two_lines(erp), quantity=1, total="47.77")
        erp.fault(kind="drop_after", match="PATCH salesOrderLines", times=1)
        with pytest.raises(Ambiguous):
            erp.orders.change(posting_of(order))
        assert erp.orders.change(posting_of(order, again=True)).total == Money.parse("47.77", "USD")

    def test_a_document_that_is_gone_is_a_case(self, erp: Erp) -> None:
        erp.orders.cancel(posting_of(two_lines(erp)))
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.change(posting_of(two_lines(erp)))
        assert caught.value.code == "erp.document_missing"


class TestLocked:
    def test_every_change_is_named_as_a_person_makes_it(self, erp: Erp) -> None:
        erp.release(erp.number)
        order = with_fewer(two_lines(erp), quantity=1, total="66.67")
        order = replace(order, lines=(*order.lines, a_line("503", sku="MO-SCK-M", price="18.90")))
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.change(posting_of(order))
        assert (caught.value.code, caught.value.facts["status"]) == ("erp.order_released", "Open")
        assert caught.value.facts["changes"] == [
            "line 1000: set quantity 3 → 1, unit price 19.99, line discount amount 5.00 → 1.67",
            "line 3000: add MO-SCK-M with quantity 1, unit price 18.90, line discount amount 0.00",
        ]

    def test_another_address_of_a_released_order_is_a_case(self, erp: Erp) -> None:
        erp.release(erp.number)
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.change(posting_of(replace(two_lines(erp), ship_to=an_address(city="Salem"))))
        assert caught.value.facts["changes"] == ["shipToCity: set it as the order has it"]

    def test_a_released_order_that_is_as_planned_is_no_case(self, erp: Erp) -> None:
        erp.release(erp.number)
        assert erp.orders.change(posting_of(two_lines(erp))).status == "Open"

    def test_an_invoiced_order_is_a_case(self, erp: Erp) -> None:
        erp.ship(None, invoice=True)
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.change(posting_of(with_fewer(two_lines(erp), quantity=1, total="47.77")))
        assert (caught.value.code, caught.value.facts["status"]) == ("erp.order_released", "Invoiced")

    def test_a_reopened_order_is_not_changed_below_what_has_left(self, erp: Erp) -> None:
        erp.ship({1000: 2})
        erp.people("edit", set="salesOrders", number=erp.number, values={"status": "Draft"})
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.change(posting_of(with_fewer(two_lines(erp), quantity=1, total="47.77")))
        assert caught.value.code == "erp.order_released"
        with pytest.raises(NeedsAttention):
            erp.orders.cancel(posting_of(two_lines(erp)))


class TestCancellations:
    def test_a_draft_is_deleted(self, erp: Erp) -> None:
        assert erp.orders.cancel(posting_of(two_lines(erp))) is None
        assert erp.held() == []

    def test_a_company_without_gaps_in_its_numbers_keeps_it_at_zero(self) -> None:
        with an_erp(a_us_company(), cancel_policy="zero_quantities") as erp:
            posted = erp.with_order()
            receipt = erp.orders.cancel(posting_of(two_lines(erp)))
            assert receipt is not None
            assert (receipt.number, receipt.total) == (posted.number, Money.zero("USD"))
            assert {line["quantity"] for line in erp.lines(erp.number).values()} == {0}
            assert erp.orders.cancel(posting_of(two_lines(erp))) == receipt

    def test_a_cancellation_that_was_not_answered_finds_nothing_the_next_time(self, erp: Erp) -> None:
        erp.fault(kind="drop_after", match="DELETE salesOrders", times=1)
        with pytest.raises(Ambiguous):
            erp.orders.cancel(posting_of(two_lines(erp)))
        assert erp.orders.cancel(posting_of(two_lines(erp), again=True)) is None

    def test_a_document_that_changes_all_the_time_is_tried_later(self, erp: Erp) -> None:
        erp.fault(kind="status", status=409, match="DELETE salesOrders")
        with pytest.raises(Transient):
            erp.orders.cancel(posting_of(two_lines(erp)))

    def test_what_to_do_depends_on_how_far_the_order_got(self, erp: Erp) -> None:
        order = two_lines(erp)
        told = []
        for step in ("release", "ship", "invoice"):
            if step == "release":
                erp.release(erp.number)
            else:
                erp.ship({1000: 1}, invoice=step == "invoice")
            with pytest.raises(NeedsAttention) as caught:
                erp.orders.cancel(posting_of(order))
            told.append(str(caught.value.facts["changes"]))
        assert [word in said for word, said in zip(("picking", "shipped goods", "invoice"), told, strict=True)] == [
            True, True, True
        ]  # fmt: skip


def test_an_order_with_nothing_left_is_to_be_cancelled_instead(erp: Erp) -> None:
    gone = an_order(lines=(replace(a_line(sku="MO-CAP-ONE"), qty_current=0),), total="0.00")
    with pytest.raises(NeedsAttention) as caught:
        erp.orders.change(posting_of(gone))
    assert caught.value.code == "erp.nothing_to_post"
