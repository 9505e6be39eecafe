"""What happens to a reservation after it was made. Whoever calls again with the same document changes nothing.

The caller holds the order itself, so that what is told of one order is done one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from app.domains.inventory import queries
from app.domains.inventory.canonical import Held, Movement, MovementKind, Reservation, Wanted, exact
from app.domains.inventory.events import ReservationExpired
from app.domains.inventory.lifecycle import OPEN, State, movable
from app.domains.inventory.policy import NOTHING, require_once, taken_apart
from app.domains.inventory.service.ending import Ending, end, reopen
from app.domains.inventory.service.ledger import Posting, post
from app.domains.inventory.service.locking import hold, hold_order
from app.domains.inventory.service.telling import refresh
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused

ALLOCATE = """
WITH mine AS MATERIALIZED (
    SELECT id FROM inventory.reservation
     WHERE order_id = ANY(%(orders)s) AND state = ANY(%(states)s) ORDER BY id FOR UPDATE)
UPDATE inventory.reservation r SET state = 'allocated', accepted_at = %(at)s, changed_at = now()
  FROM mine WHERE r.id = mine.id
"""
EXPIRE_AT_ONCE = 500  # reservations in one transaction: a moment's work, so that orders between them do not wait


def allocate(uow: UnitOfWork, *order_ids: str, at: datetime | None = None) -> None:
    """The ERP or warehouse accepted these orders, at `at` or now. No figure changes, so no SKU is held."""
    uow.sql(ALLOCATE, {"orders": list(order_ids), "at": at or uow.hub.clock.now(), "states": movable("allocate")})


def release(uow: UnitOfWork, order_id: str, lines: Sequence[Wanted] | None = None) -> None:
    """Give back all that an order still has open, or these quantities of its lines.

    Quantities are relative, so a repeat gives back more: an edit, which may repeat, uses `adjust`. Raises Refused
    `inventory.not_reserved` when a line has less open than is to be given back; nothing is changed then.
    """
    rows = [row for row in hold_order(uow, order_id) if row.state in OPEN]
    if lines is None:
        endings = [Ending(row=row, quantity=row.quantity) for row in rows]
    else:
        require_once(lines)
        lines = taken_apart(lines, queries.parts_of(uow, {line.sku for line in lines}))
        endings = [part for line in lines for part in _parts_of(line, rows)]
    end(uow, endings, "release")
    refresh(uow, {ending.row.sku for ending in endings})


def consume(
    uow: UnitOfWork, order_id: str, line_id: str, quantity: Decimal, shipment_id: str, *, at: datetime | None = None
) -> Decimal:
    """A shipment took goods of a line, at `at` or now. Returns how much of them nobody had reserved.

    `quantity` is the shipment's whole quantity of the line. A line that never had a reservation is not tracked: 0.
    """
    return _leave(uow, order_id, line_id, quantity, shipment_id, "consume", State.CONSUMED, at)


def fall_short(
    uow: UnitOfWork, order_id: str, line_id: str, quantity: Decimal, report_id: str, *, at: datetime | None = None
) -> Decimal:
    """A picker did not find this much of a line: it is neither promised nor there any more.

    `quantity` is what the report misses of the line in all. Returns how much of it nobody had reserved.
    """
    return _leave(uow, order_id, line_id, quantity, report_id, "fall_short", State.SHORT, at)


def undo_shipment(
    uow: UnitOfWork, order_id: str, line_id: str, shipment_id: str, *, at: datetime | None = None
) -> Decimal:
    """A shipment's line was undone: its goods are back and promised to the order again. Returns how much came back."""
    rows = [row for row in hold_order(uow, order_id) if _by(row, line_id, State.CONSUMED, shipment_id)]
    when = at or uow.hub.clock.now()
    post(uow, [_posting(row, MovementKind.RETURN, row.quantity, when, shipment_id) for row in rows])
    endings = [Ending(row=row, quantity=row.quantity) for row in rows]
    reopen(uow, endings, "undo_shipment")
    refresh(uow, {row.sku for row in rows})
    return _sum(endings)


def expire(uow: UnitOfWork, now: datetime, *, most: int = EXPIRE_AT_ONCE) -> list[str]:
    """Give back what waited for its payment past its time. Returns the orders; call again until there are none."""
    return _expire(uow, now, *queries.overdue(uow, now, most))


