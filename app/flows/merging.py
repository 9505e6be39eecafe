"""Two accounts become one customer, or two again: the accounts, and the orders that follow them."""

from __future__ import annotations

from dataclasses import dataclass

from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.orders.service import erasing as orders
from app.flows.running import inside_run
from app.infra.runs.work import Page, Run, start_run
from app.infra.uow import UnitOfWork

RUN = "duplicates"
AT_ONCE = 200  # accounts of one page, each compared with those that share something with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a merge would do: what the survivor gains, which numbers go over, which cannot since it has one there."""

    orders: int
    open_orders: int
    gains: tuple[str, ...]
    numbers: tuple[str, ...]
    both: tuple[str, ...]


def preview(uow: UnitOfWork, survivor_id: str, merged_id: str) -> Preview:
    """The consequences of a merge, without doing it. Raises NotFound for an account that is not there."""
    survivor, gone = queries.whole(uow, survivor_id), queries.whole(uow, merged_id)
    moving = orders.orders_of(uow, [merged_id])
    has = {(one["connection"], one["kind"]) for one in survivor.parts["known_as"]}
    named = [(one, f"{one['connection']} {one['number'] or one['external_id']}") for one in gone.parts["known_as"]]
    return Preview(
        orders=len(moving), open_orders=sum(order.open for order in moving),
        gains=tuple(
            name.replace("_", " ") for name in customers.FILLED
            if not getattr(survivor.brief, name) and getattr(gone.brief, name)
        ),
        numbers=tuple(said for one, said in named if (one["connection"], one["kind"]) not in has),
        both=tuple(said for one, said in named if (one["connection"], one["kind"]) in has),
    )  # fmt: skip


def merge(uow: UnitOfWork, survivor_id: str, merged_id: str, who: str, why: str) -> str:
    """Merge two accounts; their orders and bindings follow the survivor. Returns the merge's id, which undoes it."""
    done = customers.merge(uow, survivor_id, merged_id, who, why)
    customers.keep_moved(uow, done.merge_id, orders.move_orders(uow, done.merged_id, done.survivor_id))
    return done.merge_id


def unmerge(uow: UnitOfWork, merge_id: str, who: str, why: str) -> None:
    """Take a merge back; the orders that had moved with it go back."""
    done = customers.unmerge(uow, merge_id, who, why)
    orders.move_orders(uow, done.survivor_id, done.merged_id, done.orders or ())


def find_duplicates(uow: UnitOfWork, who: str, why: str = "") -> str:
    """Begin a run that compares all accounts with those that share an e-mail, phone, address or tax id; its id."""
    return start_run(uow, RUN, {}, who=who, why=why)


def page(uow: UnitOfWork, run: Run) -> Page:
    """The next accounts by id."""
    ids = customers.accounts_after(uow, str(run.checkpoint.get("after", "")), AT_ONCE)
    if not ids:
        return Page(checkpoint=run.checkpoint, finished=True)
    pairs = customers.find_alike(uow, ids)
    return Page(checkpoint={"after": ids[-1]}, done=len(ids), counts={"pairs": pairs})


inside_run(RUN, title="Search for duplicate customers", page=page)
