"""Draining a connection from its page: the question, and the deed."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.draining import drain_connection, progress
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub


class Draining(Page):
    """What a page of connections does to drain one."""

    @expose("/<connection>/drain", methods=("POST",))
    def drain(self, connection: str) -> ResponseReturnValue:
        """Finish what it has and begin nothing new."""
        who, here = actor(Permission.CONNECT), url_for(".one", connection=connection)
        if sure():
            with hub().unit_of_work() as uow:
                drain_connection(uow, connection, who, why())
            flash(f"{connection} drains: it finishes what it has. Its page says when it is empty.")
            return redirect(here, 303)
        with reading() as uow:
            found = progress(uow, connection)
        question = Question(
            title=f"Drain {connection}",
            sentences=(
                "It finishes what it has and begins nothing new. What comes waits and costs no attempt.",
                "Webhooks from it are kept and acknowledged, and looked into once you resume it.",
            ),
            facts=(("Deliveries to finish", f"{found.running + found.ready + found.later:,}"),),
            button=f"Drain {connection}",
            back=here,
            reason="Why? Somebody else will find it draining.",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)
