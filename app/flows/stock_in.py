"""Stock in: what a source counts is read by the clock, what moved each minute and everything once a day.

Each figure is as of the instant before it was asked for: what moved while it was read is not in it, and the next
reading brings it. Orders that the source does not know stay demanded, whatever it says: the ledger keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Snapshot
from app.domains.inventory.events import CountDue
from app.domains.inventory.ports import Counted, Counts, StockSource
from app.domains.inventory.service import incoming
from app.domains.inventory.service.owning import NOT_THE_OWNER
from app.flows.runtime import Connected, Told, step
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened
from app.kernel.errors import Refused

WINDOW = "stock_poll"
WHOLE_AFTER = timedelta(days=1)  # an entry that was missed is found within a day
STEP = "stock_in.read"
UNFIT = "inventory.figure_unfit"
NAMED = 20
READING = """
SELECT EXISTS (SELECT FROM hub.delivery
                WHERE lane = %(lane)s AND state IN ('due', 'running', 'behind', 'parked', 'rejected'))
"""
SKUS_OF = """
SELECT upper(target), array_agg(source ORDER BY source) FROM hub.value_map
 WHERE connection = %(connection)s AND kind = 'item' AND upper(target) = ANY(%(items)s::text[]) GROUP BY 1
"""


def place_of(connection: Connection) -> str:
    """The hub's name of the place that a source's figures are of; empty where its stock is not read."""
    offers = connection.spec.offers(StockSource)
    return str(connection.settings.get("stock_location") or "") if offers else ""


def ask_for_counts(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Each source that is not just being read."""
    if told.fact.name != WINDOW:
        return
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state == "on" and place_of(connection) and not _being_read(uow, name):
            request(uow, name)


step("stock_in.ask", on=WindowOpened, queue="inventory", do=ask_for_counts)


def request(uow: UnitOfWork, source: str, *, whole: bool = False) -> None:
    """Have a source read: what moved since the last time; everything where that is asked for or a day ago."""
    known = incoming.mark_of(uow, source)
    now = uow.hub.clock.now()
    stale = known.whole_at is None or now - known.whole_at >= WHOLE_AFTER or not known.mark
    uow.publish(CountDue(source=source, whole=whole or stale, mark=known.mark, asked_at=now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page of a reading, and the instant before it is asked for."""

    since: str
    after: str
    at: datetime


def plan(uow: UnitOfWork, told: Told[CountDue]) -> Asked | None:
    if not place_of(uow.hub.connections.get(uow.session, told.connection)):
        return None
    fact = told.fact
    return Asked(since="" if fact.whole else fact.mark, after=fact.after, at=uow.hub.clock.now())


def call(connection: Connected, asked: Asked) -> Counts:
    return connection.port(StockSource).page(asked.since, asked.after)


def record(uow: UnitOfWork, told: Told[CountDue], asked: Asked, counts: Counts) -> None:
    """Take the page's figures; the next page is told with them, and the last one moves the mark."""
    refused = take(uow, told.connection, counts.figures, asked.at)
    fact = told.fact
    if counts.unfit:
        _report(uow, told.connection, counts.unfit)
    elif fact.whole and not counts.after and not fact.after:
        end_for(uow, UNFIT, f"stock:{told.connection}", "every figure is of one SKU")
    mark, figures = counts.mark or fact.mark, fact.figures + len(counts.figures)
    if counts.after:
        uow.publish(replace(fact, after=counts.after, mark=mark, figures=figures), told.trail)
        return
    begun = fact.asked_at or asked.at
    incoming.keep_mark(uow, told.connection, mark, begun, whole=fact.whole, figures=figures, refused=refused)


step(
    STEP, on=CountDue, queue="inventory", at_fact="source", reads=True, port=StockSource,
    plan=plan, call=call, record=record,
)  # fmt: skip


def take(uow: UnitOfWork, source: str, figures: Sequence[Counted], at: datetime) -> int:
    """Take a source's figures as of an instant; returns how many could not be taken. An older one is no fault."""
    connection = uow.hub.connections.get(uow.session, source)
    place, reports = place_of(connection), connection.port(StockSource).reports
    skus = skus_of(uow, source, [one.item for one in figures])
    snapshots = [
        Snapshot(
            source=source, sku=skus[one.item], location=one.location or place, on_hand=one.on_hand, as_of=at,
            reports=reports,
        )
        for one in sorted(figures, key=lambda one: one.item)
        if one.item in skus
    ]  # fmt: skip
    wrong = [one.error for one in inventory.count_many(uow, snapshots) if one.error is not None]
    refused = [error for error in wrong if isinstance(error, Refused) and error.code != NOT_THE_OWNER]
    uow.tally("stock_counted", source, len(snapshots) - len(wrong))
    if refused:
        open_case(
            uow, code="inventory.not_the_source", connection=source, about=source, key=f"stock:{source}",
            title=f"{source} counts {len(refused)} levels that another source counts", said=refused[0].message,
            facts={"some": [error.about for error in refused[:NAMED]]},
        )  # fmt: skip
    return len(wrong)


def skus_of(uow: UnitOfWork, source: str, items: Sequence[str]) -> Mapping[str, str]:
    """A source's word for a thing → our SKU. What several SKUs mean is left out: its figure is none of theirs alone."""
    mapped: dict[str, list[str]] = dict(
        uow.sql(SKUS_OF, {"connection": source, "items": [item.upper() for item in items]}).fetchall()
    )
    found: dict[str, str] = {}
    for item in items:
        words = mapped.get(item.upper(), [item])
        if len(words) == 1:
            found[item] = words[0]
    return found


def _being_read(uow: UnitOfWork, source: str) -> bool:
    row = uow.sql(READING, {"lane": f"{STEP}|{source}|inventory:{source}"}).fetchone()
    return bool(row and row[0])


def _report(uow: UnitOfWork, source: str, unfit: Sequence[str]) -> None:
    """One case for all that a source counts together and the hub sells apart."""
    open_case(
        uow, code=UNFIT, connection=source, about=source, key=f"stock:{source}",
        title=f"{source} has one figure for all variants of an item: count these elsewhere",
        facts={"some": list(unfit[:NAMED]), "count": len(unfit)},
    )  # fmt: skip
