"""Payments: what a customer paid, or got back, is booked once where the company's policy books it."""

from __future__ import annotations

from app.domains.orders import service as orders
from app.domains.orders.canonical import Order, Side
from app.domains.orders.events import PaymentReceived
from app.domains.orders.ports import Payment, PaymentReceipt, PaymentSink
from app.domains.orders.service import Standing
from app.flows.runtime import Connected, Told, step
from app.infra.bindings import Tie, bind_many, known
from app.infra.uow import Trail, UnitOfWork

BOOKS_NOTHING = "none"


def receive(uow: UnitOfWork, standing: Standing, order: Order, erp: str, trail: Trail) -> int:
    """Note the order's payments for an ERP that books them, in its documents' currency; returns how many are new."""
    settings = uow.hub.connections.get(uow.session, erp).settings
    if settings.get("payment_booking", BOOKS_NOTHING) == BOOKS_NOTHING:
        return 0
    side = Side(settings.get("document_currency", Side.PRESENTMENT))
    return orders.receive_payments(uow, standing, order, erp, side, trail)


def plan_booking(uow: UnitOfWork, told: Told[PaymentReceived]) -> Payment | None:
    fact = told.fact
    wanted = {"sales_order": [fact.order_id], "payment": [fact.payment_id]}
    settings = uow.hub.connections.get(uow.session, fact.erp).settings
    found = orders.bookable(
        uow, fact.payment_id, known(uow, fact.erp, wanted, whole=("account",)), again=told.again,
        zone=settings.get("zone", "UTC"), cut_off_hour=settings.get("cut_off_hour", 24),
    )  # fmt: skip
    return None if found.booked else found.payment


def call_booking(connection: Connected, payment: Payment) -> PaymentReceipt:
    return connection.port(PaymentSink).book(payment)


def record_booking(uow: UnitOfWork, told: Told[PaymentReceived], payment: Payment, receipt: PaymentReceipt) -> None:
    ties = [
        Tie(connection=told.connection, kind=one.kind, key=one.key, external_id=one.external_id, number=one.number)
        for one in receipt.learned
    ]
    if receipt.booked:
        mine = Tie(
            connection=told.connection, kind="payment", key=payment.payment_id, external_id=receipt.external_id,
            number=receipt.number,
        )  # fmt: skip
        ties = [mine, *(tie for tie in ties if (tie.kind, tie.key) != (mine.kind, mine.key))]
    bind_many(uow, ties)
    orders.record_booking(uow, payment.payment_id, receipt)


def receipt_of(payment: Payment, number: str) -> PaymentReceipt:
    """The receipt that a booking's number stands for."""
    return PaymentReceipt(external_id=number, number=number, repeated=True, booked=True)


book_payment = step(
    "payments.book_payment",
    on=PaymentReceived, queue="finance", at_fact="erp", port=PaymentSink, domain="finance", flag="erp.payments",
    plan=plan_booking, call=call_booking, record=record_booking, happened=receipt_of,
)  # fmt: skip
