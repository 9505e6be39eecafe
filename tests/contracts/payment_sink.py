"""What every PaymentSink must do, whoever built it."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import pytest

from app.domains.orders.ports import Payment, PaymentSink
from app.kernel.errors import Ambiguous, NeedsAttention, Unauthorised, Waits
from app.kernel.money import Money


class PaymentBench(Protocol):
    """The other side with switches, holding an order of key 450789469. `booked` are the amounts of what it posted."""

    port: PaymentSink

    def booked(self) -> list[Money]: ...

    def lose_answer(self, *, after_effect: bool) -> None: ...

    def throttle(self, *, retry_after: int) -> None: ...

    def lock_out(self) -> None: ...


def a_payment(
    payment_id: str = "payment-1", *, amount: str = "54.32", kind: str = "capture", gateway: str = "shopify_payments",
    again: bool = False, currency: str = "USD",
) -> Payment:  # fmt: skip
    return Payment(
        payment_id=payment_id, order_id="hub-450789469", order_key="450789469", order_name="#1001",
        transaction_id="389404469", gateway=gateway, kind=kind, amount=Money.parse(amount, currency),
        occurred_on=date(2026, 11, 20), known={}, again=again,
    )  # fmt: skip


@pytest.mark.capability("ORD-5")
class PaymentSinkContract:
    """The promises of `app.domains.orders.ports.PaymentSink`."""

    def test_a_payment_is_booked_to_the_cent(self, bench: PaymentBench) -> None:
        receipt = bench.port.book(a_payment())
        assert (receipt.booked, receipt.repeated) == (True, False)
        assert bench.booked() == [Money.parse("54.32", "USD")]

    def test_the_same_payment_twice_is_booked_once(self, bench: PaymentBench) -> None:
        first, second = bench.port.book(a_payment()), bench.port.book(a_payment())
        assert (second.number, second.repeated) == (first.number, True)
        assert len(bench.booked()) == 1

    def test_two_payments_of_one_order_are_two(self, bench: PaymentBench) -> None:
        numbers = {bench.port.book(a_payment(each)).number for each in ("payment-1", "payment-2")}
        assert len(numbers) == 2
        assert len(bench.booked()) == 2

    def test_money_paid_back_is_booked_the_other_way_round(self, bench: PaymentBench) -> None:
        bench.port.book(a_payment(amount="-12.00", kind="refund"))
        assert bench.booked() == [Money.parse("-12.00", "USD")]

    def test_an_unanswered_booking_is_in_doubt_and_not_repeated(self, bench: PaymentBench) -> None:
        bench.lose_answer(after_effect=True)
        with pytest.raises(Ambiguous):
            bench.port.book(a_payment())
        assert bench.port.book(a_payment(again=True)).booked
        assert bench.booked() == [Money.parse("54.32", "USD")]

    def test_a_booking_that_never_arrived_is_made_the_next_time(self, bench: PaymentBench) -> None:
        bench.lose_answer(after_effect=False)
        with pytest.raises(Ambiguous):
            bench.port.book(a_payment())
        assert bench.booked() == []
        bench.port.book(a_payment(again=True))
        assert bench.booked() == [Money.parse("54.32", "USD")]

    def test_a_gateway_without_an_account_is_a_case(self, bench: PaymentBench) -> None:
        with pytest.raises(NeedsAttention) as caught:
            bench.port.book(a_payment(gateway="carrier pigeon"))
        assert (caught.value.code, caught.value.about) == ("erp.payment_account_missing", "gateway carrier pigeon")
        assert bench.booked() == []

    def test_an_authorisation_moves_no_money(self, bench: PaymentBench) -> None:
        assert not bench.port.book(a_payment(kind="authorization")).booked
        assert bench.booked() == []

    def test_being_throttled_says_when_to_come_back(self, bench: PaymentBench) -> None:
        bench.throttle(retry_after=7)
        with pytest.raises(Waits) as caught:
            bench.port.book(a_payment())
        assert caught.value.seconds == 7

    def test_dead_credentials_pause_the_connection(self, bench: PaymentBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.book(a_payment())
