"""Recount: each night the counters of stock are added up again, page by page; what differs is somebody's business."""

from __future__ import annotations

from app.domains.inventory import queries
from app.domains.inventory import service as inventory
from app.domains.inventory.events import RecountDue
from app.domains.inventory.service.telling import HOUSE
from app.flows.runtime import Told, step
from app.infra.cases import end_cases, open_case
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened, end_window

WINDOW = "stock_recount"
CODE = "inventory.drift"


def ask(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    if told.fact.name == WINDOW:
        uow.publish(RecountDue(house=HOUSE, instant=told.fact.instant))


step("recount.ask", on=WindowOpened, queue="bulk", do=ask)


def turn(uow: UnitOfWork, told: Told[RecountDue]) -> None:
    """One page of SKUs; the last one ends the window and says what is open."""
    fact = told.fact
    page = inventory.recount(uow, fact.after)
    looked, found = fact.looked + page.looked, fact.found + len(page.found)
    if page.last:
        uow.publish(RecountDue(house=HOUSE, instant=fact.instant, after=page.last, looked=looked, found=found))
        return
    inventory.note_channels(uow)
    report(uow)
    end_window(uow, WINDOW, fact.instant, "done", {"skus": looked, "differences": found})


step("recount.turn", on=RecountDue, queue="bulk", do=turn)


def report(uow: UnitOfWork) -> None:
    """One case for each book with open drifts; it ends with the last of them."""
    standing = {(kind, other): count for kind, other, count in queries.open_drifts(uow)}
    books: dict[str, int] = {}
    for (kind, other), count in standing.items():
        book = "the ledger" if kind == "ledger" else other
        books[book] = books.get(book, 0) + count
    for book, count in books.items():
        open_case(
            uow, code=CODE, about=book, key=f"drift:{book}", facts={"open": count},
            title=f"{count} figures of stock differ from {book}",
        )  # fmt: skip
    for (about,) in uow.sql(
        "SELECT about FROM hub.exception_case WHERE code = %(code)s AND state NOT IN ('resolved', 'dismissed')",
        {"code": CODE},
    ).fetchall():
        if about not in books:
            end_cases(uow, [CODE], "", about, "hub", "the books agree")
