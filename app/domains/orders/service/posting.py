"""What an ERP is asked to hold of an order, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domains.orders.canonical import Order
from app.domains.orders.events import OrderPosted, OrderReleased
from app.domains.orders.lifecycle import ORDER, State
from app.domains.orders.ports import ErpAcceptance, Receipt
from app.domains.orders.service.findings import find
from app.domains.orders.service.standing import (
    ENDED,
    STANDING,
    STANDING_WIDTH,
    Standing,
    lock,
    lock_by_erp_number,
    move,
)
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpHolds:
    """The document that an ERP has of an order, as we last read it back."""

    external_id: str
    number: str
    version: int
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Postable:
    """An order at its accepted version, and what the ERP holds of it. The lane, not a lock, keeps its writers apart."""

    standing: Standing
    order: Order
    held: ErpHolds | None

    @property
    def version(self) -> int:
        return self.standing.accepted_version


POSTABLE = f"""
SELECT {STANDING}, v.document, d.external_id, d.number, d.version, d.cancelled_at
  FROM orders.sales_order o
  JOIN orders.order_version v ON v.order_id = o.id AND v.n = o.accepted_version
  LEFT JOIN orders.erp_document d ON d.order_id = o.id AND d.erp = %(erp)s
 WHERE o.id = %(id)s
"""

RECORD = """
WITH given AS (
    SELECT * FROM unnest(%(sequences)s::int[], %(meanings)s::text[], %(lines)s::text[], %(externals)s::text[])
           g(sequence, meaning, line_id, external_id)),
gone AS (
    DELETE FROM orders.erp_line WHERE order_id = %(order)s AND erp = %(erp)s AND sequence <> ALL(%(sequences)s::int[])),
placed AS (
    INSERT INTO orders.erp_line (order_id, erp, sequence, meaning, line_id, external_id)
    SELECT %(order)s, %(erp)s, sequence, meaning, line_id, external_id FROM given
    ON CONFLICT (order_id, erp, sequence)
    DO UPDATE SET meaning = excluded.meaning, line_id = excluded.line_id, external_id = excluded.external_id),
moved AS (
    UPDATE orders.sales_order SET state = %(after)s, changed_at = now()
     WHERE id = %(order)s AND state = %(before)s AND %(before)s::text <> %(after)s::text RETURNING id),
told AS (
    INSERT INTO orders.order_move (order_id, trigger, before, after, why)
    SELECT id, 'post', %(before)s, %(after)s, %(number)s FROM moved)
INSERT INTO orders.erp_document AS d
    (order_id, erp, external_id, number, status, version, currency, total_minor, tax_minor, differences)
VALUES (%(order)s, %(erp)s, %(external_id)s, %(number)s, %(status)s, %(version)s, %(currency)s, %(total)s, %(tax)s,
        %(differences)s::jsonb)
ON CONFLICT (order_id, erp) DO UPDATE
    SET status = excluded.status, version = excluded.version, total_minor = excluded.total_minor,
        tax_minor = excluded.tax_minor, differences = excluded.differences, number = excluded.number,
        external_id = excluded.external_id, cancelled_at = NULL
RETURNING extract(epoch FROM clock_timestamp()
                  - (SELECT received_at FROM orders.sales_order WHERE id = %(order)s))::float, (xmax = 0)
"""

CANCELLED = """
UPDATE orders.erp_document SET cancelled_at = now(), status = 'cancelled'
 WHERE order_id = %(order)s AND erp = %(erp)s AND cancelled_at IS NULL
"""
STILL_HELD = "SELECT EXISTS (SELECT FROM orders.erp_document WHERE order_id = %(order)s AND cancelled_at IS NULL)"
RELEASED = """
UPDATE orders.erp_document SET released_at = %(at)s, status = %(status)s
 WHERE order_id = %(order)s AND erp = %(erp)s AND released_at IS NULL
RETURNING number
"""


def postable(uow: UnitOfWork, order_id: str, erp: str) -> Postable | None:
    """What to post, change or cancel; None while no version was accepted."""
    row = uow.sql(POSTABLE, {"id": order_id, "erp": erp}).fetchone()
    if row is None:
        return None
    document, external_id, number, version, cancelled_at = row[STANDING_WIDTH:]
    held = None
    if external_id is not None:
        held = ErpHolds(external_id=external_id, number=number, version=version, cancelled=cancelled_at is not None)
    return Postable(standing=Standing.of(row), order=codec.load(Order, document), held=held)


def record_posting(uow: UnitOfWork, order_id: str, erp: str, version: int, receipt: Receipt, trail: Trail) -> Standing:
    """An ERP holds `version` of the order. The first time publishes OrderPosted, also where it is cancelled by now."""
    standing = lock(uow, order_id)
    after = ORDER.step(standing.state, "post").state
    seconds, first = _write(uow, standing, after, erp, version, receipt)
    standing = replace(standing, state=after)
    if not first:
        return standing
    _count(uow, erp, seconds)
    uow.publish(
        OrderPosted(
            order_id=order_id, channel=standing.channel, erp=erp, erp_number=receipt.number, version=version,
            company=standing.company, repeated=receipt.repeated, name=standing.name, gid=standing.gid,
        ),
        standing.trail(trail),
    )  # fmt: skip
    return standing


def record_change(uow: UnitOfWork, order_id: str, erp: str, version: int, receipt: Receipt) -> Standing:
    """The ERP's document follows `version` now."""
    standing = lock(uow, order_id)
    _write(uow, standing, standing.state, erp, version, receipt)
    return standing


