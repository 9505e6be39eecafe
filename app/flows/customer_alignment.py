"""Customer alignment: once a night all customers of a source are read and compared with the hub; nothing is repaired.

Who differs is kept in the run by the number there, with the names of the fields and no values; a source is one case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.customers import service as customers
from app.domains.customers.ports import Batch, CustomerSource
from app.domains.customers.service import Difference
from app.flows import customers_in
from app.flows.catalogue_in import under_way
from app.flows.running import outside_run
from app.flows.runtime import Connected, Told, step
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.runs.rows import Item
from app.infra.runs.work import Page, Run, start_run
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened
from app.kernel.errors import Refused
from app.kernel.events import Fact, event

KIND = "customer_alignment"
WINDOW = "customer_alignment"
DRIFT = "customers.drift"
WORDS = {"differs": "differ", "missing_here": "are missing here", "missing_there": "are missing there"}


@event("hub.customer_alignment_turned", version=1, key="run_id")
class CustomerAlignmentTurned(Fact):
    """The next page of a customer alignment may be fetched."""

    run_id: str
    turn: int
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page of a source's whole."""

    after: str
    most: int


def plan(uow: UnitOfWork, run: Run) -> Asked:
    return Asked(after=str(run.checkpoint.get("after", "")), most=min(run.room, customers_in.MOST))


def call(connection: Connected, asked: Asked) -> Batch:
    return connection.port(CustomerSource).page(since=None, after=asked.after, most=asked.most)


def record(uow: UnitOfWork, run: Run, asked: Asked, batch: Batch) -> Page:
    found = customers.compare(uow, run.connection, customers_in.ours(uow, run.connection, batch.drafts))
    seen = Counter({name: int(run.checkpoint.get(name, 0)) for name in WORDS})
    if not batch.after:
        found += customers.vanished(uow, run.connection, datetime.fromisoformat(str(run.spec["begun"])))
    counts = Counter(one.kind for one in found)
    read = len(batch.drafts) + len(batch.refused)
    items = [Item(key=one.key, code=one.code, said=one.said) for one in batch.refused] + _items(found)
    still = seen + counts
    checkpoint = {"after": batch.after, **still}
    if batch.after:
        return Page(checkpoint=checkpoint, done=read, counts=counts, items=items)
    _tell(uow, run.connection, still)
    return Page(
        checkpoint=checkpoint, done=read, counts=counts, items=items, finished=True, total=run.done + read,
        said=_words(still),
    )  # fmt: skip


outside_run(
    KIND, title="Customer alignment", fact=CustomerAlignmentTurned, port=CustomerSource, plan=plan, call=call,
    record=record,
)  # fmt: skip


def start(uow: UnitOfWork, connection: Connection, *, who: str, why: str = "") -> str:
    """Begin to compare a source's customers with the hub; the run's id.

    Raises Refused `customers.no_source`, `customers.alignment_under_way`, and `customers.import_first`.
    """
    if not connection.spec.offers(CustomerSource):
        raise Refused("customers.no_source", f"{connection.spec.title} keeps no customers", about=connection.name)
    if customers_in.last_import(uow, connection.name) is None:
        said = f"nothing was imported from {connection.name} yet: import the whole first"
        raise Refused("customers.import_first", said, about=connection.name)
    if under_way(uow, connection.name, KIND):
        said = f"customers of {connection.name} are being compared: wait for it, or stop it"
        raise Refused("customers.alignment_under_way", said, about=connection.name)
    spec = {"begun": uow.hub.clock.now().isoformat()}
    title = f"Customers of {connection.name} compared"
    return start_run(uow, KIND, spec, who=who, why=why, title=title, connection=connection.name)


def nightly(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Compare every source that was imported once and is not being compared."""
    if told.fact.name != WINDOW:
        return
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state != "on" or not connection.spec.offers(CustomerSource):
            continue
        if customers_in.last_import(uow, name) is not None and not under_way(uow, name, KIND):
            start(uow, connection, who="hub", why="window")


step("customer_alignment.ask", on=WindowOpened, queue="bulk", do=nightly)


def _items(found: Sequence[Difference]) -> list[Item]:
    return [
        Item(key=one.number, code=f"customers.{one.kind}", found=True, said=", ".join(one.fields) or WORDS[one.kind])
        for one in found
    ]


def _tell(uow: UnitOfWork, connection: str, still: Mapping[str, int]) -> None:
    key = f"customers:{connection}"
    if not any(still.values()):
        end_for(uow, DRIFT, key, "all customers are alike again")
        return
    open_case(
        uow, code=DRIFT, connection=connection, about=connection, key=key, facts=dict(still),
        title=f"Customers of {connection} and of the hub are not alike: {_words(still)}",
    )  # fmt: skip


def _words(still: Mapping[str, int]) -> str:
    return ", ".join(f"{still[kind]} {said}" for kind, said in WORDS.items() if still[kind]) or "all is alike"
