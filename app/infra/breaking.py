"""What operators see and do of breakers and quotas, and how a breaker's openings and closings are kept.

Redis moves the breakers; here each move becomes a line of the audit, an opening a case, and a closing the case's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import structlog

from app.infra.acts import record_act
from app.infra.cases import CLOSED, open_case
from app.infra.connections import Connection, ConnectionRow
from app.infra.hub import Hub
from app.infra.locks import HubJob, try_job
from app.infra.remote.breaker import new_state, wait_of
from app.infra.remote.quota import Standing
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused, Transient

OPEN_CODE = "connections.breaker_open"
DID = {"open": "opened the breaker", "held": "opened the breaker", "closed": "closed the breaker"}
KNOWN = """
SELECT 1 FROM hub.act WHERE kind = 'breaker' AND key = %(key)s AND facts->>'at' = %(at)s AND facts->>'to' = %(to)s
"""
STANDING = "SELECT connection FROM hub.exception_case WHERE code = %(code)s AND state <> ALL(%(closed)s)"
END = """
UPDATE hub.exception_case SET state = 'resolved', closed_at = now(), closed_by = 'hub', reason = %(why)s
 WHERE code = %(code)s AND connection = %(connection)s AND state <> ALL(%(closed)s)
"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerView:
    """A connection's breaker as people see it. `good` and `bad` are what was counted in the window."""

    connection: str
    state: str  # closed, open, half_open, held
    since: datetime | None
    until: datetime | None
    why: str
    by: str
    trips: int
    good: int
    bad: int


def breaker_of(hub: Hub, connection: str) -> BreakerView:
    """How a connection's breaker stands, as this process sees it."""
    breakers = hub.gates.breakers
    state = breakers.state(connection)
    over = state["state"] == "open" and wait_of(state, breakers.now()) == 0
    return BreakerView(
        connection=connection,
        state="half_open" if over else state["state"],
        since=_instant(state["since"]),
        until=_instant(state["until_ms"]) if state["state"] == "open" else None,
        why=state["why"],
        by=state["by"],
        trips=int(state["trips"]),
        good=int(sum(state["good"].values())),
        bad=int(sum(state["bad"].values())),
    )


def quotas_at(hub: Hub, connection: Connection) -> list[Standing]:
    """How a connection's quotas stand. Raises Transient while Redis is away: then each process keeps to its share."""
    if connection.gate is None:
        return []
    try:
        return hub.gates.standings(connection.gate)
    except redis.RedisError as away:
        said = "Redis is away: every process keeps to its own share of the limits until it is back"
        raise Transient("connections.quota_unknown", said, about=connection.name) from away


def trip(hub: Hub, name: str, who: str, why: str) -> BreakerView:
    """Call a connection no more until somebody resets its breaker. Raises Invalid without a reason."""
    if not why.strip():
        raise Invalid("connections.reason_missing", "say why: somebody else will find it open")
    return _moved(hub, name, "held", who, why.strip())


def reset(hub: Hub, name: str, who: str, why: str = "") -> BreakerView:
    """Close a connection's breaker and forget what it counted; what waited goes on. Refused where it is closed."""
    if breaker_of(hub, name).state == "closed":
        raise Refused("connections.breaker_closed", f"the breaker of {name} is closed already", about=name)
    return _moved(hub, name, "closed", who, why.strip())


def _moved(hub: Hub, name: str, to: str, who: str, why: str) -> BreakerView:
    with hub.unit_of_work() as uow:
        policy = hub.connections.get(uow.session, name).gate
    breakers = hub.gates.breakers
    assert policy is not None
    try:
        (breakers.trip if to == "held" else breakers.reset)(name, who, why, policy.policy)
    except redis.RedisError as away:
        said = "Redis is away, so the other processes cannot be told; pause the connection instead"
        raise Transient("connections.breaker_untold", said, about=name) from away
    write_down(hub)
    return breaker_of(hub, name)


def write_down(hub: Hub) -> int:
    """Keep what the breakers did since somebody last wrote it down; returns how many moves. Any number may call it."""
    breakers = hub.gates.breakers
    try:
        moves = breakers.moves()
    except redis.RedisError as away:
        log.warning("breaker.not_written_down", error=type(away).__name__)
        return 0
    with hub.unit_of_work() as uow:
        if not try_job(uow, HubJob.BREAKERS):
            return 0
        for move in moves:
            _write(uow, move)
        moved = {move["connection"] for move in moves}  # newer than what this process sees
        _end_stale(uow, breakers.known(), moved)
        if moves:
            uow.after_commit(lambda: _forget(hub, len(moves)))
    return len(moves)


def _forget(hub: Hub, count: int) -> None:
    try:
        hub.gates.breakers.written_down(count)
    except redis.RedisError as away:  # they are told again, and known by their instant
        log.warning("breaker.told_again", error=type(away).__name__)


def _write(uow: UnitOfWork, move: Mapping[str, Any]) -> None:
    name, to = str(move["connection"]), str(move["to"])
    given = {"key": name, "at": str(int(move["at"])), "to": to}
    if uow.sql(KNOWN, given).fetchone() or uow.session.get(ConnectionRow, name) is None:
        return
    facts = {"at": given["at"], "to": to, "trips": int(move["trips"])}
    record_act(uow, str(move["by"]), DID[to], kind="breaker", key=name, why=str(move["why"]), facts=facts)
    uow.tally("breaker_moves", f"{name}|{to}")
    if to == "open":
        open_case(
            uow, code=OPEN_CODE, connection=name, about=name, facts=facts, said=str(move["why"]),
            title=f"{name} does not answer ({move['why']}): it is called no more, but for a probe now and then",
        )  # fmt: skip
    else:
        uow.sql(END, {"code": OPEN_CODE, "connection": name, "closed": list(CLOSED), "why": str(move["why"])})


def _end_stale(uow: UnitOfWork, known: Mapping[str, Mapping[str, Any]], moved: set[str]) -> None:
    """A case whose breaker is closed, its closing lost with an emptied Redis, is over."""
    for (name,) in uow.sql(STANDING, {"code": OPEN_CODE, "closed": list(CLOSED)}).fetchall():
        if name not in moved and known.get(name, new_state())["state"] == "closed":
            why = "its breaker is closed"
            uow.sql(END, {"code": OPEN_CODE, "connection": name, "closed": list(CLOSED), "why": why})


def _instant(milliseconds: float) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
