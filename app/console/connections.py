"""Connections: which systems the hub speaks to, whether they let it in, and the switches an operator has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app import registry
from app.console.backfills import subscribed
from app.console.deeds import Question, ask, sure, why
from app.console.drains import Draining
from app.console.frame import reading
from app.console.limits import limited, purposes
from app.console.notices import refusals
from app.console.sign_in import actor
from app.infra.acts import ActRow
from app.infra.connecting import (
    add_connection,
    all_connections,
    change_settings,
    pause_connection,
    probe_connection,
    resume_connection,
    roles_of,
    rotate_secrets,
)
from app.infra.connections import ConnectionRow
from app.infra.draining import DRAINING, progress
from app.infra.outbox import QUEUES
from app.infra.remote.spec import AdapterSpec
from app.infra.setting_fields import as_texts, secret_names, setting_fields, typed
from app.infra.uow import UnitOfWork
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, NotFound

MOST_COUNTED = 1000
WAITING = """
SELECT c.name,
       (SELECT count(*) FROM (SELECT FROM hub.delivery d WHERE d.queue = ANY(%(queues)s) AND d.connection = c.name
           AND d.partition = 0 AND d.state IN ('due', 'running') LIMIT %(most)s) w),
       (SELECT count(*) FROM (SELECT FROM hub.delivery d WHERE d.queue = ANY(%(queues)s) AND d.connection = c.name
           AND d.partition = 0 AND d.state IN ('due', 'running') AND (d.attempt > 1 OR d.in_doubt) LIMIT %(most)s) r),
       (SELECT count(*) FROM (SELECT FROM hub.delivery d WHERE d.connection = c.name
           AND d.state IN ('parked', 'rejected') LIMIT %(most)s) s)
  FROM hub.connection c
"""
ERRORS = """
SELECT a.started_at, a.ended_at, a.outcome, a.code, a.said, d.subscriber, d.event_id, d.id, a.n
  FROM (SELECT event_id, id, subscriber FROM hub.delivery
         WHERE connection = %(name)s AND state IN ('parked', 'rejected') ORDER BY id DESC LIMIT 20) d
  JOIN hub.attempt a ON a.event_id = d.event_id AND a.delivery = d.id
