"""Listing alignment: once a night what channels show of ours is read and compared with what the hub wishes.

Nothing is repaired: what differs is kept by SKU and field until it is alike again, as one case for each channel, and
publishing it anew is one click. What waited for something is looked at again at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.domains.product.canonical import Shown
from app.domains.product.lifecycle import ListingState
from app.domains.product.policy import differs_at, showing_of
from app.domains.product.ports import ListingSink
from app.flows import catalogue_out
from app.flows.running import outside_run
from app.flows.runtime import Connected, Told, step
from app.infra.bindings import known
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.runs.rows import UNDER_WAY, runs
from app.infra.runs.work import Page, Run, start_run
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened
from app.kernel.errors import Refused
from app.kernel.events import Fact, event

KIND = "listing_alignment"
WINDOW = "catalogue_alignment"
DRIFT = "product.listing_drift"
MOST = 50  # products of one page


@event("hub.listing_alignment_turned", version=1, key="run_id")
class ListingAlignmentTurned(Fact):
    """The next page of a listing alignment may be read."""

    run_id: str
    turn: int
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A page of what a channel lists of ours: product → its id there; `after` is the last listing, '' at the end."""

    listed: Mapping[str, str]
    after: str


def plan(uow: UnitOfWork, run: Run) -> Asked | None:
    """The next page; None at the end, where the run ends by itself."""
    rows = products.listed_at(uow, run.connection, after=str(run.checkpoint.get("after", "")), most=MOST)
    after = rows[-1][0] if len(rows) == MOST else ""
    return Asked(listed={product_id: external for _, product_id, external in rows}, after=after)


def call(connection: Connected, asked: Asked) -> Mapping[str, Shown]:
    return connection.port(ListingSink).look(list(asked.listed.values())) if asked.listed else {}


def record(uow: UnitOfWork, run: Run, asked: Asked, there: Mapping[str, Shown]) -> Page:
    company = str(run.spec.get("company", ""))
    found = _differences(uow, run.connection, asked, there)
    catalogue.keep_drift(uow, run.connection, company, found)
    counts = {"differ": len(found)} if found else {}
    read = len(asked.listed)
    if asked.after:
        return Page(checkpoint={"after": asked.after}, done=read, counts=counts)
    still = catalogue.finish_alignment(
        uow, run.connection, company, since=datetime.fromisoformat(str(run.spec["begun"]))
    )
    _tell(uow, run.connection, still)
    return Page(
        checkpoint={"after": ""}, done=read, counts={**counts, **still}, finished=True, total=run.done + read,
        said=_words(still),
    )  # fmt: skip


def _differences(
    uow: UnitOfWork, channel: str, asked: Asked, there: Mapping[str, Shown]
) -> list[catalogue.Difference]:  # fmt: skip
    found: list[catalogue.Difference] = []
    every = products.products(uow, asked.listed)
    skus = [variant.sku for product in every.values() for variant in product.variants]
    names = known(uow, channel, {catalogue_out.VARIANT: skus})[catalogue_out.VARIANT]
    wanted = catalogue.still_wanted(uow, channel, every)
    for product_id, product in every.items():
        if product_id not in wanted:  # it was marked or sent since the page was read: the next night compares it
            continue
        showing = showing_of(product, wanted=wanted[product_id], there=True)
        shown = there.get(asked.listed[product_id])
        if shown is None:
            found.append(catalogue.Difference(sku=product.code, kind="missing_there", ours=product.status))
        elif showing is not None:
            found += [
                catalogue.Difference(
                    sku=key, kind="differs" if name else "missing_there", field=name, ours=ours, theirs=theirs
                )
                for key, name, ours, theirs in differs_at(product, showing, names, shown)
            ]
    return found


outside_run(
    KIND, title="Listing alignment", fact=ListingAlignmentTurned, port=ListingSink, plan=plan, call=call, record=record,
)  # fmt: skip


def start(uow: UnitOfWork, connection: Connection, *, who: str, why: str = "") -> str:
    """Begin to compare what a channel shows with what the hub wishes; the run's id.

    Raises Refused `product.lists_nothing`, `product.alignment_under_way`.
    """
    catalogue_out.publishing_at(uow, connection.name)
    if _under_way(uow, connection.name):
        raise Refused(
            "product.alignment_under_way", f"{connection.name} is being compared: wait for it, or stop it",
            about=connection.name,
        )  # fmt: skip
    spec = {"company": connection.company, "begun": uow.hub.clock.now().isoformat()}
    title = f"Listings of {connection.name} compared"
    return start_run(uow, KIND, spec, who=who, why=why, title=title, connection=connection.name)


def _under_way(uow: UnitOfWork, connection: str) -> bool:
    return any(runs(uow, kind=KIND, connection=connection, state=state, most=1) for state in UNDER_WAY)


def nightly(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Compare every channel that lists products; what waits or was refused is tried again."""
    if told.fact.name != WINDOW:
        return
    for connection in catalogue_out.publishing(uow):
        catalogue.mark_again(uow, connection.name, (ListingState.WAITING, ListingState.REJECTED))
        if connection.state == "on" and not _under_way(uow, connection.name):
            start(uow, connection, who="hub", why="window")


step("listing_alignment.ask", on=WindowOpened, queue="bulk", do=nightly)


def _tell(uow: UnitOfWork, channel: str, still: Mapping[str, int]) -> None:
    key = f"listing_drift:{channel}"
    if not still:
        end_for(uow, DRIFT, key, "every listing stands as the hub wishes")
        return
    open_case(
        uow, code=DRIFT, connection=channel, about=channel, key=key, facts=dict(still),
        title=f"{channel} shows products otherwise than the hub: {_words(still)}",
    )  # fmt: skip


def _words(still: Mapping[str, int]) -> str:
    words = {"differs": "fields differ", "missing_there": "products or SKUs are gone there"}
    return ", ".join(f"{count} {words.get(kind, kind)}" for kind, count in sorted(still.items())) or "all is alike"
