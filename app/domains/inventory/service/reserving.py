"""Reserve for whole orders: all lines or none, first come first served, sold never twice.

The caller holds the order itself, so that what is told of one order is done one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domains.inventory import queries
from app.domains.inventory.canonical import Beyond, Held, Reservation, Reserved, Short, Wanted
from app.domains.inventory.events import ReservationLapsed, StockRefused, StockReserved
from app.domains.inventory.lifecycle import OPEN, State
from app.domains.inventory.policy import NOTHING, Shelves, serve, taken_apart
from app.domains.inventory.service.ending import Ending, end
from app.domains.inventory.service.locking import hold, hold_order
from app.domains.inventory.service.telling import refresh
from app.infra.deadlines import expect, expectation
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import Transient

QUOTE = "quote:"  # before a cart's name: what its reservations stand under
PAYMENT = expectation("inventory", "payment", otherwise=ReservationLapsed, unless=())  # it looks what still waits
STANDING = frozenset({*OPEN, State.CONSUMED, State.SHORT})  # an order with one of these has been served

TAKE = """
WITH take AS MATERIALIZED (
    SELECT * FROM unnest(%(orders)s::text[], %(lines)s::text[], %(skus)s::text[], %(locations)s::text[],
                         %(quantities)s::numeric[], %(waits)s::numeric[], %(pers)s::numeric[],
                         %(untils)s::timestamptz[])
                  t(order_id, order_line, sku, location, quantity, waits, per, until)),
level AS (
    UPDATE inventory.stock_level s
       SET reserved = s.reserved + t.quantity, back_ordered = s.back_ordered + t.waits, changed_at = now()
      FROM (SELECT sku, location, sum(quantity) AS quantity, sum(waits) AS waits FROM take GROUP BY sku, location) t
     WHERE s.sku = t.sku AND s.location = t.location AND greatest(s.free, 0) >= t.quantity - t.waits
    RETURNING s.sku, s.location)
INSERT INTO inventory.reservation AS r
       (order_id, order_line, sku, location, quantity, back_ordered, per, state, expires_at)
SELECT order_id, order_line, sku, location, quantity, waits, per, %(state)s, until
  FROM take JOIN level USING (sku, location)
    ON CONFLICT (order_id, order_line, sku, location) WHERE state IN ('quoted', 'held')
    DO UPDATE SET quantity = r.quantity + excluded.quantity, back_ordered = r.back_ordered + excluded.back_ordered,
                  changed_at = now()
