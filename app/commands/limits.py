"""`flask breaker …` and `flask quota …`: which remotes are not called, and who uses up what they allow."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.infra.breaking import BreakerView, breaker_of, quotas_at, reset, trip
from app.infra.connecting import all_connections
from app.infra.connections import Connection
from app.infra.remote.quota import Standing
from app.infra.web.wiring import hub

breakers = Commands("breaker", help="Connections that are called no more while they do not answer.")
quotas = Commands("quota", help="What the vendors allow, and who uses it.")
QUOTA_COLUMNS = ("quota", "kind", "limit", "used", "others", "free", "blocked_seconds", "hour", "day")


@breakers.command("list")
@as_json
def list_breakers(json_wanted: bool) -> None:
    """Every connection's breaker, as it stands."""
    with hub().unit_of_work() as uow:
        names = [row.name for row in all_connections(uow)]
    rows = [_breaker(breaker_of(hub(), name)) for name in names]
    columns = ("connection", "state", "since", "until", "why", "by")
    listed(rows, columns, json_wanted=json_wanted, nothing="No connection yet; `flask connection add` makes one.")


@breakers.command("show")
@click.argument("name")
@as_json
def show_breaker(name: str, json_wanted: bool) -> None:
    """One connection's breaker, with what it counted."""
    one(_breaker(breaker_of(hub(), _connection(name).name)), json_wanted=json_wanted)


@breakers.command("trip")
@click.argument("name")
@click.option("--why", required=True, help="Somebody else will find it open.")
@as_json
def trip_breaker(name: str, why: str, json_wanted: bool) -> None:
    """Call NAME no more until its breaker is reset; what is due waits."""
    view = trip(hub(), name, who(), why)
    tell(f"{name} is called no more, until somebody resets its breaker.", _breaker(view), json_wanted=json_wanted)


@breakers.command("reset")
@click.argument("name")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def reset_breaker(name: str, why: str, json_wanted: bool) -> None:
    """Close NAME's breaker at once; what waited goes out in its order."""
    view = reset(hub(), _connection(name).name, who(), why)
    tell(f"{name} is called again.", _breaker(view), json_wanted=json_wanted)


@quotas.command("list")
@as_json
def list_quotas(json_wanted: bool) -> None:
    """Every quota of every connection."""
    with hub().unit_of_work() as uow:
        connections = [hub().connections.get(uow.session, row.name) for row in all_connections(uow)]
    rows = [row for connection in connections for row in _quotas(connection)]
    nothing = "No connection has a quota."
    listed(rows, ("connection", *QUOTA_COLUMNS), json_wanted=json_wanted, nothing=nothing)


@quotas.command("show")
@click.argument("name")
@as_json
def show_quota(name: str, json_wanted: bool) -> None:
    """NAME's quotas: how much is used, what other users of the account take, and which purpose spent it."""
    rows = _quotas(_connection(name))
    listed(rows, QUOTA_COLUMNS, json_wanted=json_wanted, nothing=f"{name} has no quota.")


def _connection(name: str) -> Connection:
    with hub().unit_of_work() as uow:
        return hub().connections.get(uow.session, name)


def _breaker(view: BreakerView) -> dict[str, object]:
    return {name: getattr(view, name) for name in view.__dataclass_fields__}


def _quotas(connection: Connection) -> list[dict[str, object]]:
    return [_quota(connection.name, standing) for standing in quotas_at(hub(), connection)]


def _quota(connection: str, standing: Standing) -> dict[str, object]:
    return {
        "connection": connection, "quota": standing.quota.name, "kind": str(standing.quota.kind),
        "limit": round(standing.limit, 1), "window": standing.quota.window, "used": round(standing.used, 1),
        "others": round(standing.others, 1), "free": round(standing.free, 1),
        "blocked_seconds": round(standing.blocked_seconds, 1),
        "hour": {purpose: round(amount, 1) for purpose, amount in standing.spent_hour.items()},
        "day": {purpose: round(amount, 1) for purpose, amount in standing.spent_day.items()},
    }  # fmt: skip