def record_cancel(uow: UnitOfWork, order_id: str, erp: str) -> Standing:
    """The ERP no longer holds the order. The last of several ERPs ends the cancellation."""
    standing = lock(uow, order_id)
    uow.sql(CANCELLED, {"order": order_id, "erp": erp})
    row = uow.sql(STILL_HELD, {"order": order_id}).fetchone()
    if row is not None and not row[0] and standing.state is State.CANCELLING:
        standing = move(uow, standing, "finish_cancel", erp)
    return standing


def record_release(uow: UnitOfWork, erp: str, acceptance: ErpAcceptance, trail: Trail) -> Standing | None:
    """The ERP's people accepted the order; None while its number is not known. Twice is once."""
    standing = lock_by_erp_number(uow, erp, acceptance.order_number)
    if standing is None:
        return None
    given = {"order": standing.order_id, "erp": erp, "at": acceptance.accepted_at, "status": "Open"}
    if uow.sql(RELEASED, given).fetchone() is not None and standing.state not in ENDED:
        uow.publish(
            OrderReleased(
                order_id=standing.order_id, channel=standing.channel, erp=erp, erp_number=acceptance.order_number,
                released_at=acceptance.accepted_at, company=standing.company,
            ),
            standing.trail(trail),
        )  # fmt: skip
    return standing


def _write(
    uow: UnitOfWork, standing: Standing, after: State, erp: str, version: int, receipt: Receipt
) -> tuple[float, bool]:
    """Write what was read back; returns the seconds since the order's first word, and whether it is new."""
    row = uow.sql(
        RECORD,
        {
            "order": standing.order_id, "before": standing.state.value, "after": after.value, "erp": erp,
            "external_id": receipt.external_id, "number": receipt.number, "status": receipt.status, "version": version,
            "currency": receipt.total.currency, "total": receipt.total.minor, "tax": receipt.tax.minor,
            "differences": json.dumps([codec.dump(difference) for difference in receipt.differences]),
            **_line_columns(receipt),
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    for difference in receipt.differences:
        said = f"{difference.field}: planned {difference.planned}, found {difference.found}"
        find(uow, standing.order_id, "erp.document_differs", said, about=f"{erp} {difference.field}")
    return row[0], row[1]


def _line_columns(receipt: Receipt) -> dict[str, Sequence[Any]]:
    return {
        "sequences": [line.sequence for line in receipt.lines],
        "meanings": [line.meaning for line in receipt.lines],
        "lines": [line.line_id for line in receipt.lines],
        "externals": [line.external_id for line in receipt.lines],
    }


def _count(uow: UnitOfWork, erp: str, seconds: float) -> None:
    """One observation of the order-to-ERP time, in the one bucket that it falls into: readers add buckets up."""
    bucket = next((f"{most:g}" for most in SECONDS if seconds <= most), "+Inf")
    uow.tally("orders_posted", erp)
    uow.tally("order_to_erp_seconds", f"le={bucket}")
    uow.tally("order_to_erp_seconds_sum_ms", "", round(seconds * 1000))


def holders(uow: UnitOfWork, order_id: str) -> list[str]:
    """The ERPs that hold the order."""
    rows = uow.sql(
        "SELECT erp FROM orders.erp_document WHERE order_id = %(order)s AND cancelled_at IS NULL ORDER BY erp",
        {"order": order_id},
    )
    return [row[0] for row in rows]


def known_numbers(uow: UnitOfWork, erp: str, numbers: Sequence[str]) -> list[str]:
    """Those of an ERP's order numbers that are of our orders."""
    rows = uow.sql(
        "SELECT number FROM orders.erp_document WHERE erp = %(erp)s AND number = ANY(%(numbers)s::text[]) ORDER BY 1",
        {"erp": erp, "numbers": list(numbers)},
    )
    return [row[0] for row in rows]


def record_status(uow: UnitOfWork, erp: str, number: str, status: str) -> None:
    """The ERP's own word for where its document stands."""
    uow.sql(
        "UPDATE orders.erp_document SET status = %(status)s "
        "WHERE erp = %(erp)s AND number = %(number)s AND status <> %(status)s AND cancelled_at IS NULL",
        {"erp": erp, "number": number, "status": status},
    )