def expire_order(uow: UnitOfWork, order_id: str, until: datetime) -> bool:
    """Give back what one order kept until then for its payment; False where nothing of it waits any more."""
    return bool(_expire(uow, until, [order_id], queries.overdue_of(uow, order_id, until)))


def _expire(uow: UnitOfWork, until: datetime, order_ids: Sequence[str], skus: Sequence[str]) -> list[str]:
    hold(uow, skus)
    rows = [row for row in queries.overdue_locked(uow, until, order_ids) if row.sku in skus]
    end(uow, [Ending(row=row, quantity=row.quantity) for row in rows], "expire")
    refresh(uow, skus)
    expired: dict[str, list[Held]] = {}
    for row in rows:
        held = Held(line_id=row.order_line, sku=row.sku, location=row.location, quantity=row.quantity)
        expired.setdefault(row.order_id, []).append(held)
    for order_id, parts in expired.items():
        uow.publish(ReservationExpired(order_id=order_id, held=tuple(parts)))
    return list(expired)


def _leave(
    uow: UnitOfWork, order_id: str, line_id: str, quantity: Decimal, document: str, trigger: str, state: State,
    at: datetime | None,
) -> Decimal:  # fmt: skip
    """Move what a document took of a line to `state`, and out of stock; what it took before counts."""
    if exact(quantity, "quantity") <= 0:
        raise Invalid("inventory.not_positive", f"quantity of line {line_id} is {quantity}: give one above zero")
    rows = [row for row in hold_order(uow, order_id) if row.order_line == line_id]
    endings: list[Ending] = []
    lacking = NOTHING
    for (_, per), of_part in _parts_of_line(rows).items():
        before = sum((row.quantity for row in of_part if _by(row, line_id, state, document)), NOTHING)
        todo = max(NOTHING, quantity * per - before)
        parts = _parts(sorted((row for row in of_part if row.state in OPEN), key=_allocated_first), todo)
        endings += parts
        lacking = max(lacking, (todo - _sum(parts)) / per)
    when = at or uow.hub.clock.now()
    kind = MovementKind.SHIPMENT if state == State.CONSUMED else MovementKind.ADJUSTMENT
    post(uow, [_posting(ending.row, kind, -ending.quantity, when, document) for ending in endings])
    end(uow, endings, trigger, ended_by=document)
    refresh(uow, {ending.row.sku for ending in endings})
    return lacking


def _parts_of_line(rows: Iterable[Reservation]) -> dict[tuple[str, Decimal], list[Reservation]]:
    """A line's rows by SKU and how many of it one of the line takes: one group, or one for each part of a bundle."""
    groups: dict[tuple[str, Decimal], list[Reservation]] = {}
    for row in rows:
        groups.setdefault((row.sku, row.per), []).append(row)
    return groups


def _posting(row: Reservation, kind: MovementKind, quantity: Decimal, at: datetime, reference: str) -> Posting:
    movement = Movement(
        source="hub", key=new_id(), sku=row.sku, location=row.location, kind=kind, quantity=quantity, at=at,
        reference=reference,
    )  # fmt: skip
    return Posting(movement=movement, accepted_at=row.accepted_at if quantity < 0 else None)


def _parts(rows: Collection[Reservation], quantity: Decimal) -> list[Ending]:
    """So much of these rows, in their order; less where they hold less."""
    parts = []
    for row in rows:
        part = min(row.quantity, quantity)
        if part > 0:
            parts.append(Ending(row=row, quantity=part))
            quantity -= part
    return parts


def _parts_of(line: Wanted, rows: Collection[Reservation]) -> list[Ending]:
    """Exactly what is to be given back of one line, or Refused."""
    parts = _parts([row for row in rows if (row.order_line, row.sku) == (line.line_id, line.sku)], line.quantity)
    if _sum(parts) < line.quantity:
        raise Refused(
            "inventory.not_reserved",
            f"line {line.line_id} has {_sum(parts)} of {line.sku} open, {line.quantity} cannot be released",
        )
    return parts


def _by(row: Reservation, line_id: str, state: State, document: str) -> bool:
    return (row.order_line, row.state, row.ended_by) == (line_id, state, document)


def _allocated_first(row: Reservation) -> tuple[bool, int]:
    return (row.state != State.ALLOCATED, row.row_id)


def _sum(endings: Sequence[Ending]) -> Decimal:
    return sum((ending.quantity for ending in endings), NOTHING)
