"""Shadow: what would have been sent beside what was, fact by fact, field by field."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.connecting import all_connections
from app.infra.shadow import ALONE, DIFFERENT, EQUAL, MISSING, MOST, pairs, switch
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound

DAYS = (1, 7, 30, 90)
SHOWN = 100
VERDICTS = (DIFFERENT, MISSING, EQUAL, ALONE)


class ShadowPages(Page):
    """What would have been sent, beside what was."""

    @expose("/")
    def index(self) -> str:
        connection, verdict = request.args.get("connection", ""), request.args.get("verdict", "")
        days = request.args.get("days", "7")
        span = int(days) if days.isdecimal() and int(days) in DAYS else 7
        with reading() as uow:
            found = pairs(uow, connection, SYSTEM_CLOCK.now() - timedelta(days=span))
            rows = all_connections(uow)
        counts = Counter(pair.verdict for pair in found)
        shown = [pair for pair in found if verdict in ("", pair.verdict)][:SHOWN]
        return str(
            self.render(
                "console/shadows.html", pairs=shown, counts=counts, verdicts=VERDICTS, chosen=verdict, days=span,
                every=DAYS, connection=connection, connections=rows, most=MOST, total=len(found),
            )
        )  # fmt: skip

    @expose("/<int:event_id>/<subscriber>")
    def one(self, event_id: int, subscriber: str) -> str:
        with reading() as uow:
            since = SYSTEM_CLOCK.now() - timedelta(days=3650)
            found = pairs(uow, "", since, event_id=event_id, subscriber=subscriber, most=1)
        if not found:
            raise NotFound("shadow.unknown", f"nothing was tried for event {event_id} at {subscriber}")
        pair = found[0]
        return str(self.render("console/shadow.html", pair=pair, laid_out=laid_out, title="Shadow"))

    @expose("/switch", methods=("POST",))
    def switch(self) -> ResponseReturnValue:
        """Make a connection a shadow, or end that."""
        who = actor(Permission.CONNECT)
        name, on = request.form.get("connection", ""), request.form.get("on") == "yes"
        if sure():
            with hub().unit_of_work() as uow:
                switch(uow, name, who, why(), on=on)
            flash(f"{name} {'is a shadow: no write leaves' if on else 'sends again'}.")
            return redirect(url_for(".index"), 303)
        sentences = (
            ("No write leaves any more; what it would be is kept, masked, and shown here.", "Reads go out as always.")
            if on
            else ("It sends again what comes from now on.", "What it was given as a shadow is never sent.")
        )
        question = Question(
            title=f"Make {name} a shadow" if on else f"Let {name} send again",
            sentences=sentences,
            button="Make it a shadow" if on else "Let it send",
            back=url_for(".index"),
            given=(("connection", name), ("on", "yes" if on else "no")),
            reason="Why? Somebody else will wonder.",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)


def laid_out(body: object) -> str:
    """A kept body for reading; it was masked before it was kept."""
    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
