"""Where one order is on the line: what is done, where it stands, what is to come. And its work as a waterfall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.console.story import TITLES, Trail
from app.console.words import delivery_state, lasting, moment
from app.domains.orders.admin import OrderPage
from app.domains.orders.lifecycle import State

MOST_SPANS = 16
ENDED = (State.CANCELLING, State.CANCELLED)
GONE_OUT = (State.SHIPPED, State.PARTLY_SHIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A station of one order's trip. `tone` is empty for what is done."""

    name: str
    shape: str
    said: str
    tone: str = ""
    todo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One piece of work in the waterfall, in seconds from the order's first word."""

    name: str
    start: float
    length: float
    tone: str
    said: str
    depth: int = 0


def trip(page: OrderPage, troubled: str) -> list[Place]:
    """The stations of an order. `troubled` is the state of the delivery it stands at, or empty."""
    state = State(page.row.state)
    accepted = next((move.at for move in page.moves if move.after == "accepted"), None)
    posted = min((document.posted_at for document in page.documents), default=None)
    shipped = max((parcel.row.recorded_at for parcel in page.parcels if parcel.row.state != "undone"), default=None)
    invoiced = max((invoice.recorded_at for invoice in page.invoices), default=None)
    if state is State.HISTORICAL:
        return [_done("Captured", page.row.captured_at), Place(name="History, not posted", shape="over", said="")]
    if state in ENDED:
        done = [_done("Captured", page.row.captured_at)]
        done += [_done("Posted to ERP", posted)] if posted else []
        last = next((move.at for move in reversed(page.moves) if move.after in ("cancelled", "cancelling")), None)
        running = state is State.CANCELLING
        end = Place(
            name="Being cancelled" if running else "Cancelled",
            shape="run" if running else "dismiss",
            said=moment(last),
            tone="is-run" if running else "",
        )
        return [*done, end]
    places = [_done("Captured", page.row.captured_at)]
    places.append(_station("Accepted", accepted, here=state in (State.CAPTURED, State.HELD), troubled=_held(page)))
    places.append(_station("Posted to ERP", posted, here=state is State.ACCEPTED, troubled=troubled))
    partly = state is State.PARTLY_SHIPPED
    places.append(
        Place(name="Partly shipped", shape="run", said=moment(shipped), tone="is-run")
        if partly
        else _station("Shipped", shipped if state in GONE_OUT else None, here=False, troubled="")
    )
    places.append(_station("Invoiced", invoiced, here=False, troubled=""))
    return places


def spans(page: OrderPage, trail: Trail) -> tuple[list[Span], float]:
    """The order's work against the clock, and how long the whole took."""
    began = page.row.received_at
    found = [Span(name="captured", start=0, length=_seconds(began, page.row.captured_at), tone="f-ink", said="")]
    for row in trail.deliveries:
        made = trail.attempts.get(row.id, [])
        for attempt in made:
            end = attempt.ended_at or attempt.started_at
            length = _seconds(attempt.started_at, end)
            good = attempt.outcome in ("done", "superseded")
            word = delivery_state(row.state, code=row.code, in_doubt=row.in_doubt, attempt=row.attempt)
            bad = attempt.n == len(made) and word in ("parked", "rejected", "bug")
            title = TITLES.get(row.subscriber, row.subscriber)
            found.append(
                Span(
                    name=title if attempt.n == 1 else f"{title}, {attempt.n}",
                    start=_seconds(began, attempt.started_at),
                    length=length,
                    tone="f-bad" if bad else "f-ink" if good else "f-wait",
                    said=attempt.outcome if not good else lasting(length),
                    depth=1 if attempt.n > 1 else 0,
                )
            )
    first = sorted(found, key=lambda span: span.start)[:MOST_SPANS]
    return first, max((span.start + span.length for span in first), default=0.0) or 1.0


def _held(page: OrderPage) -> str:
    return "parked" if any(hold.released_at is None for hold in page.holds) else ""


def _done(name: str, at: datetime | None) -> Place:
    return Place(name=name, shape="done", said=moment(at))


def _station(name: str, at: datetime | None, *, here: bool, troubled: str) -> Place:
    if at is not None:
        return _done(name, at)
    if here and troubled:
        bad = troubled in ("rejected", "bug")
        return Place(
            name=name, shape="reject" if bad else "park", said="needs a person", tone="is-bad" if bad else "is-wait"
        )
    if here:
        return Place(name=name, shape="run", said="now", tone="is-run")
    return Place(name=name, shape="due", said="to come", todo=True)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def troubles(trail: Trail) -> Sequence[str]:
    """The states in which deliveries of this order stand, worst first."""
    found = {delivery_state(r.state, code=r.code, in_doubt=r.in_doubt, attempt=r.attempt) for r in trail.deliveries}
    return [state for state in ("bug", "rejected", "parked") if state in found]
