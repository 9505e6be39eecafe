"""List all: every product of a channel's company is put on its way there, page by page as a run.

What comes later is listed when it changes; this is for the catalogue that was there before the channel.
"""

from __future__ import annotations

from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.flows.catalogue_out import publishing_at
from app.flows.running import inside_run
from app.infra.connections import Connection
from app.infra.runs.rows import UNDER_WAY, runs
from app.infra.runs.work import Page, Run, start_run
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused

KIND = "listing_all"
MOST = 500  # products of one page: as many facts in one transaction
RATE = 50.0  # products a second: more than a shop takes, so that a queue never fills by it


def page(uow: UnitOfWork, run: Run) -> Page:
    """Mark the next products; what stands there already as wished is not sent again."""
    most, company = min(run.room, MOST), str(run.spec.get("company", ""))
    ids = products.offered_ids(uow, company, after=str(run.checkpoint.get("after", "")), most=most)
    due = catalogue.mark_changed(uow, run.connection, company, ids, every=True)
    after = ids[-1] if ids else ""
    counts = {"due": due} if due else {}
    return Page(checkpoint={"after": after}, done=len(ids), counts=counts, finished=len(ids) < most)


inside_run(KIND, title="Catalogue listed", page=page)


def start(uow: UnitOfWork, connection: Connection, *, who: str, why: str = "") -> str:
    """Begin to list every product of a channel's company that is not retired; the run's id.

    Raises Refused `product.lists_nothing`, `product.listing_under_way`.
    """
    publishing_at(uow, connection.name)
    if any(runs(uow, kind=KIND, connection=connection.name, state=state, most=1) for state in UNDER_WAY):
        said = f"the catalogue is being listed at {connection.name}: wait for it, or stop it"
        raise Refused("product.listing_under_way", said, about=connection.name)
    return start_run(
        uow, KIND, {"company": connection.company}, who=who, why=why, connection=connection.name, rate=RATE,
        title=f"Catalogue listed at {connection.name}",
    )  # fmt: skip
