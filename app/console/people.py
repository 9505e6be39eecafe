"""People and keys: who may come in, and what they may do. For administrators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.acts import record_act
from app.infra.connecting import all_connections
from app.infra.people import PersonRow, create_person, end_sessions, everybody, reset_password, turn_off, turn_on
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.auth import ApiKeyRow, create_key, revoke_key
from app.infra.web.scopes import SCOPES, Permission, Role
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid

# Deed → what does it, and the words of its question, its button and the audit.
DEEDS: dict[str, tuple[Callable[[UnitOfWork, str], str], str, str, str, str]] = {
    "sign_out": (end_sessions, "Sign out everywhere:", "Every session of this person ends at once.",
                 "Sign out everywhere", "signed a person out"),
    "off": (turn_off, "Turn off:", "This person comes in no more, from the next click on. What it did stays.",
            "Turn the person off", "turned a person off"),
    "on": (turn_on, "Turn on:", "This person comes in again, with the password it had.", "Turn the person on",
           "turned a person on"),
}  # fmt: skip


def person_state(person: PersonRow) -> str:
    locked = person.failures >= 5 and person.locked_until is not None and person.locked_until > SYSTEM_CLOCK.now()
    return "off" if not person.active else "locked" if locked else "on"


def key_state(key: ApiKeyRow) -> str:
    expired = key.expires_at is not None and key.expires_at <= SYSTEM_CLOCK.now()
    return "revoked" if key.revoked_at else "expired" if expired else "on"


class People(Page):
    """Who may come in."""

    permission = Permission.PEOPLE

    @expose("/")
    def index(self) -> str:
        return self._page()

    @expose("/add", methods=("POST",))
    def add(self) -> ResponseReturnValue:
        """Add a person; the password is shown once, on the page that answers."""
        who = actor(Permission.PEOPLE)
        email, role = request.form.get("email", ""), request.form.get("role", "")
        with hub().unit_of_work() as uow:
            person_id, password = create_person(uow, email=email, role=role, name=request.form.get("name", ""))
            record_act(uow, who, "added a person", kind="person", key=person_id, facts={"role": role})
        return self._page(("Password of " + email.strip().lower(), password))

    @expose("/reset", methods=("POST",))
    def reset(self) -> ResponseReturnValue:
        """Give a person a new password and end all its sessions."""
        who, email = actor(Permission.PEOPLE), request.form.get("email", "")
        if not sure():
            question = Question(
                title=f"Give {email} a new password",
                sentences=("The old one ends at once, and so does every session.", "The new one is shown once."),
                button="Make a new password",
                back=url_for("people.index"),
                given=(("email", email),),
                reason="Why (optional)",
            )
            return ask(self, question)
        with hub().unit_of_work() as uow:
            password = reset_password(uow, email)
            record_act(uow, who, "reset a password", kind="person", key=email, why=why())
        return self._page(("New password of " + email, password))

    @expose("/state", methods=("POST",))
    def set_state(self) -> ResponseReturnValue:
        """Sign a person out everywhere, let it in no more, or let it in again."""
        who, email, deed = actor(Permission.PEOPLE), request.form.get("email", ""), request.form.get("deed", "")
        if deed not in DEEDS:
            raise Invalid("console.nothing_chosen", f"choose one of {', '.join(DEEDS)}", about="deed")
        change, title, sentence, button, did = DEEDS[deed]
        if not sure():
            question = Question(
                title=f"{title} {email}", sentences=(sentence,), button=button, back=url_for("people.index"),
                given=(("email", email), ("deed", deed)), reason="Why?", reason_needed=deed == "off",
                danger=deed == "off",
            )  # fmt: skip
            return ask(self, question)
        with hub().unit_of_work() as uow:
            record_act(uow, who, did, kind="person", key=change(uow, email), why=why())
        flash(f"Done: {did}.")
        return redirect(url_for("people.index"), 303)

    @expose("/keys", methods=("POST",))
    def make_key(self) -> ResponseReturnValue:
        """Make an API key; it is shown once."""
        who = actor(Permission.PEOPLE)
        days, name = request.form.get("days", ""), request.form.get("name", "")
        scopes, connection = request.form.getlist("scope"), request.form.get("connection", "")
        with hub().unit_of_work() as uow:
            prefix, token = create_key(uow, name=name, scopes=scopes, connection=connection, expires_at=_expiry(days))
            record_act(uow, who, "made an API key", kind="key", key=prefix, facts={"name": name, "scopes": scopes})
        return self._page((f"API key “{name}”", token))

    @expose("/keys/revoke", methods=("POST",))
    def revoke(self) -> ResponseReturnValue:
        """End a key at once."""
        who, prefix = actor(Permission.PEOPLE), request.form.get("prefix", "")
        if not sure():
            question = Question(
                title=f"Revoke the key {prefix}",
                sentences=("Whoever uses it is refused from the next call on. This cannot be undone.",),
                button="Revoke the key",
                back=url_for("people.index"),
                given=(("prefix", prefix),),
                reason="Why?",
                reason_needed=True,
                danger=True,
            )
            return ask(self, question)
        with hub().unit_of_work() as uow:
            revoke_key(uow, prefix)
            record_act(uow, who, "revoked an API key", kind="key", key=prefix, why=why())
        flash(f"The key {prefix} is revoked.")
        return redirect(url_for("people.index"), 303)

    def _page(self, shown: tuple[str, str] | None = None) -> str:
        with reading() as uow:
            people = everybody(uow.session)
            keys = list(uow.session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc()).limit(200)))
            names = [row.name for row in all_connections(uow)]
        return str(
            self.render(
                "console/people.html", people=people, keys=keys, connections=names, shown=shown, scopes=SCOPES,
                roles=list(Role), person_state=person_state, key_state=key_state,
            )
        )  # fmt: skip


def _expiry(days: str) -> datetime | None:
    return SYSTEM_CLOCK.now() + timedelta(days=int(days)) if days.isdigit() and int(days) else None
