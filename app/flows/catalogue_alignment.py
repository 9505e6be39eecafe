"""Catalogue alignment: once a night all that a source holds is read and compared with the hub; nothing is repaired.

What differs is kept by SKU and field until it is alike again, and is one case for each source.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domains.product import service as catalogue
from app.domains.product.ports import Batch, ProductSource
from app.flows import catalogue_in
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

KIND = "product_alignment"
WINDOW = "catalogue_alignment"
DRIFT = "product.drift"


@event("hub.product_alignment_turned", version=1, key="run_id")
class ProductAlignmentTurned(Fact):
    """The next page of a product alignment may be fetched."""

    run_id: str
    turn: int
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page of a source's whole."""

    after: str
    most: int


def plan(uow: UnitOfWork, run: Run) -> Asked:
    return Asked(after=str(run.checkpoint.get("after", "")), most=min(run.room, catalogue_in.MOST))


def call(connection: Connected, asked: Asked) -> Batch:
    return connection.port(ProductSource).page(since=None, after=asked.after, most=asked.most)


def record(uow: UnitOfWork, run: Run, asked: Asked, batch: Batch) -> Page:
    company = str(run.spec.get("company", ""))
    drafts = catalogue_in.as_ours(uow, run.connection, company, batch.drafts)
    differ = catalogue.compare(uow, run.connection, company, drafts)
    catalogue.sight(uow, run.connection, company, [one.key for one in batch.refused])  # it is there, if wrong
    items = [Item(key=one.key, code=one.code, said=one.said) for one in batch.refused]
    read = len(batch.drafts) + len(batch.refused)
    counts = {"differ": differ} if differ else {}
    if batch.after:
        return Page(checkpoint={"after": batch.after}, done=read, counts=counts, items=items)
    since = datetime.fromisoformat(str(run.spec["begun"]))
    still = catalogue.finish_alignment(uow, run.connection, company, since=since)
    _tell(uow, run.connection, still)
    return Page(
        checkpoint={"after": ""}, done=read, counts={**counts, **still}, items=items, finished=True,
        total=run.done + read, said=_words(still),
    )  # fmt: skip


outside_run(
    KIND, title="Product alignment", fact=ProductAlignmentTurned, port=ProductSource, plan=plan, call=call,
    record=record,
)  # fmt: skip


def start(uow: UnitOfWork, connection: Connection, *, who: str, why: str = "") -> str:
    """Begin to compare a source with the hub; the run's id.

    Raises Refused `product.no_source`, `product.alignment_under_way`, and `product.import_first`.
    """
    if not connection.spec.offers(ProductSource):
        raise Refused("product.no_source", f"{connection.spec.title} is no source of products", about=connection.name)
    if not catalogue_in.imported_once(uow, connection.name):
        raise Refused(
            "product.import_first", f"nothing was imported from {connection.name} yet: import the whole first",
            about=connection.name,
        )  # fmt: skip
    if catalogue_in.under_way(uow, connection.name, KIND):
        raise Refused(
            "product.alignment_under_way", f"{connection.name} is being compared: wait for it, or stop it",
            about=connection.name,
        )  # fmt: skip
    spec = {"company": connection.company, "begun": uow.hub.clock.now().isoformat()}
    title = f"Products of {connection.name} compared"
    return start_run(uow, KIND, spec, who=who, why=why, title=title, connection=connection.name)


def nightly(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Compare every source that was imported once and is not being compared."""
    if told.fact.name != WINDOW:
        return
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state != "on" or not connection.spec.offers(ProductSource):
            continue
        if catalogue_in.imported_once(uow, name) and not catalogue_in.under_way(uow, name, KIND):
            start(uow, connection, who="hub", why="window")


step("product_alignment.ask", on=WindowOpened, queue="bulk", do=nightly)


def _tell(uow: UnitOfWork, connection: str, still: dict[str, int]) -> None:
    key = f"product:{connection}"
    if not still:
        end_for(uow, DRIFT, key, "all products are alike again")
        return
    open_case(
        uow, code=DRIFT, connection=connection, about=connection, key=key, facts=still,
        title=f"Products of {connection} and of the hub are not alike: {_words(still)}",
    )  # fmt: skip


def _words(still: dict[str, int]) -> str:
    words = {"differs": "fields differ", "missing_here": "SKUs missing here", "missing_there": "SKUs missing there"}
    return ", ".join(f"{count} {words[kind]}" for kind, count in sorted(still.items())) or "all is alike"
