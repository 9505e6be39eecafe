"""Customers in: what a source holds of customers, taken in page by page as a run, and what changed since by the clock.

A run reads everything, or what changed since a little before the last run began and whoever has a credit limit. A
customer that does not hold is set aside in the run with what is wrong, and stays as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domains.customers import service as customers
from app.domains.customers.canonical import CustomerDraft
from app.domains.customers.ports import Batch, CustomerSource
from app.flows.catalogue_in import under_way
from app.flows.running import outside_run
from app.flows.runtime import Connected, Told, step
from app.infra.bindings import keys_of
from app.infra.connections import Connection
from app.infra.runs.rows import Item, runs
from app.infra.runs.work import Page, Run, start_run
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened
from app.kernel.errors import Refused
from app.kernel.events import Fact, event

KIND = "customer_import"
WINDOW = "customer_poll"
MOST = 500  # customers of one page: a request of about a second, a transaction well below one
OVERLAP = timedelta(minutes=10)  # a remote stamps a change before others can see it, and clocks differ
MOST_OFTEN = timedelta(minutes=1)  # a shop that makes a customer with every order rings as often


@event("hub.customer_import_turned", version=1, key="run_id")
class CustomerImportTurned(Fact):
    """The next page of a customer import may be fetched."""

    run_id: str
    turn: int
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page of a source."""

    since: datetime | None
    after: str
    most: int


def plan(uow: UnitOfWork, run: Run) -> Asked:
    since = run.spec.get("since")
    return Asked(
        since=datetime.fromisoformat(since) if since else None, after=str(run.checkpoint.get("after", "")),
        most=min(run.room, MOST),
    )  # fmt: skip


def call(connection: Connected, asked: Asked) -> Batch:
    return connection.port(CustomerSource).page(since=asked.since, after=asked.after, most=asked.most)


def record(uow: UnitOfWork, run: Run, asked: Asked, batch: Batch) -> Page:
    drafts = ours(uow, run.connection, batch.drafts)
    done = customers.take_in(uow, run.connection, str(run.spec.get("company", "")), drafts)
    items = [Item(key=one.key, code=one.code, said=one.said) for one in batch.refused]
    counts = Counter(bound=done.bound, changed=done.changed, not_owned=done.foreign, refused=len(items))
    counts["unchanged"] = len(drafts) - done.bound - done.changed
    read = len(batch.drafts) + len(batch.refused)
    return Page(
        checkpoint={"after": batch.after}, done=read, counts=+counts, items=items, finished=not batch.after,
        total=run.done + read if not batch.after else None,
    )  # fmt: skip


def ours(uow: UnitOfWork, source: str, drafts: Sequence[CustomerDraft]) -> list[CustomerDraft]:
    """Those to take in: not those who were erased here, since an ERP keeps by law what the hub may not take back.

    Nor those that a posting has just made: they are bound to their accounts when it is recorded, not by their looks.
    """
    names = {draft.external_id: (customers.ERP_CUSTOMER, source, draft.external_id) for draft in drafts}
    erased = customers.erased_at(uow, names.values())
    prefix = str(uow.hub.connections.get(uow.session, source).settings.get("customer_prefix") or "").upper()
    made = [draft for draft in drafts if prefix and draft.number.upper().startswith(prefix)]
    bound = keys_of(uow, customers.ERP_CUSTOMER, [(source, draft.external_id) for draft in made])
    unbound = {draft.external_id for draft in made if (source, draft.external_id) not in bound}
    return [one for one in drafts if one.external_id not in unbound and names[one.external_id] not in erased]


outside_run(
    KIND, title="Customer import", fact=CustomerImportTurned, port=CustomerSource, plan=plan, call=call, record=record
)


def start(uow: UnitOfWork, connection: Connection, *, whole: bool, who: str, why: str = "") -> str:
    """Begin an import of a connection's customers: all of them, or what changed since the last import; the run's id.

    Raises Refused: `customers.no_source` for a connection that keeps no customers, `customers.import_under_way`, and
    `customers.import_first` where nothing was imported yet and not the whole is asked for.
    """
    if not connection.spec.offers(CustomerSource):
        raise Refused("customers.no_source", f"{connection.spec.title} keeps no customers", about=connection.name)
    if under_way(uow, connection.name, KIND):
        said = f"an import from {connection.name} is under way: wait for it, or stop it"
        raise Refused("customers.import_under_way", said, about=connection.name)
    since = None if whole else last_import(uow, connection.name)
    if since is None and not whole:
        said = f"nothing was imported from {connection.name} yet: import the whole first"
        raise Refused("customers.import_first", said, about=connection.name)
    spec = {"since": since.isoformat() if since else None, "company": connection.company}
    title = f"Customers of {connection.name}" + ("" if whole else f" that changed since {since:%Y-%m-%d %H:%M} UTC")
    return start_run(uow, KIND, spec, who=who, why=why, title=title, connection=connection.name)


def last_import(uow: UnitOfWork, connection: str) -> datetime | None:
    """A little before the last import that ended well began, however many failed since; None where none has."""
    done = runs(uow, kind=KIND, connection=connection, state="done", most=1)
    return done[0].created_at - OVERLAP if done else None


def refresh(uow: UnitOfWork, connection: Connection, why: str) -> bool:
    """Read what changed at a source that was imported once, unless it is just being read; whether it is read now.

    What changes behind a page that is read already comes with the next reading.
    """
    if not connection.spec.offers(CustomerSource) or last_import(uow, connection.name) is None:
        return False
    if not under_way(uow, connection.name, KIND):
        start(uow, connection, whole=False, who="hub", why=why)
    return True


def hear(uow: UnitOfWork, connection: Connection) -> bool:
    """A source says that customers changed: read now, or by the clock where it was read a moment ago."""
    newest = runs(uow, kind=KIND, connection=connection.name, most=1)
    if newest and uow.hub.clock.now() - newest[0].created_at < MOST_OFTEN:
        return True
    return refresh(uow, connection, "a notification")


def poll(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Ask every source that was imported once for what changed since."""
    if told.fact.name != WINDOW:
        return
    for _, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state == "on":
            refresh(uow, connection, "window")


step("customer_import.ask", on=WindowOpened, queue="bulk", do=poll)
