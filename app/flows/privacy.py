"""Privacy: what a channel or the merchant asks for a person is answered, with a file or with an erasure and its proof.

A request becomes a run that goes page by page: who it is, her orders, her accounts, then the net under it all. An
erasure waits while an order of hers is open. Five days before the day it is due somebody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.domains.customers import service as customers
from app.domains.customers.canonical import Ask, PrivacyAsked
from app.domains.customers.events import ExportExpired, PrivacyAnswered, PrivacyOverdue, PrivacyRequested
from app.domains.customers.service import Subject, Wanted
from app.domains.orders.service import erasing as orders
from app.flows import personal
from app.flows.hearing import Heard
from app.flows.running import inside_run
from app.flows.runtime import Told, step
from app.infra.cases import end_for, open_case
from app.infra.deadlines import expect, expectation
from app.infra.erasing.sweep import sweep
from app.infra.erasing.terms import Terms
from app.infra.runs.work import Page, Run, resume_run, start_run, stop_run
from app.infra.uow import UnitOfWork

RUN = "privacy"
AT_ONCE = 50  # orders of one page, with all that was ever told of them
SEARCHED = 500  # orders without an account of one page
LOOK_AGAIN_SECONDS = 6 * 3600.0  # an order closes some time; the answer has days
WARN_DAYS = 5  # enough for a person to act before the deadline
ANSWERED = (PrivacyAnswered,)
OVERDUE = expectation(RUN, "answered", otherwise=PrivacyOverdue, unless=ANSWERED, case="customers.privacy_overdue")
# A file goes after its time however its request ended: nothing is told that would end this waiting.
EXPIRES = expectation(RUN, "file kept", otherwise=ExportExpired, unless=())


def take(uow: UnitOfWork, heard: Heard, asked: PrivacyAsked) -> None:
    """A channel passed a request on: it is kept with its deadline, and begins."""
    subject = Subject(
        external_id=asked.external_id, email=asked.email, phone=asked.phone, order_numbers=asked.orders
    )  # fmt: skip
    wanted = Wanted(
        ask=asked.ask, key=f"notice {heard.notice.notice_id}", subject=subject, source="channel",
        asked_by=heard.connection.name, connection=heard.connection.name, notice_id=heard.notice.notice_id,
        asked_at=heard.notice.received_at,
    )  # fmt: skip
    customers.open_request(uow, wanted, heard.told.trail)


def begin(uow: UnitOfWork, told: Told[PrivacyRequested]) -> None:
    """Start the run that answers a request, and wait for its end."""
    row = customers.request_of(uow, told.fact.request_id, lock=True)
    if row.run_id is not None:
        return
    title = {Ask.EXPORT: "Personal data of a customer", Ask.ERASE: "Erasure of a customer"}
    run_id = start_run(
        uow, RUN, {"request_id": row.id}, who=row.asked_by, why=row.why,
        title=title.get(Ask(row.kind), "Erasure of a shop's customers"),
    )  # fmt: skip
    customers.begin_run(uow, row.id, run_id)
    expect(uow, OVERDUE, PrivacyOverdue(request_id=row.id), by=row.due_at - timedelta(days=WARN_DAYS))


step("privacy.begin", on=PrivacyRequested, queue="bulk", do=begin)


def warn(uow: UnitOfWork, told: Told[PrivacyOverdue]) -> None:
    """Ask a person for what the hub could not finish."""
    row = customers.request_of(uow, told.fact.request_id)
    if row.ended_at is not None:
        return
    open_case(
        uow, code="customers.privacy_overdue", connection=row.connection, about=row.id, key=told.fact.lane_key,
        title=f"A privacy request is to be answered by {row.due_at:%Y-%m-%d}, and is still {row.state}",
        said=row.said, facts={"request_id": row.id, "kind": row.kind, "due_at": row.due_at},
    )  # fmt: skip


step("privacy.warn", on=PrivacyOverdue, queue="bulk", do=warn)


def discard(uow: UnitOfWork, told: Told[ExportExpired]) -> None:
    """Delete a file whose time is over; a request that nobody answered by it is open again."""
    customers.discard_export(uow, told.fact.request_id)


step("privacy.discard", on=ExportExpired, queue="bulk", do=discard)


def hand_over(uow: UnitOfWork, request_id: str, who: str, why: str) -> None:
    """A person gave the file to whom it is about: the request is answered, and the file deleted."""
    row = customers.answer_request(uow, request_id, who, {}, why)
    customers.discard_export(uow, row.id)
    end_for(uow, "customers.export_ready", f"customers:{row.id}", "it was handed over")


def erase_now(uow: UnitOfWork, request_id: str, who: str, why: str) -> None:
    """Erase in spite of open orders: what is still to be posted of them lacks its person."""
    row = customers.insist(uow, request_id, who, why)
    if row.run_id is not None:
        stop_run(uow, row.run_id, who, why)
        resume_run(uow, row.run_id, who, why)


def withdraw(uow: UnitOfWork, request_id: str, who: str, why: str) -> None:
    """Nobody wants it any more."""
    customers.withdraw_request(uow, request_id, who, why)
    customers.discard_export(uow, request_id)
    for code in ("customers.export_ready", "customers.privacy_overdue"):
        end_for(uow, code, f"customers:{request_id}", "the request was withdrawn")


# The run. Its checkpoint holds the stage and a position, never a name.


def page(uow: UnitOfWork, run: Run) -> Page:
    """One page of an answer: the stage that the checkpoint names."""
    row = customers.request_of(uow, str(run.spec["request_id"]), lock=True)
    if row.state not in ("open", "waiting"):
        return Page(checkpoint=run.checkpoint, finished=True, said=row.state)
    stage = str(run.checkpoint.get("stage", "search"))
    return STAGES[stage](uow, run, row)


inside_run(RUN, title="Privacy request", page=page)


def _search(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """The next orders without an account, held ones and history, which tell by themselves whether they are hers."""
    if row.kind == Ask.ERASE_SHOP:
        return _gather(uow, run, row)
    after = str(run.checkpoint.get("after", ""))
    subject, after = personal.search(uow, customers.subject_of(uow, row), row.connection, after, SEARCHED)
    customers.keep_subject(uow, row, subject)
    return Page(checkpoint={"stage": "search", "after": after} if after else {"stage": "gather"})


def _gather(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """Who it is: accounts, orders and the words that tell her. An erasure waits here for what is open."""
    if row.kind == Ask.ERASE_SHOP:
        return _wait(row, orders.open_at(uow, row.connection), "shop")
    found = personal.gather(uow, customers.subject_of(uow, row), row.connection)
    customers.keep_subject(uow, row, found.subject)
    if row.kind == Ask.EXPORT:
        return _export(uow, row, found)
    return _wait(row, sum(order.open for order in found.orders), "orders", total=len(found.orders))


def _wait(row: Any, still: int, stage: str, total: int | None = None) -> Page:
    if still and not row.proof.get("regardless_of_open_orders"):
        said = f"waits for {still} open order{'s' * (still > 1)} to be shipped or cancelled"
        customers.note_waiting(row, said)
        return Page(checkpoint={}, wait=LOOK_AGAIN_SECONDS, said=said, total=total)
    customers.note_waiting(row, "")
    return Page(checkpoint={"stage": stage}, total=total)


def _export(uow: UnitOfWork, row: Any, found: personal.Found) -> Page:
    kept = customers.keep_export(uow, row, personal.told(uow, found, row))
    expect(uow, EXPIRES, ExportExpired(request_id=row.id), by=kept.until)
    open_case(
        uow, code="customers.export_ready", connection=row.connection, about=row.id, key=f"customers:{row.id}",
        title=f"A customer asked for a copy of their data: hand the file over by {row.due_at:%Y-%m-%d}",
        facts={"request_id": row.id, "due_at": row.due_at, "file_until": kept.until},
    )  # fmt: skip
    count = len(found.orders)
    return Page(checkpoint={"stage": "ready"}, done=count, total=count, finished=True, said="the file is ready")


def _orders(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """The next page of her orders, with what was told of them."""
    subject, done = customers.subject_of(uow, row), int(run.checkpoint.get("done", 0))
    ids = subject.order_ids[done : done + AT_ONCE]
    if not ids:
        return Page(checkpoint={"stage": "accounts"})
    counts = personal.erase_orders(uow, ids, Terms.from_json(subject.terms), row.id[-12:])
    return Page(checkpoint={"stage": "orders", "done": done + len(ids)}, done=len(ids), counts=counts)


def _accounts(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """Her accounts. One that others know too stays, and forgets what this channel called her."""
    subject = customers.subject_of(uow, row)
    fresh = personal.gather(uow, subject, row.connection)
    if {order.order_id for order in fresh.orders} - set(subject.order_ids):
        return Page(checkpoint={})  # she ordered meanwhile
    counts = personal.erase_accounts(uow, fresh, row)
    if fresh.shared:
        return _end(uow, row, run, counts)
    return Page(checkpoint={"stage": "sweep"}, counts=counts)


def _sweep(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """The next stretch of the tables that write things down; what still waits for somebody is looked at again."""
    terms = Terms.from_json(customers.subject_of(uow, row).terms)
    left = int(run.checkpoint.get("left", 0))
    table, block = str(run.checkpoint.get("table", "")), int(run.checkpoint.get("block", 0))
    swept = sweep(uow, terms, row.id[-12:], table, block) if terms else None
    if swept is None:
        return _end(uow, row, run, {})
    counts = {"swept_rows": swept.rows, "swept_tables": swept.tables, "messages": swept.messages}
    left += swept.left
    if swept.table:
        place = {"stage": "sweep", "table": swept.table, "block": swept.block, "left": left}
        return Page(checkpoint=place, counts=counts)
    if left:
        said = f"waits for {left} message{'s' * (left > 1)} that nobody has acted on yet: see Dead letters"
        customers.note_waiting(row, said)
        return Page(checkpoint={}, counts=counts, wait=LOOK_AGAIN_SECONDS, said=said)
    return _end(uow, row, run, counts)


def _shop(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """The next page of all orders of a channel."""
    found = orders.orders_at(uow, row.connection, str(run.checkpoint.get("after", "")), AT_ONCE)
    if not found:
        return Page(checkpoint={"stage": "shop_accounts"})
    counts = personal.erase_shop_orders(uow, found, row.connection, row.id[-12:])
    return Page(checkpoint={"stage": "shop", "after": found[-1].order_id}, done=len(found), counts=counts)


def _shop_accounts(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """The next accounts that only the channel's own customer ids were left to tell of."""
    counts = personal.erase_shop_accounts(uow, row.connection, AT_ONCE)
    if counts is None:
        return Page(checkpoint={"stage": "shop_messages"})
    return Page(checkpoint={"stage": "shop_accounts"}, counts=counts)


