"""Catalogue in: what a source holds of products, taken in page by page as a run, and what changed since by the clock.

A run reads everything, or what changed since a little before the last run began; what changes while it reads comes with
the next one. A product that does not hold is set aside in the run with what is wrong, and stays as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domains.product import service as catalogue
from app.domains.product.canonical import ProductDraft
from app.domains.product.ports import Batch, ProductSource
from app.flows.running import outside_run
from app.flows.runtime import Connected, Told, step
from app.infra.connections import Connection
from app.infra.runs.rows import UNDER_WAY, Item, runs
from app.infra.runs.work import Page, Run, start_run
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened
from app.kernel.errors import Refused
from app.kernel.events import Fact, event

KIND = "product_import"
WINDOW = "catalogue_poll"
MOST = 500  # products of one page: a request of about a second, a transaction well below one
OVERLAP = timedelta(minutes=10)  # a remote stamps a change before others can see it, and clocks differ


@event("hub.product_import_turned", version=1, key="run_id")
class ProductImportTurned(Fact):
    """The next page of a product import may be fetched."""

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
    return connection.port(ProductSource).page(since=asked.since, after=asked.after, most=asked.most)


def record(uow: UnitOfWork, run: Run, asked: Asked, batch: Batch) -> Page:
    """Take a page in. All that there is is told batch by batch, what changed since product by product."""
    company = str(run.spec.get("company", ""))
    drafts = as_ours(uow, run.connection, company, batch.drafts)
    tells = catalogue.Tell.EACH if asked.since else catalogue.Tell.BATCH
    done = catalogue.upsert_many(uow, drafts, source=run.connection, tells=tells)
    items = [Item(key=one.key, code=one.code, said=one.said) for one in batch.refused]
    items += [Item(key=one.key, code=one.code, said=one.said, facts={"field": one.field}) for one in done.problems]
    counts = Counter(created=done.created, changed=done.changed, refused=len(items))
    counts["unchanged"] = max(0, len(drafts) - len(done.problems) - done.created - done.changed)
    read = len(batch.drafts) + len(batch.refused)
    shown = [variant.sku for draft in drafts for variant in draft.variants] + [one.key for one in batch.refused]
    catalogue.sight(uow, run.connection, company, shown)
    return Page(
        checkpoint={"after": batch.after}, done=read, counts=+counts, items=items, finished=not batch.after,
        total=run.done + read if not batch.after else None,
    )  # fmt: skip


MAPPED = """
SELECT upper(target), source FROM hub.value_map
 WHERE connection = %(connection)s AND kind = 'item' AND upper(target) = ANY(%(numbers)s::text[]) ORDER BY 1, 2
"""


def as_ours(uow: UnitOfWork, connection: str, company: str, drafts: Sequence[ProductDraft]) -> list[ProductDraft]:
    """What a source calls by its own numbers, by our SKUs where the value map `item` says so, and of our company.

    A number that is several SKUs of ours is a draft for each of them. Items with variants keep their numbers.
    """
    ours: dict[str, list[str]] = {}
    numbers = [draft.code.upper() for draft in drafts]
    for number, sku in uow.sql(MAPPED, {"connection": connection, "numbers": numbers}):
        ours.setdefault(number, []).append(sku)
    found: list[ProductDraft] = []
    for draft in drafts:
        single = [variant.sku for variant in draft.variants] == [draft.code]
        for sku in (ours.get(draft.code.upper()) if single else None) or [""]:
            variants = tuple(replace(variant, sku=sku or variant.sku) for variant in draft.variants)
            found.append(replace(draft, code=sku or draft.code, company=company, variants=variants))
    return found


outside_run(
    KIND, title="Product import", fact=ProductImportTurned, port=ProductSource, plan=plan, call=call, record=record
)


def start(uow: UnitOfWork, connection: Connection, *, whole: bool, who: str, why: str = "") -> str:
    """Begin an import of a connection's products: all of them, or what changed since the last import; the run's id.

    Raises Refused: `product.no_source` for a connection that holds no products, `product.import_under_way`, and
    `product.import_first` where nothing was imported yet and not the whole is asked for.
    """
    if not connection.spec.offers(ProductSource):
        raise Refused("product.no_source", f"{connection.spec.title} is no source of products", about=connection.name)
    if under_way(uow, connection.name):
        raise Refused(
            "product.import_under_way", f"an import from {connection.name} is under way: wait for it, or stop it",
            about=connection.name,
        )  # fmt: skip
    since = None if whole else _since(uow, connection.name)
    if since is None and not whole:
        raise Refused(
            "product.import_first", f"nothing was imported from {connection.name} yet: import the whole first",
            about=connection.name,
        )  # fmt: skip
    spec = {"since": since.isoformat() if since else None, "company": connection.company}
    title = f"Products of {connection.name}" + ("" if whole else f" that changed since {since:%Y-%m-%d %H:%M} UTC")
    return start_run(uow, KIND, spec, who=who, why=why, title=title, connection=connection.name)


def under_way(uow: UnitOfWork, connection: str, kind: str = KIND) -> bool:
    """Whether an import of a connection, or another run over all it holds, has not ended."""
    return any(runs(uow, kind=kind, connection=connection, state=state, most=1) for state in UNDER_WAY)


def imported_once(uow: UnitOfWork, connection: str) -> bool:
    """Whether an import from a connection ended well."""
    return _since(uow, connection) is not None


def _since(uow: UnitOfWork, connection: str) -> datetime | None:
    """A little before the last import that ended well began, however many failed since; None where none has."""
    done = runs(uow, kind=KIND, connection=connection, state="done", most=1)
    return done[0].created_at - OVERLAP if done else None


def poll(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Ask every source that was imported once for what changed since. One that is still being read is left alone."""
    if told.fact.name != WINDOW:
        return
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state != "on" or not connection.spec.offers(ProductSource):
            continue
        if imported_once(uow, name) and not under_way(uow, name):
            start(uow, connection, whole=False, who="hub", why="window")


step("product_import.ask", on=WindowOpened, queue="bulk", do=poll)
