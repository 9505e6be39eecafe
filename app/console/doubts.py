"""In doubt: calls that may have had their effect; what was asked, what a look says, and a person's word on it."""

from __future__ import annotations

import json

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.deeds import Question, ask, sure, why
from app.console.deliveries import tries, word_of
from app.console.frame import reading
from app.console.sign_in import actor
from app.flows.doubting import dedupe_of, it_did_not_happen, it_happened, look_of, sent
from app.infra.connecting import all_connections
from app.infra.remote.spec import Dedupe
from app.infra.replay.doubts import doubts
from app.infra.replay.edits import payload_of
from app.infra.rows import AttemptRow
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub


class Doubts(Page):
    """Writes without an answer. Most settle by a look; what nobody can look up waits for a person."""

    @expose("/")
    def index(self) -> str:
        connection = request.args.get("connection", "").strip()
        with reading() as uow:
            found = doubts(uow, connection)
            rows = [(one, look_of(uow, one.step, one.connection)) for one in found]
            names = [row.name for row in all_connections(uow)]
        waiting = sum(1 for one, _ in rows if one.waits_for_a_person)
        return str(
            self.render(
                "console/doubts.html", rows=rows, needing=waiting, connection=connection, connections=names
            )
        )  # fmt: skip

    @expose("/<int:event_id>/<int:delivery_id>")
    def one(self, event_id: int, delivery_id: int) -> str:
        key = (event_id, delivery_id)
        asks = sent(hub(), key)
        with reading() as uow:
            row, fact = payload_of(uow, key)
            look, blind = look_of(uow, row.subscriber, row.connection), dedupe_of(uow, row) is Dedupe.NONE
            made = _attempts(uow, event_id, delivery_id)
        shown = asks if isinstance(asks, str) else json.dumps(asks, indent=2, ensure_ascii=False)
        return str(
            self.render(
                "console/doubt.html", row=row, fact=fact, look=look, blind=blind, asks=shown, tries=tries(made),
                word=word_of(row), title=f"Delivery {delivery_id} in doubt",
            )
        )  # fmt: skip

    @expose("/<int:event_id>/<int:delivery_id>/happened", methods=("POST",))
    def happened(self, event_id: int, delivery_id: int) -> ResponseReturnValue:
        """It had its effect, under a number."""
        who, number = actor(Permission.WORK), request.form.get("number", "")
        with hub().unit_of_work() as uow:
            it_happened(uow, (event_id, delivery_id), number, who, why())
        flash(f"Recorded as {number.strip()}, under your name. What waited behind it goes on.")
        return redirect(url_for(".index"), 303)

    @expose("/<int:event_id>/<int:delivery_id>/resend", methods=("POST",))
    def resend(self, event_id: int, delivery_id: int) -> ResponseReturnValue:
        """It had no effect: send it once more, after a second question."""
        who = actor(Permission.WORK)
        if sure():
            with hub().unit_of_work() as uow:
                it_did_not_happen(uow, (event_id, delivery_id), who, why())
            flash("It is sent once more, under your name.")
            return redirect(url_for(".index"), 303)
        question = Question(
            title="Send it once more",
            sentences=(
                "The other side cannot be asked, and its answer was lost.",
                "If it did happen after all, this makes a second document there: look before you press.",
            ),
            button="It did not happen: send it",
            back=url_for(".one", event_id=event_id, delivery_id=delivery_id),
            reason="Where did you look?",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)


def _attempts(uow: UnitOfWork, event_id: int, delivery_id: int) -> list[AttemptRow]:
    return list(uow.session.scalars(select(AttemptRow).filter_by(event_id=event_id, delivery=delivery_id)))
