"""Invoices of the ERP, and the proof that they come to what the order says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from app.domains.orders.canonical import LineKind
from app.domains.orders.events import OrderInvoiced
from app.domains.orders.ports import ErpInvoice, InvoicedLine
from app.domains.orders.service.matching import erp_lines
from app.domains.orders.service.standing import Standing, document, lock_by_erp_number
from app.infra.cases import open_case
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.money import Money

NOTHING = Decimal(0)

ADD = """
INSERT INTO orders.invoice (id, order_id, erp, number, invoiced_on, currency, total_minor, lines, notice_id)
VALUES (%(id)s, %(order)s, %(erp)s, %(number)s, %(on)s, %(currency)s, %(total)s, %(lines)s::jsonb, %(notice)s)
ON CONFLICT (erp, number) DO NOTHING RETURNING id
"""
INVOICED = """
SELECT d.currency, d.total_minor, count(i.id), coalesce(sum(i.total_minor), 0)::bigint,
       bool_and(i.currency = d.currency), coalesce(jsonb_agg(i.lines), '[]')
  FROM orders.erp_document d LEFT JOIN orders.invoice i ON i.order_id = d.order_id AND i.erp = d.erp
 WHERE d.order_id = %(order)s AND d.erp = %(erp)s GROUP BY d.currency, d.total_minor
"""


def record_invoice(uow: UnitOfWork, erp: str, invoice: ErpInvoice, trail: Trail, notice_id: int = 0) -> Standing | None:
    """Record an invoice once by (ERP, number); None while the order's number is not known.

    When all goods are invoiced, the invoices must come to the posted document's total, within one minor unit for each
    invoice beyond the first (each part is rounded for itself); before, they may not exceed it. Else: a case
    `erp.invoice_differs`.
    """
    standing = lock_by_erp_number(uow, erp, invoice.order_number)
    if standing is None:
        return None
    invoice_id = new_id()
    fresh = uow.sql(
        ADD,
        {
            "id": invoice_id, "order": standing.order_id, "erp": erp, "number": invoice.number,
            "on": invoice.invoiced_on, "currency": invoice.total.currency, "total": invoice.total.minor,
            "lines": json.dumps([codec.dump(line) for line in invoice.lines]), "notice": notice_id,
        },
    ).fetchone()  # fmt: skip
    if fresh is None:
        return standing
    _prove(uow, standing, erp, invoice)
    uow.publish(
        OrderInvoiced(
            order_id=standing.order_id, channel=standing.channel, invoice_id=invoice_id, erp=erp,
            number=invoice.number, total=invoice.total, company=standing.company,
        ),
        standing.trail(trail),
    )  # fmt: skip
    return standing


def _prove(uow: UnitOfWork, standing: Standing, erp: str, invoice: ErpInvoice) -> None:
    row = uow.sql(INVOICED, {"order": standing.order_id, "erp": erp}).fetchone()
    assert row is not None
    currency, posted, count, invoiced, one_currency, lines = row
    slack = count - 1
    complete = _complete(uow, standing, erp, lines)
    over = invoiced > posted + slack
    short = complete and invoiced < posted - slack
    if one_currency and not over and not short:
        return
    open_case(
        uow, code="erp.invoice_differs", connection=erp, about=f"order {standing.name}",
        title=f"invoice {invoice.number} and the posted order {standing.name} do not come to the same",
        key=f"orders:{standing.order_id}",
        facts={
            "order_id": standing.order_id, "posted": str(Money(posted, currency)), "invoices": count,
            "invoiced": str(Money(invoiced, currency)), "complete": complete, "one_currency": bool(one_currency),
        },
    )  # fmt: skip


def _complete(uow: UnitOfWork, standing: Standing, erp: str, invoices: list[list[Mapping[str, object]]]) -> bool:
    """Whether every good of the order is invoiced, as far as the invoices name their lines."""
    stands_for = erp_lines(uow, standing.order_id, erp)
    sums: dict[str, Decimal] = {}
    for line in (codec.load(InvoicedLine, raw) for lines in invoices for raw in lines or []):
        line_id = stands_for.get(line.sequence, "")
        sums[line_id] = sums.get(line_id, NOTHING) + line.quantity
    order = document(uow, standing.order_id, standing.accepted_version)
    goods = [line for line in order.lines if line.kind in (LineKind.PRODUCT, LineKind.CUSTOM) and line.qty_current]
    return bool(goods) and all(sums.get(line.line_id, NOTHING) >= line.qty_current for line in goods)