UNION ALL
SELECT a.started_at, a.ended_at, a.outcome, a.code, a.said, d.subscriber, d.event_id, d.id, a.n
  FROM (SELECT event_id, id, subscriber FROM hub.delivery WHERE queue = ANY(%(queues)s) AND connection = %(name)s
           AND partition = 0 AND state IN ('due', 'running') AND attempt > 0 ORDER BY id LIMIT 20) d
  JOIN hub.attempt a ON a.event_id = d.event_id AND a.delivery = d.id
 ORDER BY 1 DESC LIMIT 12
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What lies at a connection: due or running, of that repeated, and set aside."""

    due: int = 0
    again: int = 0
    aside: int = 0


def waiting_at(uow: UnitOfWork) -> dict[str, Waiting]:
    """What lies at each connection, counted up to a thousand."""
    rows = uow.sql(WAITING, {"queues": list(QUEUES), "most": MOST_COUNTED})
    return {name: Waiting(due=due, again=again, aside=aside) for name, due, again, aside in rows}


def state_of(row: ConnectionRow) -> str:
    """Paused by a person, refused by the remote itself, or draining and at last empty."""
    if row.state == DRAINING and row.drained_at is not None:
        return "drained"
    return "refused" if row.state == "paused" and row.paused_code else row.state


def attention_first(rows: Sequence[ConnectionRow]) -> list[ConnectionRow]:
    order = {"refused": 0, "paused": 1, "drained": 2, "draining": 3, "on": 4}
    return sorted(rows, key=lambda row: (order[state_of(row)], row.name))


class ConnectionPages(Draining):
    """Every system that the hub speaks to."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            rows = attention_first(all_connections(uow))
            waits, roles = waiting_at(uow), roles_of(uow)
        return str(
            self.render(
                "console/connections.html", rows=rows, waits=waits, roles=roles, state_of=state_of, spec_of=spec_of,
                nothing=Waiting(), most=MOST_COUNTED,
            )
        )  # fmt: skip

    @expose("/<connection>")
    def one(self, connection: str) -> str:
        with reading() as uow:
            row = _row(uow, connection)
            waits, roles = waiting_at(uow).get(connection, Waiting()), roles_of(uow).get(connection, [])
            drain = progress(uow, connection) if row.state == DRAINING else None
            errors = uow.sql(ERRORS, {"name": connection, "queues": list(QUEUES)}).fetchall()
            refused, limits = refusals(uow, connection), limited(uow, connection)
            watched = subscribed(uow, connection)
            acts = list(
                uow.session.scalars(
                    select(ActRow).filter_by(kind="connection", key=connection).order_by(ActRow.id.desc()).limit(12)
                )
            )
        return str(
            self.render(
                "console/connection.html", row=row, spec=spec_of(row.adapter), waits=waits, roles=roles, errors=errors,
                drain=drain,
                refused=refused, acts=acts, state_of=state_of, most=MOST_COUNTED, title=row.title or connection,
                address=hub().settings.public_url, limits=limits, purposes=purposes, watched=watched,
            )
        )  # fmt: skip

    @expose("/<connection>/test", methods=("POST",))
    def test(self, connection: str) -> ResponseReturnValue:
        """Call the remote; reads only."""
        probes = probe_connection(hub(), connection, actor(Permission.WORK))
        failed = [probe for probe in probes if not probe.passed]
        said = f"{failed[0].name.capitalize()}: {failed[0].said}" if failed else "It answers, and lets the hub in."
        flash(said, "error" if failed else "success")
        return redirect(url_for(".one", connection=connection), 303)

    @expose("/<connection>/pause", methods=("POST",))
    def pause(self, connection: str) -> ResponseReturnValue:
        """Stop calling it; what is due waits."""
        who, here = actor(Permission.CONNECT), url_for(".one", connection=connection)
        if sure():
            with hub().unit_of_work() as uow:
                pause_connection(uow, connection, who, why())
            flash(f"{connection} is paused. What is due waits, and goes on in its order when you resume it.")
            return redirect(here, 303)
        with reading() as uow:
            waits = waiting_at(uow).get(connection, Waiting())
        question = Question(
            title=f"Pause {connection}",
            sentences=("It is not called any more. Webhooks from it are still kept.", "No attempt is lost meanwhile."),
            facts=(("Deliveries that wait", f"{waits.due:,}"),),
            button=f"Pause {connection}",
            back=here,
            reason="Why? Somebody else will find it paused.",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)

    @expose("/<connection>/resume", methods=("POST",))
    def resume(self, connection: str) -> ResponseReturnValue:
        """Call it again."""
        who = actor(Permission.CONNECT)
        with hub().unit_of_work() as uow:
            resume_connection(uow, connection, who)
        flash(f"{connection} is called again; what waited goes out in its order.")
        return redirect(url_for(".one", connection=connection), 303)

    @expose("/<connection>/settings", methods=("GET", "POST"))
    def settings(self, connection: str) -> ResponseReturnValue:
        """Change the open settings."""
        with reading() as uow:
            row = _row(uow, connection)
        spec, wrong = _spec(row.adapter), []
        texts = as_texts(row.settings)
        if request.method == "POST":
            who, texts = actor(Permission.CONNECT), _texts(spec, secrets=False)
            try:
                with hub().unit_of_work() as uow:
                    change_settings(uow, connection, typed(spec.settings(), texts), who)
            except HubError as error:
                wrong = _errors(error)
            else:
                flash("The settings are changed, for every process within a second.")
                return redirect(url_for(".one", connection=connection), 303)
        return self._form("settings", spec, texts, wrong, row), 422 if wrong else 200

    @expose("/<connection>/secrets", methods=("GET", "POST"))
    def secrets(self, connection: str) -> ResponseReturnValue:
        """Give new secrets; the old ones are never shown."""
        with reading() as uow:
            row = _row(uow, connection)
        spec, wrong = _spec(row.adapter), []
        if request.method == "POST":
            who = actor(Permission.CONNECT)
            fresh = {field: request.form.get(field, "") for field in secret_names(spec.settings())}
            try:
                with hub().unit_of_work() as uow:
                    rotate_secrets(uow, connection, fresh, who)
            except HubError as error:
                wrong = _errors(error)
            else:
                flash("The new secrets are in use. Test the connection now.")
                return redirect(url_for(".one", connection=connection), 303)
        return self._form("secrets", spec, {}, wrong, row), 422 if wrong else 200

    @expose("/add", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """Choose a system, then fill the form that its adapter declares."""
        actor(Permission.CONNECT)
        chosen = request.values.get("adapter", "")
        if not chosen:
            specs = [spec for spec in (spec_of(name) for name in registry.names()) if spec is not None]
            return str(self.render("console/connection_choose.html", specs=specs, title="Add a connection"))
        spec, wrong, texts = _spec(chosen), [], {}
        if request.method == "POST":
            texts = _texts(spec, secrets=True)
            try:
                self._add(spec, texts)
            except HubError as error:
                wrong = _errors(error)
            else:
                flash("Added. Test it before the first order needs it.")
                return redirect(url_for(".one", connection=request.form["name"]), 303)
        return self._form("add", spec, texts, wrong), 422 if wrong else 200

    def _add(self, spec: AdapterSpec, texts: dict[str, str]) -> None:
        roles = [role for role in request.form.get("roles", "").replace(",", " ").split() if role]
        with hub().unit_of_work() as uow:
            add_connection(
                uow, name=request.form.get("name", "").strip(), adapter=spec.name, who=actor(Permission.CONNECT),
                settings=typed(spec.settings(), texts), title=request.form.get("title", "").strip(),
                company=request.form.get("company", "").strip(), roles=roles,
            )  # fmt: skip

    def _form(
        self, form: str, spec: AdapterSpec, texts: dict[str, str], wrong: list[Any], row: ConnectionRow | None = None
    ) -> str:
        shown = [
            field
            for field in setting_fields(spec.settings())
            if form == "add" or (field.kind == "secret") == (form == "secrets")
        ]
        return str(
            self.render(
                "console/connection_form.html", form=form, spec=spec, fields=shown, texts=texts, wrong=wrong, row=row,
                given=request.form, title={"add": "Add a connection", "secrets": "New secrets"}.get(form, "Settings"),
            )
        )  # fmt: skip


def spec_of(adapter: str) -> AdapterSpec | None:
    """What an adapter says of itself; None where it is not installed any more."""
    try:
        return registry.adapter(adapter)
    except (NotFound, ImportError, AttributeError):
        return None


def _spec(adapter: str) -> AdapterSpec:
    return registry.adapter(adapter)


def _row(uow: UnitOfWork, name: str) -> ConnectionRow:
    row = uow.session.get(ConnectionRow, name)
    if row is None:
        raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    return row


def _texts(spec: AdapterSpec, *, secrets: bool) -> dict[str, str]:
    """What the form says, by the names of the settings; an unticked switch says no."""
    texts = {}
    for field in setting_fields(spec.settings()):
        if field.kind == "secret" and not secrets:
            continue
        texts[field.name] = request.form.get(field.name, "no" if field.kind == "switch" else "")
    return texts


def _errors(error: HubError) -> list[Any]:
    """Field, rule and fix of each error; one without a field stands above the form."""
    listed = error.facts.get("errors")
    return list(listed) if isinstance(listed, list) else [{"field": "", "rule": error.message, "fix": ""}]
