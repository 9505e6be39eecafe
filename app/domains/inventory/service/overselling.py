"""More is promised of a level than lies there: whom it concerns, and what can be done for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domains.inventory.canonical import Held
from app.domains.inventory.lifecycle import State
from app.domains.inventory.policy import NOTHING
from app.domains.inventory.queries import places_of, reservations_locked
from app.domains.inventory.service.ending import Ending, end
from app.domains.inventory.service.locking import hold
from app.domains.inventory.service.reserving import Taken, take
from app.domains.inventory.service.telling import refresh
from app.infra.uow import UnitOfWork

MISSING = "SELECT oversold, back_ordered > 0 FROM inventory.stock_level WHERE sku = %(sku)s AND location = %(location)s"
# The youngest promises cannot be kept: carts first, then orders that no ERP has, then those that one has. Who agreed
# to wait lacks nothing.
CONCERNED = """
SELECT order_id, order_line, part FROM (
    SELECT id, order_id, order_line, rank,
           least(quantity, %(missing)s - (sum(quantity) OVER w - quantity)) AS part
      FROM (SELECT id, order_id, order_line, made_at,
                   quantity - CASE WHEN %(waits)s THEN back_ordered ELSE 0 END AS quantity,
                   CASE state WHEN 'quoted' THEN 0 WHEN 'held' THEN 1 ELSE 2 END AS rank
              FROM inventory.reservation
             WHERE sku = %(sku)s AND location = %(location)s AND state IN ('quoted', 'held', 'allocated')) r
    WINDOW w AS (ORDER BY rank, made_at DESC, id DESC)) parts
 WHERE part > 0 ORDER BY rank, id DESC
"""
DUE = """
SELECT min(due_at) FROM inventory.supply WHERE sku = %(sku)s AND location = %(location)s AND due_at > %(now)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """So much of an order's line cannot be served from its level."""

    order_id: str
    order_line: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversell:
    """A level's lack. `elsewhere` is what could be sold at other places, `due_at` when goods come in to this one."""

    sku: str
    location: str
    missing: Decimal
    concerned: tuple[Concerned, ...]
    elsewhere: dict[str, Decimal]
    due_at: datetime | None


def oversell_of(uow: UnitOfWork, sku: str, location: str) -> Oversell | None:
    """What a level lacks now, with the SKU held; None where it lacks nothing any more."""
    hold(uow, {sku})
    given = {"sku": sku, "location": location, "now": uow.hub.clock.now()}
    row = uow.sql(MISSING, given).fetchone()
    if row is None or row[0] <= 0:
        return None
    concerned = [
        Concerned(order_id=order_id, order_line=line, quantity=part)
        for order_id, line, part in uow.sql(CONCERNED, {**given, "missing": row[0], "waits": row[1]})
    ]
    elsewhere = {place["location"]: place["free"] for place in places_of(uow, sku) if place["free"] > 0}
    due = uow.sql(DUE, given).fetchone()
    return Oversell(
        sku=sku, location=location, missing=row[0], concerned=tuple(concerned), elsewhere=elsewhere,
        due_at=due[0] if due else None,
    )  # fmt: skip


def re_source(uow: UnitOfWork, oversell: Oversell) -> Decimal:
    """Promise what is missing from other places instead; returns how much was moved. The SKU is held."""
    moved = NOTHING
    elsewhere = dict(oversell.elsewhere)
    for one in oversell.concerned:
        moved += _move(uow, oversell, one, elsewhere)
    refresh(uow, {oversell.sku})
    return moved


def _move(uow: UnitOfWork, oversell: Oversell, one: Concerned, elsewhere: dict[str, Decimal]) -> Decimal:
    open_quantity, moved = one.quantity, NOTHING
    for row in reservations_locked(uow, one.order_id):
        here = (row.order_line, row.sku, row.location) == (one.order_line, oversell.sku, oversell.location)
        if not here or row.state not in (State.QUOTED, State.HELD, State.ALLOCATED):
            continue
        for location in sorted(elsewhere, key=lambda place: (-elsewhere[place], place)):
            part = min(open_quantity, row.quantity - moved, elsewhere[location])
            if part > 0:
                held = Held(line_id=row.order_line, sku=row.sku, location=location, quantity=part)
                end(uow, [Ending(row=row, quantity=part)], "release", ended_by=f"re-sourced to {location}")
                taken = Taken(order_id=row.order_id, held=held, per=row.per, until=row.expires_at)
                take(uow, [taken], State(row.state))
                elsewhere[location] -= part
                open_quantity -= part
                moved += part
                break
    return moved
