"""Live stock: the source is asked for one SKU while somebody waits, within a time budget, else the known figure counts.

No step: whoever asks has no delivery and gets an answer in any case. At most a few such calls are under way in a
process; when the source is slow, those after them fall back at once instead of waiting in a row.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from app.domains.inventory import service as inventory
from app.domains.inventory.policy import chosen
from app.domains.inventory.ports import Counted, StockSource
from app.domains.inventory.queries.offering import policies_for
from app.flows import stock_in
from app.infra.connections import Connection
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError

BUDGET_SECONDS = 0.8  # a shopper waits for a product page about a second
AT_ONCE = 4
FRESH = timedelta(seconds=2)  # a figure as young as this is not asked for again
LEVELS = "SELECT source, as_of FROM inventory.stock_level WHERE sku = %(sku)s ORDER BY location"
ITEM = """
SELECT target FROM hub.value_map WHERE connection = %(connection)s AND kind = 'item' AND source = %(sku)s
"""
_threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="live-stock")


class Basis(StrEnum):
    """What an answer rests on."""

    LIVE = "live"  # the source was asked just now
    FRESH = "fresh"  # the source was heard a moment ago
    FALLBACK = "fallback"  # it could not be asked, or not in time: what is known here, an estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How far a figure was checked, and why not further."""

    basis: Basis
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    connection: Connection
    item: str


def is_scarce(uow: UnitOfWork, channel: str, sku: str) -> bool:
    """Whether the channel's policy wants the source asked for so few."""
    policy = chosen(policies_for(uow, [sku]), channel, sku)
    if not policy.scarce_below:
        return False
    offer = inventory.offered(uow, channel, [sku]).get(sku)
    return offer is not None and offer.quantity < policy.scarce_below


def check(house: Hub, sku: str, *, seconds: float = BUDGET_SECONDS) -> Checked:
    """Ask the sources of a SKU and take their figures; afterwards what is known here is as new as it can be."""
    with house.unit_of_work() as uow:
        at = house.clock.now()
        rows = uow.sql(LEVELS, {"sku": sku}).fetchall()
        if rows and all(as_of is not None and at - as_of <= FRESH for _, as_of in rows):
            return Checked(basis=Basis.FRESH)
        questions = [
            found for source in dict.fromkeys(row[0] for row in rows) if (found := _question(uow, source, sku))
        ]
    if not questions:
        return Checked(basis=Basis.FALLBACK, why="no source of this SKU can be asked")
    asked = [(question, _threads.submit(_ask, question)) for question in questions]
    late = wait([future for _, future in asked], timeout=seconds).not_done
    if late:
        for future in late:
            future.cancel()
        return Checked(basis=Basis.FALLBACK, why=f"the source did not answer within {seconds} s")
    try:
        answers = [(question, future.result()) for question, future in asked]
    except HubError as wrong:
        return Checked(basis=Basis.FALLBACK, why=wrong.code)
    with house.unit_of_work() as uow:
        for question, figures in answers:
            stock_in.take(uow, question.connection.name, figures, at)
    return Checked(basis=Basis.LIVE)


def _ask(question: _Question) -> tuple[Counted, ...]:
    return question.connection.port(StockSource).read([question.item])


def _question(uow: UnitOfWork, source: str, sku: str) -> _Question | None:
    """What to ask of a level's source, in its own word for the SKU; None where nothing can be asked of it."""
    connection = uow.hub.connections.all(uow.session).get(source)
    if connection is None or connection.state != "on" or not stock_in.place_of(connection):
        return None
    row = uow.sql(ITEM, {"connection": source, "sku": sku}).fetchone()
    return _Question(connection=connection, item=row[0] if row else sku)
