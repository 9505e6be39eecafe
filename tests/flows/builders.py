"""Builders that only stories need."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.domains.orders.canonical import Order, Totals, Transaction, TransactionKind, TransactionStatus
from tests.factories import PLACED, stated_total, usd


def a_sale(transaction_id: str, amount: str, *, gateway: str = "card") -> Transaction:
    return Transaction(
        transaction_id=transaction_id, kind=TransactionKind.SALE, status=TransactionStatus.SUCCESS, gateway=gateway,
        amount=usd(amount), created_at=PLACED,
    )  # fmt: skip


def later(order: Order, minutes: int, **changes: object) -> Order:
    """The order as its source tells it so many minutes later."""
    return replace(order, source_version=PLACED + timedelta(minutes=minutes), **changes)


def with_quantity(order: Order, minutes: int, quantity: int) -> Order:
    """The order edited before payment to so many of its first line: ordered and current alike."""
    line = replace(order.lines[0], qty_ordered=quantity, qty_current=quantity)
    lines = (line, *order.lines[1:])
    total = stated_total({"lines": lines, "currency_shop": "USD", "currency_presentment": "USD"})
    return later(order, minutes, lines=lines, totals=Totals(total=total, current_total=total))


def cancelled(order: Order, minutes: int) -> Order:
    moment = PLACED + timedelta(minutes=minutes)
    return later(order, minutes, cancelled_at=moment, cancel_reason="customer")