"""


@dataclass(slots=True)
class BackOrders:
    """For how many the buyers of a batch may wait, read when the first order lacks something."""

    uow: UnitOfWork
    channels: Mapping[str, str]  # order → channel
    skus: Collection[str]
    read: Mapping[str, Mapping[str, Beyond]] | None = None

    def serve(self, order_id: str, lines: Sequence[Wanted], shelves: Shelves, *, untracked: bool) -> Reserved | Short:
        """Serve one order from what lies there, else with what its buyer may wait for."""
        answer = serve(order_id, lines, shelves, untracked=untracked)
        if isinstance(answer, Short) and (beyond := self.of(order_id)):
            return serve(order_id, lines, shelves, untracked=untracked, beyond=beyond)
        return answer

    def of(self, order_id: str) -> Mapping[str, Beyond]:
        """By SKU, for one order's channel. The SKUs are held, so that a limit is counted once."""
        if order_id not in self.channels or not self.skus:
            return {}
        if self.read is None:
            self.read = queries.beyonds(self.uow, set(self.channels.values()), self.skus)
        return self.read[self.channels[order_id]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an order line got, and until when; one of the line is `per` of the SKU."""

    order_id: str
    held: Held
    per: Decimal
    until: datetime | None


def reserve(
    uow: UnitOfWork, order_id: str, lines: Sequence[Wanted], *, company: str = "", channel: str | None = None,
    expires_at: datetime | None = None,
) -> Reserved | Short:  # fmt: skip
    """Reserve every line of an order, or nothing. An order that has its stock gets the same answer again.

    `company` says whose policy holds for SKUs that no source reported, `channel` whose for buyers who wait: without
    one nobody does. `expires_at` is for orders that await payment.
    """
    channels = {} if channel is None else {order_id: channel}
    return reserve_many(uow, [(order_id, lines)], company=company, expires_at=expires_at, channels=channels)[0]


def reserve_many(
    uow: UnitOfWork,
    orders: Sequence[tuple[str, Sequence[Wanted]]],
    *,
    company: str = "",
    expires_at: datetime | None = None,
    trails: Mapping[str, Trail] | None = None,
    channels: Mapping[str, str] | None = None,
    carts: Mapping[str, Sequence[str]] | None = None,
) -> list[Reserved | Short]:
    """Reserve for a batch of orders, served in their order, with as many statements as for one.

    What is told of an order goes by its own trail of `trails`, else by the unit of work's. Its channel of `channels`
    says for how many its buyers may wait. What the carts of `carts` were promised is their order's: nobody comes
    between the quote's end and the order's hold, since the SKUs are held.
    """
    bundles = queries.parts_of(uow, {line.sku for _, lines in orders for line in lines})
    orders = [(order_id, taken_apart(lines, bundles)) for order_id, lines in orders]
    wanted = {line.sku for _, lines in orders for line in lines}
    hold(uow, wanted)
    answers: dict[str, Reserved | Short] = _served_before(queries.reservations(uow, {order for order, _ in orders}))
    waiting = [(order_id, lines) for order_id, lines in orders if order_id not in answers]
    if waiting:
        freed = _take_over(uow, [name for order_id, _ in waiting for name in (carts or {}).get(order_id, ())], wanted)
        shelves = queries.shelves(uow, wanted)
        untracked = not wanted <= shelves.keys() and queries.passes_untracked(uow, company)
        back_orders = BackOrders(uow, channels or {}, wanted)
        taken: list[Taken] = []
        for order_id, lines in waiting:
            if order_id not in answers:
                answers[order_id] = answer = back_orders.serve(order_id, lines, shelves, untracked=untracked)
                taken += taken_of(answer, lines, expires_at)
                _tell(uow, answer, (trails or {}).get(order_id))
        take(uow, taken)
        if expires_at is not None:
            _await_payment(uow, [one.order_id for one in taken], expires_at, trails or {})
        refresh(uow, freed | {one.held.sku for one in taken})
    return [answers[order_id] for order_id, _ in orders]


def _take_over(uow: UnitOfWork, names: Sequence[str], skus: Collection[str]) -> set[str]:
    """Put back what carts were promised of SKUs that are held; returns these. Another SKU's promise ends by itself."""
    rows = queries.reservations(uow, [QUOTE + name for name in names]) if names else []
    ours = [row for row in rows if row.state == State.QUOTED and row.sku in skus]
    end(uow, [Ending(row=row, quantity=row.quantity) for row in ours], "release")
    return {row.sku for row in ours}


def adjust(
    uow: UnitOfWork, order_id: str, lines: Sequence[Wanted], *, company: str = "", trail: Trail | None = None,
    channel: str | None = None,
) -> Reserved | Short:  # fmt: skip
    """Make an order's reservations what its lines say now; a line that is not named any more is released.

    What an edit adds needs stock: else Short, and nothing is changed. What was shipped stays shipped. Idempotent.
    """
    lines = taken_apart(lines, queries.parts_of(uow, {line.sku for line in lines}))
    rows = [row for row in hold_order(uow, order_id, {line.sku for line in lines}) if row.state in STANDING]
    skus = {line.sku for line in lines} | {row.sku for row in rows}
    more, less = _differences(rows, lines)
    shelves = queries.shelves(uow, skus)
    _put_back(shelves, less)
    untracked = not skus <= shelves.keys() and queries.passes_untracked(uow, company)
    channels = {} if channel is None else {order_id: channel}
    beyond = BackOrders(uow, channels, {line.sku for line in more}).of(order_id)
    answer = serve(order_id, more, shelves, untracked=untracked, beyond=beyond)
    if isinstance(answer, Reserved):
        end(uow, less, "release")
        take(uow, taken_of(answer, more, None))
        refresh(uow, skus)
    _tell(uow, answer, trail)
    if isinstance(answer, Short):
        return answer
    return _served_before(queries.reservations(uow, [order_id])).get(order_id, answer)


def take(uow: UnitOfWork, taken: Sequence[Taken], state: State = State.HELD) -> None:
    """Write what was decided. Raises Transient when the levels are no longer what they were read as."""
    if not taken:
        return
    written = uow.sql(
        TAKE,
        {
            "orders": [one.order_id for one in taken],
            "lines": [one.held.line_id for one in taken],
            "skus": [one.held.sku for one in taken],
            "locations": [one.held.location for one in taken],
            "quantities": [one.held.quantity for one in taken],
            "waits": [one.held.back_ordered for one in taken],
            "pers": [one.per for one in taken],
            "untils": [one.until for one in taken],
            "state": state.value,
        },
    ).rowcount
    if written != len(taken):
        raise Transient("inventory.stock_moved", "stock was changed without its SKU's lock; the same call may succeed")


def _await_payment(uow: UnitOfWork, order_ids: Iterable[str], until: datetime, trails: Mapping[str, Trail]) -> None:
    for order_id in dict.fromkeys(order_ids):
        lapsed = ReservationLapsed(order_id=order_id, until=until)
        expect(uow, PAYMENT, lapsed, until, trail=trails.get(order_id))


def _tell(uow: UnitOfWork, answer: Reserved | Short, trail: Trail | None) -> None:
    if isinstance(answer, Short):
        uow.publish(StockRefused(order_id=answer.order_id, gaps=answer.gaps), trail)
    elif answer.held:
        uow.publish(StockReserved(order_id=answer.order_id, held=answer.held), trail)


def taken_of(answer: Reserved | Short, lines: Iterable[Wanted], until: datetime | None) -> list[Taken]:
    """What an answer gives, as `take` writes it; `lines` are those that it answers, bundles taken apart."""
    if isinstance(answer, Short):
        return []
    pers = {(line.line_id, line.sku): line.per for line in lines}
    return [
        Taken(order_id=answer.order_id, held=held, per=pers[held.line_id, held.sku], until=until)
        for held in answer.held
    ]


def _served_before(rows: Iterable[Reservation]) -> dict[str, Reserved | Short]:
    """What orders have, by order: each line's open and shipped quantity at each location."""
    quantities: dict[str, dict[tuple[str, str, str], tuple[Decimal, Decimal]]] = {}
    for row in rows:
        if row.state in STANDING:
            place, of_order = (row.order_line, row.sku, row.location), quantities.setdefault(row.order_id, {})
            quantity, waits = of_order.get(place, (NOTHING, NOTHING))
            of_order[place] = quantity + row.quantity, waits + row.back_ordered
    return {
        order_id: Reserved(
            order_id=order_id,
            held=tuple(
                Held(line_id=line, sku=sku, location=location, quantity=quantity, back_ordered=waits)
                for (line, sku, location), (quantity, waits) in places.items()
            ),
        )
        for order_id, places in quantities.items()
    }


def _differences(rows: Sequence[Reservation], lines: Sequence[Wanted]) -> tuple[list[Wanted], list[Ending]]:
    """What an order's lines want beyond its reservations, and what of these they no longer want, newest first."""
    target = {(line.line_id, line.sku): line.quantity for line in lines}
    pers = {(line.line_id, line.sku): line.per for line in lines}
    more: list[Wanted] = []
    less: list[Ending] = []
    for (line_id, sku), quantity in target.items():
        lacking = quantity - sum((row.quantity for row in rows if (row.order_line, row.sku) == (line_id, sku)), NOTHING)
        if lacking > 0:
            more.append(Wanted(line_id=line_id, sku=sku, quantity=lacking, per=pers[line_id, sku]))
    excess = {
        place: sum((row.quantity for row in rows if (row.order_line, row.sku) == place), NOTHING)
        - target.get(place, NOTHING)
        for place in {(row.order_line, row.sku) for row in rows}
    }
    for row in sorted((row for row in rows if row.state in OPEN), key=_held_first):
        part = min(row.quantity, excess[row.order_line, row.sku])
        if part > 0:
            less.append(Ending(row=row, quantity=part))
            excess[row.order_line, row.sku] -= part
    return more, less


def _held_first(row: Reservation) -> tuple[bool, int]:
    return (row.state == State.ALLOCATED, -row.row_id)


def _put_back(shelves: Shelves, endings: Iterable[Ending]) -> None:
    """Let an edit use what it gives back itself; what the source's figure contains comes back with its next figure."""
    for ending in endings:
        if not ending.row.contained and ending.row.location in shelves.get(ending.row.sku, {}):
            shelves[ending.row.sku][ending.row.location] += ending.quantity