def _shop_messages(uow: UnitOfWork, run: Run, row: Any) -> Page:
    """The next stretch of what the channel ever sent."""
    after, blanked = personal.erase_shop_messages(uow, row.connection, int(run.checkpoint.get("after", 0)))
    counts = {"messages": blanked}
    if after is None:
        return _end(uow, row, run, counts)
    return Page(checkpoint={"stage": "shop_messages", "after": after}, counts=counts)


def _end(uow: UnitOfWork, row: Any, run: Run, counts: Mapping[str, int]) -> Page:
    """Keep the proof: how much of what was erased. It names nobody."""
    personal.forget_asking(uow, row)
    whole = personal.counted(uow, run.id, counts)
    customers.answer_request(uow, row.id, "hub", {"erased": whole})
    end_for(uow, "customers.privacy_overdue", f"customers:{row.id}", "it was answered")
    return Page(checkpoint={"stage": "ended"}, counts=counts, finished=True, said="erased")


STAGES: dict[str, Callable[[UnitOfWork, Run, Any], Page]] = {
    "search": _search, "gather": _gather, "orders": _orders, "accounts": _accounts, "sweep": _sweep, "shop": _shop,
    "shop_accounts": _shop_accounts, "shop_messages": _shop_messages,
}  # fmt: skip


def ask_for(uow: UnitOfWork, ask: Ask, subject: Subject, who: str, why: str, *, source: str, key: str = "") -> str:
    """The merchant asks for a person by itself, whatever channel she came from; returns the request's id."""
    wanted = Wanted(
        ask=ask, key=key or f"{source} {uow.trail.correlation_id}", subject=replace(subject, everywhere=True),
        asked_by=who, source=source, why=why,
    )  # fmt: skip
    return customers.open_request(uow, wanted)
