"""The story of one order: what was told, what the hub did about it in each system, and what comes next.

A step is one promise; its attempts are folded into it. The short story leaves out what went by itself inside the hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select

from app.console.blocked import ORDERS
from app.console.deliveries import Try, tries, word_of
from app.console.words import moment, money_words
from app.domains.orders.admin import OrderPage
from app.infra.rows import AttemptRow, DeliveryRow, EventRow
from app.infra.uow import UnitOfWork
from app.kernel.money import Money

MOST_EVENTS = 300  # an order that is told of more often is read from its newest
TITLES = {
    "intake.take_in": "Taken in",
    "intake.take_in_stock": "Taken in",
    "intake.fetch_order": "Read from the channel",
    "acceptance.resume": "Looked at again",
    "order_to_cash.post_to_erp": "Post to the ERP",
    "order_to_cash.tell_channel": "Tell the channel the ERP’s number",
    "order_changes.change_in_erp": "Change the ERP’s order",
    "order_changes.cancel_in_erp": "Cancel at the ERP",
    "overdue.ask_about_release": "Ask: nobody accepted it at the ERP",
    "overdue.ask_about_shipment": "Ask: it has not left in time",
    "overdue.wait_on": "Given more time",
    "payments.book_payment": "Book the payment",
    "shipments.read_progress": "Read what shipped and was invoiced",
    "shipments.ship_in_channel": "Tell the channel what shipped",
    "shipments.track_in_channel": "Give the channel the tracking",
    "shipments.undo_in_channel": "Take the shipment back at the channel",
}
WAITS = {
    "retry": "A passing fault: nobody needs to act.",
    "doubt": "No answer; it looks before it writes again.",
}
MOVES = {
    "hold": "Held",
    "accept": "Accepted: customer known, stock reserved",
    "post": "Posted",
    "ship_part": "Partly shipped",
    "ship": "Shipped",
    "undo_part": "A shipment was taken back",
    "undo": "The shipment was taken back",
    "cancel": "Cancelled by the channel",
    "finish_cancel": "Cancelled everywhere",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the story. `of` and `state` give its shape; `inside` steps are left out of the short story."""

    at: datetime
    title: str
    system: str
    of: str = "delivery"
    state: str = "done"
    note: str = ""
    links: Sequence[tuple[str, str]] = ()
    tries: Sequence[Try] = ()
    lasting: float | None = None
    inside: bool = False

    @property
    def key(self) -> bool:
        """Whether somebody should look at it."""
        return self.state in ("parked", "rejected", "bug", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What the hub keeps of an order's work: its events, their deliveries and attempts."""

    events: Sequence[EventRow]
    deliveries: Sequence[DeliveryRow]
    attempts: dict[int, list[AttemptRow]] = field(default_factory=dict)


def keys_of(page: OrderPage) -> list[str]:
    """Under which keys things are told about an order: its own, its stock's, and what each system calls it."""
    heard = [f"hub:{page.row.channel}:order:{page.row.external_id}"]
    heard += [f"hub:{document.erp}:erp_order:{document.number}" for document in page.documents]
    return [f"{ORDERS}{page.row.id}", f"inventory:{page.row.id}", *heard]


def trail_of(uow: UnitOfWork, page: OrderPage) -> Trail:
    """Everything under the order's correlation id, and everything about the thing itself, in three statements."""
    about: ColumnElement[bool] = EventRow.key.in_(keys_of(page))
    if page.row.correlation_id:
        about = or_(about, EventRow.correlation_id == page.row.correlation_id)
    events = list(uow.session.scalars(select(EventRow).where(about).order_by(EventRow.id.desc()).limit(MOST_EVENTS)))
    ids = [event.id for event in events]
    deliveries = list(
        uow.session.scalars(select(DeliveryRow).where(DeliveryRow.event_id.in_(ids)).order_by(DeliveryRow.id))
    )
    attempts: dict[int, list[AttemptRow]] = {}
    for row in uow.session.scalars(select(AttemptRow).where(AttemptRow.event_id.in_(ids)).order_by(AttemptRow.n)):
        attempts.setdefault(row.delivery, []).append(row)
    return Trail(events=events[::-1], deliveries=deliveries, attempts=attempts)


def story(page: OrderPage, trail: Trail, names: dict[str, str]) -> list[Step]:
    """Every step that happened, in order. `names` are the connections' titles."""
    steps = [
        *_versions(page, names),
        *_overtaken(page, names),
        *_moves(page),
        *_deliveries(trail, names),
        *_shipments(page, names),
        *_invoices(page, names),
        *_findings(page),
    ]
    return sorted(steps, key=lambda step: step.at)


def _findings(page: OrderPage) -> Iterable[Step]:
    for found in page.findings:
        yield Step(at=found.found_at, title="Found", system="Hub", note=found.said or found.code)


def _versions(page: OrderPage, names: dict[str, str]) -> Iterable[Step]:
    channel = names.get(page.row.channel, page.row.channel)
    for version in page.versions:
        first = version.n == 1
        link = (f"canonical, version {version.n}", f"?version={version.n}#payload")
        raw = [("raw", f"/admin/notices/{version.notice_id}")] if version.notice_id else []
        source = "read from the channel" if version.source == "fetch" else f"told by {version.source}"
        yield Step(
            at=version.kept_at,
            title="Placed by the customer" if first else f"Version {version.n}",
            system=channel,
            note=f"{source[:1].upper()}{source[1:]}; the lines, taxes and discounts are kept as",
            links=(link, *raw),
            lasting=(page.row.captured_at - page.row.received_at).total_seconds() if first else None,
        )


def _overtaken(page: OrderPage, names: dict[str, str]) -> Iterable[Step]:
    """What came after a newer version: it changed nothing, and here is why."""
    for late in page.overtaken:
        yield Step(
            at=late.at,
            title=f"An older version came late, of {moment(late.source_version)}",
            system=names.get(page.row.channel, page.row.channel),
            state="superseded",
            note=f"Told by {late.source}; version {late.overtaken_by} of {moment(late.newer_version)} was here before.",
            links=(("raw", f"/admin/notices/{late.notice_id}"),) if late.notice_id else (),
        )


def _moves(page: OrderPage) -> Iterable[Step]:
    for move in page.moves:
        yield Step(
            at=move.at,
            title=MOVES.get(move.trigger, move.trigger.replace("_", " ").capitalize()),
            system="Hub",
            of="order" if move.after == "held" else "delivery",
            state="held" if move.after == "held" else "done",
            note=_because(page, move.trigger, move.why),
            inside=move.trigger in ("post", "ship", "ship_part"),  # their own steps say it better
        )


def _because(page: OrderPage, trigger: str, why: str) -> str:
    if trigger == "hold":
        return "; ".join(f"{hold.kind}: {hold.reason}" for hold in page.holds) or why
    return why


def _deliveries(trail: Trail, names: dict[str, str]) -> Iterable[Step]:
    told = {event.id: event for event in trail.events}
    for row in trail.deliveries:
        state, made = word_of(row), tries(trail.attempts.get(row.id, []))
        began = min((attempt.started_at for attempt in trail.attempts.get(row.id, [])), default=None)
        ended = row.done_at
        yield Step(
            at=began or ended or told[row.event_id].at,
            title=TITLES.get(row.subscriber, row.subscriber.replace(".", ": ").replace("_", " ")),
            system=names.get(row.connection, row.connection) if row.connection not in ("", "-") else "Hub",
            state=state,
            note=_said(row, state, made),
            links=(("delivery", f"/admin/deliveries/{row.event_id}/{row.id}"),),
            tries=made if len(made) > 1 or state not in ("done", "superseded") else (),
            lasting=(ended - began).total_seconds() if began and ended else None,
            inside=not row.connection and state in ("done", "due", "running"),
        )


def _said(row: DeliveryRow, state: str, made: Sequence[Try]) -> str:
    if state == "superseded" and row.overtaken_by is not None:
        return f"Not sent: delivery {row.overtaken_by} is newer and went instead."
    if state == "superseded":
        return f"Not needed: {(row.code or '').partition('.')[2].replace('_', ' ') or 'a newer one went instead'}."
    if state in ("parked", "rejected", "bug"):
        return f"Stands after {len(made)} {'attempt' if len(made) == 1 else 'attempts'}, with its case."
    if row.connection == "-":
        return "No connection plays the role that it needs."
    return {
        "retry": "A passing fault: nobody needs to act.",
        "doubt": "No answer; it looks before it writes again.",
    }.get(state, "")


def _shipments(page: OrderPage, names: dict[str, str]) -> Iterable[Step]:
    for parcel in page.parcels:
        count = sum(int(line.quantity) for line in parcel.lines)
        tracking = ", ".join(f"{p.carrier} {p.tracking_number}".strip() for p in parcel.packages)
        undone = parcel.row.state == "undone"
        yield Step(
            at=parcel.row.recorded_at,
            title=f"Shipment {parcel.row.number} taken back" if undone else f"Shipment {parcel.row.number}",
            system=names.get(parcel.row.erp, parcel.row.erp),
            state="dismissed" if undone else "done",
            note=f"{count} {'unit' if count == 1 else 'units'}. {tracking or 'No tracking yet'}.",
            links=(("raw", f"/admin/notices/{parcel.row.notice_id}"),) if parcel.row.notice_id else (),
        )


def _invoices(page: OrderPage, names: dict[str, str]) -> Iterable[Step]:
    for invoice in page.invoices:
        yield Step(
            at=invoice.recorded_at,
            title=f"Invoice {invoice.number}",
            system=names.get(invoice.erp, invoice.erp),
            note=f"{money_words(Money(invoice.total_minor, invoice.currency))}.",
            links=(("raw", f"/admin/notices/{invoice.notice_id}"),) if invoice.notice_id else (),
        )
