"""What operators do to connections: add, change, rotate, test, pause, resume. Each leaves an act with a name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import select

from app.infra.acts import record_act
from app.infra.cases import end_cases
from app.infra.connections import ConnectionRow
from app.infra.draining import end_drain
from app.infra.expiry import Ending, note
from app.infra.gates import limits_of
from app.infra.hub import Hub
from app.infra.notices import SubscriptionsDue
from app.infra.remote.certificate import certificate_ends
from app.infra.remote.spec import AdapterSpec, Probe, SubscriptionKeeper
from app.infra.rerouting import hold_routes, plan_add
from app.infra.routes import RouteRow, add_route
from app.infra.routing import Route
from app.infra.setting_fields import check, secret_names
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError, Invalid, NotFound, Refused

HUB = "hub"  # who paused it, where nobody did by hand
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
REFUSALS = ["connections.refused", "connections.uninstalled"]  # cases that end when a connection is called again
PREVIOUS = "_previous"  # a secret field's twin that stays valid while the remote still signs with the old one


def add_connection(
    uow: UnitOfWork,
    *,
    name: str,
    adapter: str,
    settings: Mapping[str, Any],
    who: str,
    title: str = "",
    company: str = "",
    roles: Collection[str] = (),
) -> None:
    """Add a connection and give it its roles. `settings` hold its secrets too, which are stored encrypted.

    Raises Invalid where name or settings do not hold, Refused(`connections.exists`) where the name is taken, and what
    `give_role` raises. Nothing is kept then.
    """
    if not NAME.fullmatch(name):
        raise Invalid("connections.name", f"{name!r} is no name: use a-z, 0-9 and -, a letter first, 40 at most")
    if uow.session.get(ConnectionRow, name) is not None:
        raise Refused("connections.exists", f"there is a connection {name!r} already; choose another name", about=name)
    spec = uow.hub.adapter(adapter)
    check(spec.settings(), settings)
    limits_of(spec.quotas, settings)
    row = ConnectionRow(name=name, adapter=adapter, title=title or name, company=company)
    _keep(uow, row, spec, settings)
    uow.session.add(row)
    uow.session.flush()
    for role in sorted(set(roles)):
        give_role(uow, name, role, company=company)
    record_act(uow, who, "added a connection", kind="connection", key=name, facts={"adapter": adapter})
    _subscribe(uow, name, spec)
    _tell(uow)


def give_role(uow: UnitOfWork, name: str, role: str, *, company: str = "") -> None:
    """Let a connection play a role, and give it the work that waited for somebody to play it.

    Raises Invalid(`routes.role`) for a role that no step asks for, Refused(`routes.both_live`) where another connection
    plays it for the same orders: a second one is a decision of its own, `flask route add --both`.
    """
    hold_routes(uow)
    plan_add(uow, Route(role=role, connection=name, company=company))
    add_route(uow, role, name, company=company)


def change_settings(uow: UnitOfWork, name: str, settings: Mapping[str, Any], who: str) -> None:
    """Replace a connection's open settings; its secrets stay as they are."""
    row, spec = _locked(uow, name)
    whole = {**settings, **_secrets(uow, row)}
    check(spec.settings(), whole)
    limits_of(spec.quotas, whole)
    _keep(uow, row, spec, whole)
    row.version += 1
    record_act(uow, who, "changed a connection's settings", kind="connection", key=name)
    _subscribe(uow, name, spec)
    _tell(uow)


def rotate_secrets(uow: UnitOfWork, name: str, fresh: Mapping[str, str], who: str) -> None:
    """Take new secrets; where the adapter knows a previous one beside it, the old stays valid as that.

    A connection that the hub paused because it was refused is called again with them at once.
    """
    row, spec = _locked(uow, name)
    names = secret_names(spec.settings())
    given = {field: value for field, value in fresh.items() if value}
    if unknown := sorted(given.keys() - names):
        raise Invalid("connections.settings", f"{unknown[0]!r} is no secret of {spec.title}; it has {sorted(names)}")
    if not given:
        raise Invalid("connections.settings", "give at least one new secret")
    kept = _secrets(uow, row)
    moved = {field + PREVIOUS: kept[field] for field in given if field + PREVIOUS in names and kept.get(field)}
    whole = {**row.settings, **kept, **moved, **given}
    check(spec.settings(), whole)
    _keep(uow, row, spec, whole)
    row.version += 1
    record_act(
        uow, who, "rotated secrets of a connection", kind="connection", key=name, facts={"fields": sorted(given)}
    )
    if row.state == "paused" and row.paused_by == HUB:
        resume_connection(uow, name, who, "it has new secrets")
        return
    _subscribe(uow, name, spec)
    _tell(uow)


def pause_connection(uow: UnitOfWork, name: str, who: str, why: str) -> None:
    """Stop calling a connection; its deliveries stay due. Raises Invalid without a reason."""
    if not why.strip():
        raise Invalid("connections.reason_missing", "say why: somebody else will find it paused")
    row, _ = _locked(uow, name)
    if row.state == "paused":
        raise Refused("connections.paused", f"{name} is paused already, by {row.paused_by}", about=name)
    end_drain(uow, row)
    row.state, row.paused_code, row.paused_by, row.paused_reason = "paused", "", who, why.strip()
    row.paused_at = uow.hub.clock.now()
    record_act(uow, who, "paused a connection", kind="connection", key=name, why=why)
    _tell(uow)


