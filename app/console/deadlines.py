"""Deadlines: what flows wait for, what nobody did in time, and how the rest ended; one is moved or called off here."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, literal, select, tuple_
from sqlalchemy.dialects.postgresql import UUID

from app.console.deeds import why
from app.console.frame import reading
from app.console.masking import masked_document
from app.console.sign_in import actor
from app.infra.acts import ActRow
from app.infra.deadlines import DeadlineRow, call_off, move
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.written import instant_of

VIEWS = (("waiting", "Waiting"), ("overdue", "Overdue"), ("missed", "Missed"), ("ended", "Ended"))
ENDED = ("met", "late", "called_off")


class Deadlines(Page):
    """What is to happen by a time, and the fact that is told unless it does."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("view", "name", "key", "after")}
        chosen["view"] = chosen["view"] if chosen["view"] in dict(VIEWS) else "waiting"
        with reading() as uow:
            rows = list(uow.session.scalars(_listed(chosen).limit(PAGE_ROWS + 1)))
            overdue = uow.session.scalar(select(DeadlineRow.id).where(_overdue()).limit(1)) is not None
        further = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            further = "?" + urlencode({**chosen, "after": f"{rows[-1].due_at.isoformat()},{rows[-1].id}"})
        return str(
            self.render(
                "console/deadlines.html", rows=rows, views=VIEWS, chosen=chosen, further=further, overdue=overdue,
                thing=thing,
            )
        )  # fmt: skip

    @expose("/<uuid:deadline_id>")
    def one(self, deadline_id: Any) -> str:
        with reading() as uow:
            row = _row(uow, str(deadline_id))
            kept = select(ActRow).filter_by(kind="deadline", key=row.id).order_by(ActRow.id.desc()).limit(50)
            acts = list(uow.session.scalars(kept))
        payload = json.dumps(masked_document(row.payload), indent=2, ensure_ascii=False)
        return str(
            self.render(
                "console/deadline.html", row=row, acts=acts, payload=payload, thing=thing,
                title=f"{row.name.capitalize()} of {row.key}",
            )
        )  # fmt: skip

    @expose("/<uuid:deadline_id>/move", methods=("POST",))
    def move(self, deadline_id: Any) -> ResponseReturnValue:
        """Another time, in UTC, under a name and with a reason."""
        who, to = actor(Permission.WORK), instant_of(request.form.get("to", ""), "to", "deadlines.past")
        with hub().unit_of_work() as uow:
            move(uow, str(deadline_id), to, who, why())
        flash("Moved, under your name.")
        return redirect(url_for(".one", deadline_id=deadline_id), 303)

    @expose("/<uuid:deadline_id>/call-off", methods=("POST",))
    def call_off(self, deadline_id: Any) -> ResponseReturnValue:
        """Nobody waits for it any more: nothing is told."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            call_off(uow, str(deadline_id), who, why())
        flash("Called off, under your name: nothing is told when its time comes.")
        return redirect(url_for(".one", deadline_id=deadline_id), 303)


def thing(row: DeadlineRow) -> Markup:
    """What it is about, as a link where there is a page of it."""
    domain, _, name = row.key.partition(":")
    if domain == "orders":
        address = url_for("orders.one", order_id=name)
        return Markup('<a class="mono" href="{}">{}</a>').format(address, row.key)
    return Markup('<span class="mono">{}</span>').format(row.key)


def _listed(chosen: dict[str, str]) -> Select[DeadlineRow]:
    """The rows of a view: what is waited for by its time, what ended the newest first."""
    view = chosen["view"]
    wanted: dict[str, ColumnElement[bool]] = {
        "waiting": and_(DeadlineRow.state == "waiting"),
        "overdue": _overdue(),
        "missed": and_(DeadlineRow.state == "missed"),
        "ended": DeadlineRow.state.in_(ENDED),
    }
    statement = select(DeadlineRow).where(wanted[view])
    if chosen["name"]:
        statement = statement.where(DeadlineRow.name == chosen["name"])
    if chosen["key"]:
        statement = statement.where(DeadlineRow.key == chosen["key"])
    place = tuple_(DeadlineRow.due_at, DeadlineRow.id)
    instant, _, number = chosen["after"].partition(",")
    if number:
        position = tuple_(instant_of(instant, "after", "deadlines.past"), literal(number, UUID(as_uuid=False)))
        statement = statement.where(place > position if view in ("waiting", "overdue") else place < position)
    down = view not in ("waiting", "overdue")
    order = (DeadlineRow.due_at.desc(), DeadlineRow.id.desc()) if down else (DeadlineRow.due_at, DeadlineRow.id)
    return statement.order_by(*order)


def _overdue() -> ColumnElement[bool]:
    """Still waited for after its time: no relay looked, or none that knows its fact."""
    return and_(DeadlineRow.state == "waiting", DeadlineRow.due_at <= SYSTEM_CLOCK.now())


def _row(uow: UnitOfWork, deadline_id: str) -> DeadlineRow:
    row = uow.session.get(DeadlineRow, deadline_id)
    if row is None:
        raise NotFound("deadlines.unknown", f"there is no deadline {deadline_id}", about=deadline_id)
    return row
