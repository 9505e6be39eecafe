"""What an ERP is asked to hold of an order, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domains.orders.canonical import Order
from app.domains.orders.events import OrderPosted, OrderReleased
from app.domains.orders.lifecycle import ORDER, State
from app.domains.orders.ports import ErpAcceptance, Receipt
from app.domains.orders.service.findings import Found, find_many
from app.domains.orders.service.standing import (
    ENDED,
    STANDING,
    STANDING_WIDTH,
    Standing,
    lock,
    lock_all,
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
  FROM unnest(%(ids)s::uuid[]) w(id)
  JOIN orders.sales_order o ON o.id = w.id
  JOIN orders.order_version v ON v.order_id = o.id AND v.n = o.accepted_version
  LEFT JOIN orders.erp_document d ON d.order_id = o.id AND d.erp = %(erp)s
"""

RECORD = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(befores)s::text[], %(afters)s::text[], %(externals)s::text[],
        %(numbers)s::text[], %(statuses)s::text[], %(versions)s::int[], %(currencies)s::text[], %(totals)s::bigint[],
        %(taxes)s::bigint[], %(differences)s::jsonb[])
        g(id, before, after, external_id, number, status, version, currency, total, tax, differences)),
line AS (
    SELECT * FROM unnest(%(line_orders)s::uuid[], %(sequences)s::int[], %(meanings)s::text[], %(lines)s::text[],
        %(line_externals)s::text[]) l(order_id, sequence, meaning, line_id, external_id)),
gone AS (
    DELETE FROM orders.erp_line l USING given g
     WHERE l.order_id = g.id AND l.erp = %(erp)s
       AND NOT EXISTS (SELECT FROM line n WHERE n.order_id = l.order_id AND n.sequence = l.sequence)),
placed AS (
    INSERT INTO orders.erp_line (order_id, erp, sequence, meaning, line_id, external_id)
    SELECT order_id, %(erp)s, sequence, meaning, line_id, external_id FROM line
    ON CONFLICT (order_id, erp, sequence)
    DO UPDATE SET meaning = excluded.meaning, line_id = excluded.line_id, external_id = excluded.external_id),
moved AS (
    UPDATE orders.sales_order o SET state = g.after, changed_at = now() FROM given g
     WHERE o.id = g.id AND o.state = g.before AND g.before <> g.after RETURNING o.id, g.before, g.after, g.number),
told AS (
    INSERT INTO orders.order_move (order_id, trigger, before, after, why)
    SELECT id, 'post', before, after, number FROM moved ORDER BY id)
INSERT INTO orders.erp_document AS d
    (order_id, erp, external_id, number, status, version, currency, total_minor, tax_minor, differences)
SELECT id, %(erp)s, external_id, number, status, version, currency, total, tax, differences FROM given
ON CONFLICT (order_id, erp) DO UPDATE
    SET status = excluded.status, version = excluded.version, total_minor = excluded.total_minor,
        tax_minor = excluded.tax_minor, differences = excluded.differences, number = excluded.number,
        external_id = excluded.external_id, cancelled_at = NULL
RETURNING d.order_id::text, extract(epoch FROM clock_timestamp()
                  - (SELECT received_at FROM orders.sales_order o WHERE o.id = d.order_id))::float, (xmax = 0)
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
    return postables(uow, [order_id], erp).get(order_id)


def postables(uow: UnitOfWork, order_ids: Collection[str], erp: str) -> dict[str, Postable]:
    """By order, what to post, change or cancel; an order of which no version was accepted has no entry."""
    found = {}
    for row in uow.sql(POSTABLE, {"ids": list(order_ids), "erp": erp}):
        document, external_id, number, version, cancelled_at = row[STANDING_WIDTH:]
        held = None
        if external_id is not None:
            held = ErpHolds(external_id=external_id, number=number, version=version, cancelled=cancelled_at is not None)
        standing = Standing.of(row)
        found[standing.order_id] = Postable(standing=standing, order=codec.load(Order, document), held=held)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """An ERP holds this version of an order, as its receipt says."""

    order_id: str
    version: int
    receipt: Receipt
    trail: Trail


