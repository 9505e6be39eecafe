"""All work: what is due, running, waiting, parked or rejected, and every attempt at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from flask_admin import expose
from sqlalchemy import select

from app.console.frame import reading
from app.console.masking import masked_document
from app.console.words import delivery_state
from app.infra.cases import CaseItem, ExceptionCase
from app.infra.rows import OPEN, AttemptRow, DeliveryRow, EventRow
from app.infra.uow import UnitOfWork
from app.infra.views import ReadOnly
from app.infra.whereabouts import not_here
from app.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt, as pages list it."""

    n: int
    outcome: str
    code: str
    said: str
    lasting: float | None


def tries(rows: list[AttemptRow]) -> list[Try]:
    """Attempts in the order in which they were made."""
    return [
        Try(
            n=row.n, outcome=row.outcome, code=row.code, said=row.said,
            lasting=(row.ended_at - row.started_at).total_seconds() if row.ended_at else None,
        )
        for row in sorted(rows, key=lambda row: row.n)
    ]  # fmt: skip


def word_of(row: DeliveryRow) -> str:
    """The console's name for a delivery's state."""
    return delivery_state(row.state, code=row.code, in_doubt=row.in_doubt, attempt=row.attempt)


class Deliveries(ReadOnly):
    """All work that is due, running, parked or rejected, and what to do about it."""

    can_view_details = False
    list_template = "console/deliveries.html"
    cursor = ("event_id", "id")
    narrow: ClassVar[dict[str, str]] = {
        "state": "state",
        "subscriber": "subscriber",
        "connection": "connection",
        "code": "code",
    }

    def render(self, template: str, **given: Any) -> str:
        return super().render(template, word_of=word_of, **given)

    @expose("/<int:event_id>/<int:delivery_id>")
    def one(self, event_id: int, delivery_id: int) -> str:
        with reading() as uow:
            row = _delivery(uow, event_id, delivery_id)
            fact = uow.session.get(EventRow, event_id)
            made = list(uow.session.scalars(select(AttemptRow).filter_by(event_id=event_id, delivery=delivery_id)))
            siblings = list(uow.session.scalars(select(DeliveryRow).filter_by(event_id=event_id)))
            ahead = _ahead(uow, row)
            instead = _instead(uow, row, fact)
            cases = list(
                uow.session.scalars(
                    select(ExceptionCase)
                    .join(CaseItem, CaseItem.case_id == ExceptionCase.id)
                    .where(CaseItem.delivery == delivery_id)
                )
            )
        payload = json.dumps(masked_document(fact.payload), indent=2, ensure_ascii=False) if fact else ""
        return self.render(
            "console/delivery.html", row=row, fact=fact, tries=tries(made), ahead=ahead, instead=instead, cases=cases,
            payload=payload, siblings=[one for one in siblings if one.id != row.id], title=f"Delivery {delivery_id}",
        )  # fmt: skip


def _delivery(uow: UnitOfWork, event_id: int, delivery_id: int) -> DeliveryRow:
    row = uow.session.scalar(select(DeliveryRow).filter_by(event_id=event_id, id=delivery_id))
    if row is None:
        unknown = NotFound("deliveries.unknown", f"there is no delivery {event_id}.{delivery_id}")
        raise not_here(uow, "delivery", delivery_id, unknown)
    return row


def _instead(uow: UnitOfWork, row: DeliveryRow, fact: EventRow | None) -> DeliveryRow | None:
    """The newer delivery of the same thing that was sent in its place."""
    if row.overtaken_by is None or fact is None:
        return None
    events = select(EventRow.id).where(EventRow.key == fact.key)
    newer = select(DeliveryRow).where(DeliveryRow.event_id.in_(events), DeliveryRow.id == row.overtaken_by)
    return uow.session.scalars(newer).one_or_none()


def _ahead(uow: UnitOfWork, row: DeliveryRow) -> DeliveryRow | None:
    """The open delivery that this one waits for in its lane."""
    if row.lane is None or row.state not in OPEN:
        return None
    first = (
        select(DeliveryRow)
        .where(DeliveryRow.lane == row.lane, DeliveryRow.state.in_(OPEN), DeliveryRow.id < row.id)
        .order_by(DeliveryRow.id)
        .limit(1)
    )
    return uow.session.scalar(first)
