"""Goods came in at one place while buyers wait for them at another: they are promised from where they lie."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from app.domains.inventory import queries
from app.domains.inventory.canonical import Held, Reservation
from app.domains.inventory.lifecycle import OPEN, State
from app.domains.inventory.policy import Shelves
from app.domains.inventory.service.ending import Ending, end
from app.domains.inventory.service.reserving import Taken, take
from app.domains.inventory.service.telling import refresh
from app.infra.uow import UnitOfWork

# Buyers wait at a level that has nothing while another level of the SKU has some; the oldest order comes first.
WAITING = """
SELECT DISTINCT r.order_id, min(r.id) FROM inventory.availability a
  JOIN inventory.stock_level s USING (sku) JOIN inventory.reservation r USING (sku, location)
 WHERE a.sku = ANY(%(skus)s) AND a.owed > 0 AND a.available > 0 AND s.back_ordered > 0 AND r.back_ordered > 0
   AND r.state IN ('quoted', 'held', 'allocated')
 GROUP BY r.order_id ORDER BY min(r.id)
"""


def serve_waiting(uow: UnitOfWork, skus: Collection[str]) -> None:
    """Promise what lies elsewhere to those who wait for these SKUs, which the caller holds and refreshed."""
    orders = [row[0] for row in uow.sql(WAITING, {"skus": list(skus)})]
    if not orders:
        return
    shelves = queries.shelves(uow, skus)
    rows = sorted(queries.reservations(uow, orders), key=lambda row: row.row_id)
    for row in rows:
        if row.sku in skus and row.back_ordered and row.state in OPEN:
            _serve(uow, row, shelves)
    refresh(uow, skus)


def _serve(uow: UnitOfWork, row: Reservation, shelves: Shelves) -> None:
    places = shelves[row.sku]
    due = min(row.back_ordered, -places[row.location])  # what came in where they wait is theirs already
    full = max(
        (place for place in places if place != row.location), key=lambda place: (places[place], place), default=""
    )
    part = min(due, places[full]) if full else Decimal(0)
    if part <= 0:
        return
    end(uow, [Ending(row=row, quantity=part)], "release", ended_by=f"re-sourced to {full}")
    held = Held(line_id=row.order_line, sku=row.sku, location=full, quantity=part)
    take(uow, [Taken(order_id=row.order_id, held=held, per=row.per, until=row.expires_at)], State(row.state))
    places[full] -= part
    places[row.location] += part