def record_postings(uow: UnitOfWork, erp: str, posted: Sequence[Posted]) -> list[Standing]:
    """Write down what an ERP holds now, of different orders; returns where each stands.

    The first time publishes OrderPosted, also where the order is cancelled by now.
    """
    locked = lock_all(uow, [one.order_id for one in posted])
    afters = [ORDER.step(standing.state, "post").state for standing in locked]
    written = _write(uow, erp, list(zip(locked, afters, posted, strict=True)))
    standings = [replace(standing, state=after) for standing, after in zip(locked, afters, strict=True)]
    for standing, one in zip(standings, posted, strict=True):
        seconds, first = written[standing.order_id]
        if not first:
            continue
        _count(uow, erp, seconds)
        uow.publish(
            OrderPosted(
                order_id=standing.order_id, channel=standing.channel, erp=erp, erp_number=one.receipt.number,
                version=one.version, company=standing.company, repeated=one.receipt.repeated, name=standing.name,
                gid=standing.gid,
            ),
            standing.trail(one.trail),
        )  # fmt: skip
    return standings


def record_change(uow: UnitOfWork, erp: str, posted: Posted) -> Standing:
    """The ERP's document follows this version now."""
    standing = lock(uow, posted.order_id)
    _write(uow, erp, [(standing, standing.state, posted)])
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


def is_released(uow: UnitOfWork, order_id: str, erp: str) -> bool:
    """Whether the ERP's people accepted its document of the order."""
    released = (
        "SELECT 1 FROM orders.erp_document WHERE order_id = %(order)s AND erp = %(erp)s AND released_at IS NOT NULL"
    )
    return uow.sql(released, {"order": order_id, "erp": erp}).fetchone() is not None


def _write(
    uow: UnitOfWork, erp: str, posted: Sequence[tuple[Standing, State, Posted]]
) -> dict[str, tuple[float, bool]]:
    """Write what was read back; gives by order the seconds since its first word, and whether the document is new."""
    rows = uow.sql(
        RECORD,
        {
            "erp": erp,
            "ids": [standing.order_id for standing, _, _ in posted],
            "befores": [standing.state.value for standing, _, _ in posted],
            "afters": [after.value for _, after, _ in posted],
            "versions": [one.version for _, _, one in posted],
            **_receipt_columns([one.receipt for _, _, one in posted]),
            **_line_columns([(one.order_id, one.receipt) for _, _, one in posted]),
        },
    ).fetchall()
    find_many(uow, [found for _, _, one in posted for found in _differences(erp, one)])
    return {order_id: (seconds, new) for order_id, seconds, new in rows}


def _differences(erp: str, posted: Posted) -> list[Found]:
    return [
        Found(
            order_id=posted.order_id, code="erp.document_differs", about=f"{erp} {difference.field}",
            said=f"{difference.field}: planned {difference.planned}, found {difference.found}",
        )
        for difference in posted.receipt.differences
    ]  # fmt: skip


def _receipt_columns(receipts: Sequence[Receipt]) -> dict[str, Sequence[Any]]:
    return {
        "externals": [receipt.external_id for receipt in receipts],
        "numbers": [receipt.number for receipt in receipts],
        "statuses": [receipt.status for receipt in receipts],
        "currencies": [receipt.total.currency for receipt in receipts],
        "totals": [receipt.total.minor for receipt in receipts],
        "taxes": [receipt.tax.minor for receipt in receipts],
        "differences": [json.dumps([codec.dump(one) for one in receipt.differences]) for receipt in receipts],
    }


def _line_columns(receipts: Sequence[tuple[str, Receipt]]) -> dict[str, Sequence[Any]]:
    lines = [(order_id, line) for order_id, receipt in receipts for line in receipt.lines]
    return {
        "line_orders": [order_id for order_id, _ in lines],
        "sequences": [line.sequence for _, line in lines],
        "meanings": [line.meaning for _, line in lines],
        "lines": [line.line_id for _, line in lines],
        "line_externals": [line.external_id for _, line in lines],
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
