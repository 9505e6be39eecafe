"""Short promises before there is an order: a cart at its checkout, goods to be collected in a store.

A quote is a reservation under a name of its own. It ends by itself; the order of its cart gets its goods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domains.inventory import queries
from app.domains.inventory.canonical import Reservation, Reserved, Short, Wanted
from app.domains.inventory.events import ReservationLapsed
from app.domains.inventory.lifecycle import State
from app.domains.inventory.policy import Shelves, serve, taken_apart
from app.domains.inventory.service.ending import Ending, end
from app.domains.inventory.service.locking import hold, hold_order
from app.domains.inventory.service.reserving import PAYMENT, QUOTE, Taken, take, taken_of
from app.domains.inventory.service.telling import refresh
from app.infra.deadlines import expect_many
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

LONGEST = timedelta(days=2)  # what is promised longer than over a weekend is an order


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Goods to be promised under a name, for so long, from one location where it is named.

    Raises Invalid `inventory.quote_time` unless it lasts above 0 and at most LONGEST.
    """

    name: str
    lines: tuple[Wanted, ...]
    lasting: timedelta
    location: str = ""

    def __post_init__(self) -> None:
        if not timedelta(0) < self.lasting <= LONGEST:
            raise Invalid(
                "inventory.quote_time", f"a quote lasts above 0 and at most {LONGEST.total_seconds():.0f} seconds"
            )

    @property
    def order_id(self) -> str:
        """What its reservations stand under."""
        return QUOTE + self.name


def quote(uow: UnitOfWork, wanted: Quote) -> Reserved | Short:
    """Promise every line for a while, all or nothing. SKUs must be known.

    The same name again gets the answer it has, while it lasts. Raises Refused `inventory.quote_ended` after that.
    """
    return quote_many(uow, [wanted])[0]


def quote_many(uow: UnitOfWork, wanted: Sequence[Quote]) -> list[Reserved | Short]:
    """Promise for many, served in their order, with about as many statements as for one."""
    names = sorted({one.order_id for one in wanted})
    uow.sql("SELECT pg_advisory_xact_lock(hashtextextended(n, 0)) FROM unnest(%(names)s::text[]) n", {"names": names})
    standing: dict[str, list[Reservation]] = {}
    for row in queries.reservations(uow, names):
        standing.setdefault(row.order_id, []).append(row)
    bundles = queries.parts_of(uow, {line.sku for one in wanted for line in one.lines})
    apart = [taken_apart(one.lines, bundles) for one in wanted]
    skus = {line.sku for lines in apart for line in lines}
    hold(uow, skus)
    shelves, now = queries.shelves(uow, skus), uow.hub.clock.now()
    answers: list[Reserved | Short] = []
    served: dict[str, Reserved] = {}
    taken: list[Taken] = []
    lapses: list[tuple[ReservationLapsed, datetime]] = []
    for one, lines in zip(wanted, apart, strict=True):
        if rows := standing.get(one.order_id):
            answers.append(_as_before(one, rows))
            continue
        answer = served.get(one.order_id) or _served(one, lines, shelves)
        answers.append(answer)
        if isinstance(answer, Reserved) and one.order_id not in served:
            served[one.order_id], until = answer, now + one.lasting
            taken += taken_of(answer, lines, until)
            lapses.append((ReservationLapsed(order_id=one.order_id, until=until), until))
    if lapses:
        expect_many(uow, PAYMENT, lapses)
    take(uow, taken, State.QUOTED)
    refresh(uow, {one.held.sku for one in taken})
    return answers


def _served(one: Quote, lines: Sequence[Wanted], shelves: Shelves) -> Reserved | Short:
    """Serve a quote from the shelves, which are lowered, or from one location of them alone."""
    if not one.location:
        return serve(one.order_id, lines, shelves, untracked=False)
    answer = serve(one.order_id, lines, _at(one.location, shelves), untracked=False)
    for held in answer.held if isinstance(answer, Reserved) else ():
        shelves[held.sku][held.location] -= held.quantity
    return answer


def quoted(uow: UnitOfWork, name: str) -> list[Reservation]:
    """What a quote holds or held. Raises NotFound `inventory.no_quote`."""
    rows = queries.reservations(uow, [QUOTE + name])
    if not rows:
        raise NotFound(
            "inventory.no_quote", f"there is no quote {name}: it was refused, or never asked for", about=name
        )
    return rows


def end_quote(uow: UnitOfWork, name: str) -> list[Reservation]:
    """Give back what a quote still holds; a repeat changes nothing."""
    quoted(uow, name)
    _give_back(uow, QUOTE + name)
    return quoted(uow, name)


def _give_back(uow: UnitOfWork, order_id: str) -> None:
    rows = [row for row in hold_order(uow, order_id) if row.state == State.QUOTED]
    end(uow, [Ending(row=row, quantity=row.quantity) for row in rows], "release")
    refresh(uow, {row.sku for row in rows})


def _as_before(one: Quote, rows: Sequence[Reservation]) -> Reserved:
    if any(row.state != State.QUOTED for row in rows):
        said = f"quote {one.name} is {rows[0].state}: ask under another name"
        raise Refused("inventory.quote_ended", said, about=one.name)
    return Reserved(order_id=one.order_id, held=tuple(row.held() for row in rows))


def _at(location: str, shelves: Shelves) -> Shelves:
    return {sku: {location: places[location]} if location in places else {} for sku, places in shelves.items()}
