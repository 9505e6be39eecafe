"""Movements of money that an ERP books: one row for each transaction and ERP, so that none is booked twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domains.orders.canonical import Order, Side, Transaction, TransactionKind, TransactionStatus
from app.domains.orders.events import PaymentReceived
from app.domains.orders.ports import Payment, PaymentReceipt
from app.domains.orders.service.standing import Standing
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork
from app.kernel.clock import business_date
from app.kernel.errors import NotFound
from app.kernel.money import Money

MOVES_MONEY = (TransactionKind.SALE, TransactionKind.CAPTURE, TransactionKind.REFUND)

ADD = """
INSERT INTO orders.payment (id, order_id, erp, transaction_id, kind, gateway, currency, amount_minor, occurred_at)
SELECT g.id, %(order)s, %(erp)s, g.transaction_id, g.kind, g.gateway, g.currency, g.amount, g.at
  FROM unnest(%(ids)s::uuid[], %(transactions)s::text[], %(kinds)s::text[], %(gateways)s::text[],
              %(currencies)s::text[], %(amounts)s::bigint[], %(ats)s::timestamptz[])
       g(id, transaction_id, kind, gateway, currency, amount, at)
ON CONFLICT (order_id, erp, transaction_id) DO NOTHING
RETURNING id::text, transaction_id
"""
READ = """
SELECT p.order_id::text, o.external_id, o.name, p.transaction_id, p.gateway, p.kind, p.amount_minor, p.currency,
       p.occurred_at, p.booked_at IS NOT NULL
  FROM orders.payment p JOIN orders.sales_order o ON o.id = p.order_id WHERE p.id = %(id)s
"""
BOOKED = "UPDATE orders.payment SET booked_at = now(), number = %(number)s WHERE id = %(id)s AND booked_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookable:
    """A payment to book, without what its ERP knows."""

    payment: Payment
    booked: bool


def receive_payments(uow: UnitOfWork, standing: Standing, order: Order, erp: str, side: Side, trail: Trail) -> int:
    """Note the order's successful transactions for an ERP that books them; publishes PaymentReceived for each new one.

    Money is positive when it came in and negative when it was paid back; an authorisation moves none.
    """
    moved = {one.transaction_id: one for one in _transactions(order)}
    if not moved:
        return 0
    ids = {transaction_id: new_id() for transaction_id in moved}
    fresh = uow.sql(ADD, {"order": standing.order_id, "erp": erp, **_columns(moved, ids, order, side)}).fetchall()
    for payment_id, transaction_id in fresh:
        one = moved[transaction_id]
        uow.publish(
            PaymentReceived(
                order_id=standing.order_id, channel=standing.channel, erp=erp, payment_id=payment_id,
                transaction_id=transaction_id, kind=one.kind.value, amount=_signed(one, side), company=standing.company,
            ),
            standing.trail(trail),
        )  # fmt: skip
    return len(fresh)


def bookable(
    uow: UnitOfWork, payment_id: str, known: Mapping[str, Mapping[str, str]], *, again: bool, zone: str = "UTC",
    cut_off_hour: int = 24,
) -> Bookable:  # fmt: skip
    """A payment as its ERP is asked to book it, on the date of the ERP's company. Raises NotFound
    (`orders.unknown_payment`).
    """
    row = uow.sql(READ, {"id": payment_id}).fetchone()
    if row is None:
        raise NotFound("orders.unknown_payment", f"there is no payment {payment_id}", about=payment_id)
    order_id, key, name, transaction_id, gateway, kind, minor, currency, occurred_at, booked = row
    payment = Payment(
        payment_id=payment_id, order_id=order_id, order_key=key, order_name=name, transaction_id=transaction_id,
        gateway=gateway, kind=kind, amount=Money(minor, currency), known=known, again=again,
        occurred_on=business_date(occurred_at, zone, cut_off_hour),
    )  # fmt: skip
    return Bookable(payment=payment, booked=booked)


def record_booking(uow: UnitOfWork, payment_id: str, receipt: PaymentReceipt) -> None:
    """The ERP booked the payment, or its policy books none."""
    uow.sql(BOOKED, {"id": payment_id, "number": receipt.number if receipt.booked else "none"})


def _transactions(order: Order) -> list[Transaction]:
    everything = [*order.transactions, *(one for refund in order.refunds for one in refund.transactions)]
    return [
        one
        for one in everything
        if one.kind in MOVES_MONEY and one.status is TransactionStatus.SUCCESS and (order.test or not one.test)
    ]


def _columns(
    moved: Mapping[str, Transaction], ids: Mapping[str, str], order: Order, side: Side
) -> dict[str, Sequence[object]]:
    amounts = [_signed(one, side) for one in moved.values()]
    return {
        "ids": list(ids.values()),
        "transactions": list(moved),
        "kinds": [one.kind.value for one in moved.values()],
        "gateways": [one.gateway for one in moved.values()],
        "currencies": [amount.currency for amount in amounts],
        "amounts": [amount.minor for amount in amounts],
        "ats": [one.created_at or order.placed_at for one in moved.values()],
    }


def _signed(one: Transaction, side: Side) -> Money:
    amount = one.amount.of(side)
    return -amount if one.kind is TransactionKind.REFUND else amount
