"""What every SalesOrderSink must do, whoever built it. Subclass it, give it a `bench`, done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Protocol

import pytest

from app.domains.orders.canonical import Order, Totals
from app.domains.orders.ports import Posting, SalesOrderSink
from app.infra.remote.spec import Dedupe
from app.kernel.errors import Ambiguous, NeedsAttention, Unauthorised, Waits
from app.kernel.money import Money
from tests.factories import a_line, a_shipping, an_allocation, an_order, usd

TODAY = date(2026, 11, 21)


class SalesOrderBench(Protocol):
    """The other side with switches. `sku` names something it sells, `documents` are the totals of what it holds."""

    port: SalesOrderSink
    dedupe: Dedupe
    skus: tuple[str, str]

    def documents(self) -> list[Money]: ...

    def lose_answer(self, *, after_effect: bool) -> None:
        """The next write gets no answer; its effect happened, or did not."""
        ...

    def throttle(self, *, retry_after: int) -> None: ...

    def lock_out(self) -> None: ...

    def tear(self, number: str) -> None:
        """Take a line from a document, as if the other side had kept only half of a write."""
        ...

    def release(self, number: str) -> None:
        """The other side's people lock a document."""
        ...


def posting_of(order: Order, *, key: str = "450789469", again: bool = False) -> Posting:
    return Posting(
        order_id=f"hub-{key}", key=key, order=order, account_id="account-1", business_date=TODAY, known={}, again=again
    )


def two_lines(bench: SalesOrderBench, *, quantity: int = 3) -> Order:
    """An order whose cents are odd: 3 × 19.99 less 5.00, 24.50, and 4.95 for shipping."""
    first, second = bench.skus
    return an_order(
        lines=(
            a_line("501", sku=first, price="19.99", quantity=quantity, allocations=(an_allocation("5.00"),)),
            a_line("502", sku=second, price="24.50"),
        ),
        shipping=(a_shipping(price="4.95"),),
    )


def with_fewer(order: Order, *, quantity: int, total: str) -> Order:
    """The order after an edit that took units out of its first line; `total` is what the source says then."""
    first, *others = order.lines
    totals = Totals(total=order.totals.total, current_total=usd(total))
    return replace(order, lines=(replace(first, qty_current=quantity), *others), totals=totals, edited=True)


@pytest.mark.capability("ORD-5")
class SalesOrderSinkContract:
    """The promises of `app.domains.orders.ports.SalesOrderSink`."""

    def test_what_goes_in_can_be_found(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        posted = bench.port.post(posting_of(order))
        found = bench.port.find(posting_of(order))
        assert found is not None
        assert (found.number, found.external_id) == (posted.number, posted.external_id)
        assert bench.port.find(posting_of(order, key="999")) is None

    def test_the_same_key_is_the_same_document(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        first, second = bench.port.post(posting_of(order)), bench.port.post(posting_of(order))
        assert (first.repeated, second.repeated) == (False, True)
        assert second.number == first.number
        assert len(bench.documents()) == 1

    def test_different_keys_are_different_documents(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        first, second = (bench.port.post(posting_of(order, key=key)) for key in ("1", "2"))
        assert first.number != second.number
        assert len(bench.documents()) == 2

    def test_no_cent_is_lost(self, bench: SalesOrderBench) -> None:
        receipt = bench.port.post(posting_of(two_lines(bench)))
        assert bench.documents() == [Money.parse("84.42", "USD")]
        assert receipt.total == Money.parse("84.42", "USD")

    def test_an_unanswered_write_is_in_doubt_and_not_repeated(self, bench: SalesOrderBench) -> None:
        if bench.dedupe is Dedupe.NONE:
            pytest.skip("declares that it cannot tell")
        order = two_lines(bench)
        bench.lose_answer(after_effect=True)
        with pytest.raises(Ambiguous):
            bench.port.post(posting_of(order))
        assert bench.port.post(posting_of(order, again=True)).repeated
        assert len(bench.documents()) == 1

    def test_a_write_that_never_arrived_is_made_the_next_time(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        bench.lose_answer(after_effect=False)
        with pytest.raises(Ambiguous):
            bench.port.post(posting_of(order))
        assert not bench.port.post(posting_of(order, again=True)).repeated
        assert len(bench.documents()) == 1

    def test_a_half_document_is_completed_and_not_doubled(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        posted = bench.port.post(posting_of(order))
        bench.tear(posted.number)
        completed = bench.port.post(posting_of(order, again=True))
        assert [line.sequence for line in completed.lines] == [line.sequence for line in posted.lines]
        assert bench.documents() == [Money.parse("84.42", "USD")]

    def test_being_throttled_says_when_to_come_back(self, bench: SalesOrderBench) -> None:
        bench.throttle(retry_after=7)
        with pytest.raises(Waits) as caught:
            bench.port.post(posting_of(two_lines(bench)))
        assert caught.value.seconds == 7
        assert bench.documents() == []

    def test_dead_credentials_pause_the_connection(self, bench: SalesOrderBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.post(posting_of(two_lines(bench)))

    def test_a_thing_the_other_side_does_not_have_is_named(self, bench: SalesOrderBench) -> None:
        order = an_order(lines=(a_line(sku=bench.skus[0]), a_line("502", sku="NO-SUCH-THING")))
        with pytest.raises(NeedsAttention) as caught:
            bench.port.post(posting_of(order))
        assert (caught.value.code, caught.value.about) == ("orders.sku_unmapped", "sku NO-SUCH-THING")
        assert bench.documents() == []

    @pytest.mark.capability("ORD-7")
    def test_an_edit_is_followed_while_the_document_is_open_to_it(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        posted = bench.port.post(posting_of(order))
        changed = bench.port.change(posting_of(with_fewer(order, quantity=1, total="47.77")))
        assert changed.number == posted.number
        assert bench.documents() == [Money.parse("47.77", "USD")]

    @pytest.mark.capability("ORD-7")
    def test_an_edit_of_a_locked_document_is_a_case_with_the_exact_change(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        bench.release(bench.port.post(posting_of(order)).number)
        with pytest.raises(NeedsAttention) as caught:
            bench.port.change(posting_of(with_fewer(order, quantity=1, total="47.77")))
        assert caught.value.code == "erp.order_released"
        assert "quantity 3 → 1" in caught.value.message
        assert bench.documents() == [Money.parse("84.42", "USD")]

    @pytest.mark.capability("ORD-7")
    def test_a_cancelled_order_leaves_nothing_and_twice_is_once(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        bench.port.post(posting_of(order))
        bench.port.cancel(posting_of(order))
        assert sum(total.minor for total in bench.documents()) == 0
        assert bench.port.cancel(posting_of(order)) is None

    @pytest.mark.capability("ORD-7")
    def test_a_locked_document_is_not_cancelled_but_a_case(self, bench: SalesOrderBench) -> None:
        order = two_lines(bench)
        bench.release(bench.port.post(posting_of(order)).number)
        with pytest.raises(NeedsAttention) as caught:
            bench.port.cancel(posting_of(order))
        assert caught.value.code == "erp.order_released"
        assert bench.documents() == [Money.parse("84.42", "USD")]