def resume_connection(uow: UnitOfWork, name: str, who: str, why: str = "") -> None:
    """Call a connection again; what waited goes on in its order."""
    row, spec = _locked(uow, name)
    if row.state == "on":
        raise Refused("connections.running", f"{name} is not paused", about=name)
    end_drain(uow, row)
    row.state, row.paused_code, row.paused_by, row.paused_reason, row.paused_at = "on", "", "", "", None
    row.changed_at = uow.hub.clock.now()  # a call that began before and is refused now says nothing about this
    end_cases(uow, REFUSALS, name, name, who, "the connection is called again")
    uow.sql(
        "UPDATE hub.delivery SET next_at = now() WHERE connection = %(name)s AND state = 'due' AND next_at > now() "
        "AND queue = ANY(%(queues)s) AND partition = 0",
        {"name": name, "queues": ["orders", "inventory", "catalogue", "finance", "bulk"]},
    )
    record_act(uow, who, "resumed a connection", kind="connection", key=name, why=why)
    _subscribe(uow, name, spec)
    _tell(uow)


def probe_connection(hub: Hub, name: str, who: str) -> tuple[Probe, ...]:
    """Call the remote and see: can it be reached, does it let us in, is what we need there. Reads only.

    The outcome is kept at the connection, where all is well with what the adapter learns of the remote; an error of
    the call is a probe that failed, with the other side's words.
    """
    hub.connections.forget()
    with hub.unit_of_work() as uow:
        connection = hub.connections.get(uow.session, name)
    if connection.spec.probe is None:
        raise Refused("connections.no_test", f"{connection.spec.title} offers no test", about=name)
    learned: Mapping[str, Any] = {}
    try:
        probes = connection.spec.probe(connection.remote, connection.settings)
        if connection.spec.learn is not None and all(probe.passed for probe in probes):
            learned = connection.spec.learn(connection.remote, connection.settings)
    except HubError as error:
        said = str(error.facts.get("said") or error.message)
        probes = (Probe(name="call", passed=False, said=f"{error.code}: {said[:300]}"),)
    allow_loopback = bool(connection.settings.get("allow_loopback"))
    ends = certificate_ends(connection.remote.base_url, allow_loopback=allow_loopback)
    with hub.unit_of_work() as uow:
        row, spec = _locked(uow, name)
        _learn(uow, row, spec, learned)
        note(uow, name, "certificate", [Ending(kind="certificate", ends_at=ends)] if ends else [])
        row.probes = [{"name": probe.name, "passed": probe.passed, "said": probe.said} for probe in probes]
        row.tested_at = hub.clock.now()
        passed = all(probe.passed for probe in probes)
        record_act(uow, who, "tested a connection", kind="connection", key=name, facts={"passed": passed})
    return probes


def _learn(uow: UnitOfWork, row: ConnectionRow, spec: AdapterSpec, learned: Mapping[str, Any]) -> None:
    """Keep what differs from what is set. Raises Invalid where the adapter would not load what it learned."""
    if any(row.settings.get(field) != value for field, value in learned.items()):
        whole = {**row.settings, **_secrets(uow, row), **learned}
        check(spec.settings(), whole)
        _keep(uow, row, spec, whole)
        row.version += 1
        _tell(uow)


def all_connections(uow: UnitOfWork) -> list[ConnectionRow]:
    return list(uow.session.scalars(select(ConnectionRow).order_by(ConnectionRow.name)))


def roles_of(uow: UnitOfWork) -> dict[str, list[str]]:
    """Connection → the roles it plays."""
    roles: dict[str, list[str]] = {}
    for row in uow.session.scalars(select(RouteRow).order_by(RouteRow.role)):
        roles.setdefault(row.connection, []).append(row.role)
    return roles


def _locked(uow: UnitOfWork, name: str) -> tuple[ConnectionRow, AdapterSpec]:
    row = uow.session.get(ConnectionRow, name, with_for_update=True)
    if row is None:
        raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    return row, uow.hub.adapter(row.adapter)


def _secrets(uow: UnitOfWork, row: ConnectionRow) -> dict[str, Any]:
    return uow.hub.vault.open(row.secrets, row.name) if row.secrets else {}


def _keep(uow: UnitOfWork, row: ConnectionRow, spec: AdapterSpec, settings: Mapping[str, Any]) -> None:
    """Part the document: what is secret is sealed to the connection's name, the rest stays readable."""
    names = secret_names(spec.settings())
    row.settings = {field: value for field, value in settings.items() if field not in names}
    secrets = {field: value for field, value in settings.items() if field in names and value}
    row.secrets = uow.hub.vault.seal(secrets, row.name) if secrets else None
    row.changed_at = uow.hub.clock.now()
    last_day = settings.get("secret_ends_on")
    ends = datetime.combine(date.fromisoformat(last_day), time.max, UTC) if last_day else None
    note(uow, row.name, "secret", [Ending(kind="secret", ends_at=ends)] if ends else [])


def _subscribe(uow: UnitOfWork, name: str, spec: AdapterSpec) -> None:
    """Have what the remote tells by itself looked after, where its adapter can do that."""
    if spec.offers(SubscriptionKeeper):
        uow.publish(SubscriptionsDue(connection=name))


def _tell(uow: UnitOfWork) -> None:
    uow.after_commit(uow.hub.connections.forget)
