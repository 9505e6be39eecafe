"""Levels, reservations and the figure of a SKU."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from app.domains.inventory.canonical import Available, Reservation
from app.domains.inventory.policy import Shelves
from app.infra.uow import UnitOfWork

COLUMNS = (
    "id, order_id, order_line, sku, location, quantity, state, contained, ended_by, accepted_at, expires_at, per, "
    "back_ordered"
)
# OFFSET 0 keeps it a look-up by index for each order, also before the first ANALYZE of a table that grows fast
OF_ORDERS = f"""
SELECT {COLUMNS} FROM unnest(%(orders)s::text[]) given(wanted)
 CROSS JOIN LATERAL (SELECT * FROM inventory.reservation WHERE order_id = wanted OFFSET 0) r ORDER BY id
"""
LOCKED = f"""
SELECT {COLUMNS} FROM inventory.reservation WHERE order_id = %(order)s ORDER BY id FOR UPDATE
"""
OVERDUE_LOCKED = f"""
SELECT {COLUMNS} FROM inventory.reservation
 WHERE order_id = ANY(%(orders)s) AND expires_at <= %(until)s AND state IN ('quoted', 'held') ORDER BY id FOR UPDATE
"""
BACK_ORDERED = """
SELECT order_id, order_line, max(back_ordered / per) FROM (
    SELECT order_id, order_line, sku, per, sum(back_ordered) AS back_ordered
      FROM unnest(%(orders)s::text[]) given(wanted)
     CROSS JOIN LATERAL (SELECT * FROM inventory.reservation WHERE order_id = wanted OFFSET 0) r
     WHERE state IN ('held', 'allocated', 'consumed', 'short') AND back_ordered > 0 GROUP BY 1, 2, 3, 4) waiting
 GROUP BY 1, 2
"""
OPEN_COUNTS = """
SELECT state, count(*) FROM inventory.reservation WHERE state IN ('quoted', 'held', 'allocated') GROUP BY state
"""


def available(uow: UnitOfWork, skus: Collection[str]) -> dict[str, Available]:
    """What can be sold of each SKU over all locations; a SKU that no source reported has no entry."""
    rows = uow.sql(
        "SELECT sku, available, as_of, version FROM inventory.availability WHERE sku = ANY(%(skus)s)",
        {"skus": list(skus)},
    )
    return {sku: Available(sku=sku, quantity=quantity, as_of=as_of, version=n) for sku, quantity, as_of, n in rows}


def shelves(uow: UnitOfWork, skus: Collection[str]) -> Shelves:
    """What can be sold of each SKU at each location, below zero where more is promised than lies there."""
    found: Shelves = {}
    for sku, location, free in uow.sql(
        "SELECT sku, location, free FROM inventory.stock_level WHERE sku = ANY(%(skus)s)", {"skus": list(skus)}
    ):
        found.setdefault(sku, {})[location] = free
    return found


def reservations(uow: UnitOfWork, order_ids: Collection[str]) -> list[Reservation]:
    """Every part of these orders' lives, in the order they were made."""
    return _reservations(uow, OF_ORDERS, {"orders": list(order_ids)})


def reservations_locked(uow: UnitOfWork, order_id: str) -> list[Reservation]:
    """Every part of one order's life, held until the unit of work ends."""
    return _reservations(uow, LOCKED, {"order": order_id})


def overdue_locked(uow: UnitOfWork, until: datetime, order_ids: Collection[str]) -> list[Reservation]:
    """What these orders hold past its time, held until the unit of work ends."""
    return _reservations(uow, OVERDUE_LOCKED, {"orders": list(order_ids), "until": until})


def overdue(uow: UnitOfWork, until: datetime, most: int) -> tuple[list[str], list[str]]:
    """The orders that hold something past its time, longest first, and the SKUs they hold."""
    rows = uow.sql(
        "SELECT DISTINCT order_id, sku FROM (SELECT order_id, sku FROM inventory.reservation "
        "WHERE expires_at <= %(until)s AND state IN ('quoted', 'held') ORDER BY expires_at LIMIT %(most)s) late",
        {"until": until, "most": most},
    ).fetchall()
    return sorted({row[0] for row in rows}), sorted({row[1] for row in rows})


def open_counts(uow: UnitOfWork) -> dict[str, int]:
    """How many reservations stand in each state that is not ended, from the index of the open ones."""
    return dict(uow.sql(OPEN_COUNTS).fetchall())


def overdue_of(uow: UnitOfWork, order_id: str, until: datetime) -> list[str]:
    """The SKUs that one order holds past its time."""
    rows = uow.sql(
        "SELECT DISTINCT sku FROM inventory.reservation "
        "WHERE order_id = %(order)s AND expires_at <= %(until)s AND state IN ('quoted', 'held') ORDER BY sku",
        {"order": order_id, "until": until},
    )
    return [row[0] for row in rows]


def back_ordered(uow: UnitOfWork, order_ids: Collection[str]) -> dict[str, dict[str, Decimal]]:
    """Order → line → how much of it did not lie there when it was promised; other orders have no entry."""
    found: dict[str, dict[str, Decimal]] = {}
    for order_id, line, quantity in uow.sql(BACK_ORDERED, {"orders": list(order_ids)}):
        found.setdefault(order_id, {})[line] = quantity
    return found


def passes_untracked(uow: UnitOfWork, company: str) -> bool:
    """Whether a company sells SKUs that no stock source ever reported: so long as its policy does not refuse them.

    Nothing is known of such goods that could be sold twice, and whether the SKU exists is for the ERP to say.
    """
    row = uow.sql(
        "SELECT unknown_sku FROM inventory.policy WHERE company IN (%(company)s, '') ORDER BY company DESC LIMIT 1",
        {"company": company},
    ).fetchone()
    return row is None or row[0] == "untracked"


def _reservations(uow: UnitOfWork, statement: str, given: Mapping[str, object]) -> list[Reservation]:
    return [
        Reservation(
            row_id=row[0], order_id=row[1], order_line=row[2], sku=row[3], location=row[4], quantity=row[5],
            state=row[6], contained=row[7], ended_by=row[8], accepted_at=row[9], expires_at=row[10],
            per=row[11], back_ordered=row[12],
        )
        for row in uow.sql(statement, given)
    ]  # fmt: skip
