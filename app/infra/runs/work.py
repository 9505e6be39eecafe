"""Runs: long work of an operator that goes on page by page through the runtime, and survives every process.

Each turn of a run is a fact in its lane on queue `bulk`. Its step does one page and keeps progress and checkpoint, and
the next turn is told in the same transaction: a restart, a kill or a deploy costs the page that was in hand, which has
left nothing behind. Flows declare their kinds with `app.flows.running`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.infra.acts import record_act
from app.infra.cases import close, open_case, settle_of
from app.infra.ids import new_id
from app.infra.runs.kinds import KINDS, kind_of, known_kind, lane_of
from app.infra.runs.rows import UNDER_WAY, Item, RunRow, keep_items
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

PAGE = 1000  # things of one turn at most: a transaction of about a second
PACE_SECONDS = 1.0  # between the turns of a run with a rate: what a person sees as steady
LONGEST_CATCH_UP = 5.0  # seconds of its rate that a run may make good at once after it was kept waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as its page sees it. `room` is how many things this turn may do, by the run's rate."""

    id: str
    kind: str
    connection: str
    spec: Mapping[str, Any]
    checkpoint: Mapping[str, Any]
    total: int | None
    done: int
    turn: int
    room: int
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one turn did, and where the next begins.

    `done` and `counts` are added to the run's. `wait` is seconds until the next turn, for work that is asked after;
    without it the run's rate says. `finished` ends the run well, `failed` is the sentence that ends it badly.
    """

    checkpoint: Mapping[str, Any]
    done: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    items: Sequence[Item] = ()
    total: int | None = None
    wait: float | None = None
    finished: bool = False
    failed: str = ""
    said: str = ""


def start_run(
    uow: UnitOfWork, kind: str, spec: Mapping[str, Any], *, who: str, why: str = "", title: str = "",
    connection: str = "", total: int | None = None, rate: float | None = None,
    checkpoint: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """Begin a run and return its id. `spec` is JSON without secrets; `rate` is things a second, None unpaced.

    Raises NotFound(`runs.unknown_kind`), or Invalid for a rate that is not above zero.
    """
    known = known_kind(kind)
    _check_rate(rate)
    if known.outside:
        uow.hub.connections.get(uow.session, connection)
    run = RunRow(
        id=new_id(), kind=kind, connection=connection, title=title or known.title, spec=dict(spec), state="waiting",
        turn=1, total=total, done=0, set_aside=0, counts={}, rate=rate, checkpoint=dict(checkpoint or {}), who=who,
        why=why, said="",
    )  # fmt: skip
    uow.session.add(run)
    uow.session.flush()
    record_act(uow, who, "started a run", kind="run", key=run.id, why=why, facts={"kind": kind, "title": run.title})
    _tell_turn(uow, run, wait=0.0)
    return run.id


def run_of(uow: UnitOfWork, run_id: str, *, lock: bool = False) -> RunRow:
    """One run. Raises NotFound(`runs.unknown`)."""
    row = uow.session.get(RunRow, run_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise NotFound("runs.unknown", f"there is no run {run_id}", about=run_id)
    return row


def begin_turn(uow: UnitOfWork, fact: Any, *, lock: bool = True) -> Run | None:
    """The run of a turn, locked until the transaction ends; None where this is not its present turn, or it is over.

    An outside turn begins without the lock: its call holds no transaction.
    """
    row = uow.session.get(RunRow, fact.run_id, with_for_update=lock or None, populate_existing=True)
    if row is None or row.turn != fact.turn or row.state not in (*UNDER_WAY, "failed"):
        return None
    if row.state == "failed":  # this turn gave up, and a person replayed it
        row = run_of(uow, row.id, lock=True)
        _revive(uow, row, "hub", "its turn was replayed")
    if row.state == "stopping":
        row = run_of(uow, row.id, lock=True)
        _end(uow, row, "stopped", "")
        return None
    return Run(
        id=row.id, kind=row.kind, connection=row.connection, spec=row.spec, checkpoint=row.checkpoint, total=row.total,
        done=row.done, turn=row.turn, room=_room(uow, row), who=row.who,
    )  # fmt: skip


def holds_turn(uow: UnitOfWork, run: Run) -> bool:
    """Whether what an outside turn brought is still wanted; locks the run until the transaction ends."""
    row = run_of(uow, run.id, lock=True)
    return row.turn == run.turn and row.state not in ("done", "failed")


def end_turn(uow: UnitOfWork, run_id: str, turn: int, page: Page) -> None:
    """Keep what a page did and tell of the next turn, or end the run. A turn that is over already changes nothing."""
    row = run_of(uow, run_id, lock=True)
    if row.turn != turn or row.state in ("done", "failed"):
        return
    row.done += page.done
    row.set_aside += keep_items(uow, run_id, page.items)
    row.counts = {**row.counts, **{name: row.counts.get(name, 0) + n for name, n in page.counts.items()}}
    row.checkpoint = dict(page.checkpoint)
    row.total = row.total if page.total is None else page.total
    row.turned_at = _now(uow)
    row.started_at = row.started_at or row.turned_at
    row.said = page.said or page.failed
    row.turn += 1
    if page.failed or page.finished:
        _end(uow, row, "failed" if page.failed else "done", row.said)
    elif row.state in ("stopping", "stopped"):
        _end(uow, row, "stopped", row.said)
    else:
        row.state = "running"
        _tell_turn(uow, row, wait=_pause(row) if page.wait is None else page.wait)


def stop_run(uow: UnitOfWork, run_id: str, who: str, why: str = "") -> str:
    """Stop a run: at once, or after the call that it has under way; returns its state. What is done stays done."""
    row = run_of(uow, run_id, lock=True)
    if row.state not in UNDER_WAY:
        raise Refused("runs.not_running", f"the run is {row.state}; only one that is under way can stop", about=run_id)
    row.state = "stopping"
    record_act(uow, who, "stopped a run", kind="run", key=run_id, why=why)
    if not uow.sql(CALLING, {"lane": lane_of(row)}).fetchone():
        _end(uow, row, "stopped", row.said)
    return row.state


def resume_run(uow: UnitOfWork, run_id: str, who: str, why: str = "") -> None:
    """Let a run that stopped, failed or lost its turn go on at its checkpoint."""
    row = run_of(uow, run_id, lock=True)
    if row.state == "done":
        raise Refused("runs.done", "the run is done: start a new one", about=run_id)
    if row.state in UNDER_WAY and uow.sql(TURNING, {"lane": lane_of(row)}).fetchone():
        raise Refused("runs.under_way", "the run is under way; there is nothing to resume", about=run_id)
    settle_of(uow, [number for (number,) in uow.sql(WITHDRAW, {"lane": lane_of(row)}).fetchall()], who)
    _revive(uow, row, who, why or "the run was resumed")
    row.turn += 1
    record_act(uow, who, "resumed a run", kind="run", key=run_id, why=why)
    _tell_turn(uow, row, wait=0.0)


TOLD = "SELECT payload->>'run_id', (payload->>'turn')::int FROM hub.event WHERE id = %(event)s"


def fail_turn(uow: UnitOfWork, event_id: int, said: str) -> None:
    """End the run of a turn that gave up, with its sentence; its delivery has the case. Resuming it mends both."""
    told = uow.sql(TOLD, {"event": event_id}).fetchone()
    row = uow.session.get(RunRow, told[0], with_for_update=True, populate_existing=True) if told else None
    if told and row is not None and row.turn == told[1] and row.state in UNDER_WAY:
        _close(uow, row, "failed", said)


STANDS = """
SELECT state, coalesce(code, ''), event_id, id, next_at FROM hub.delivery
 WHERE lane = %(lane)s AND state IN ('due', 'running', 'behind', 'parked', 'rejected') ORDER BY id LIMIT 1
"""


def turn_of(uow: UnitOfWork, row: RunRow) -> dict[str, Any] | None:
    """How the present turn of a run that is not over stands: its delivery, state, code and time; None without one.

    A turn that is parked or rejected has a case, and its run failed; it goes on once it is resumed.
    """
    if row.state not in (*UNDER_WAY, "failed") or row.kind not in KINDS:
        return None
    found = uow.sql(STANDS, {"lane": lane_of(row)}).fetchone()
    return dict(zip(("state", "code", "event_id", "delivery_id", "next_at"), found, strict=True)) if found else None


def change_rate(uow: UnitOfWork, run_id: str, rate: float | None, who: str) -> None:
    """Pace a run differently from its next turn on. Raises Invalid for a rate that is not above zero."""
    _check_rate(rate)
    row = run_of(uow, run_id, lock=True)
    record_act(uow, who, "paced a run", kind="run", key=run_id, facts={"was": row.rate, "is": rate})
    row.rate = rate


CALLING = "SELECT 1 FROM hub.delivery WHERE lane = %(lane)s AND state = 'running' LIMIT 1"
TURNING = "SELECT 1 FROM hub.delivery WHERE lane = %(lane)s AND state IN ('due', 'running', 'behind') LIMIT 1"
# A turn that was set aside is replaced by the one that resumes the run; left where it is, it would hold the lane.
WITHDRAW = """
UPDATE hub.delivery SET state = 'superseded', done_at = now(), code = 'runs.resumed'
 WHERE lane = %(lane)s AND state IN ('due', 'behind', 'parked', 'rejected')
RETURNING id
"""
FAILED_CASES = """
SELECT id::text FROM hub.exception_case
 WHERE code = 'runs.failed' AND about = %(run)s AND state NOT IN ('resolved', 'dismissed')
"""
PACE = """
UPDATE hub.delivery SET next_at = now() + make_interval(secs => %(wait)s)
 WHERE lane = %(lane)s AND state = 'due' AND attempt = 0
"""


def _check_rate(rate: float | None) -> None:
    if rate is not None and not 0 < rate < float("inf"):
        raise Invalid("runs.rate", f"rate is {rate}: give things a second above 0, or none to go as fast as it can")


def _tell_turn(uow: UnitOfWork, row: RunRow, *, wait: float) -> None:
    kind = kind_of(row)
    trail = Trail(correlation_id=row.id, causation_id=uow.trail.causation_id, traceparent=uow.trail.traceparent)
    uow.publish(kind.fact(run_id=row.id, turn=row.turn, connection=row.connection), trail)
    if wait > 0:
        given = {"lane": lane_of(row), "wait": wait}
        uow.before_commit(lambda: uow.sql(PACE, given))


def _revive(uow: UnitOfWork, row: RunRow, who: str, why: str) -> None:
    for (case_id,) in uow.sql(FAILED_CASES, {"run": row.id}).fetchall():
        close(uow, case_id, "resolved", who, why)
    row.state, row.ended_at, row.said, row.turned_at = "waiting", None, "", None


def _end(uow: UnitOfWork, row: RunRow, state: str, said: str) -> None:
    _close(uow, row, state, said)
    if state == "failed":
        title = f"{row.title} failed: {said}"
        open_case(uow, code="runs.failed", connection=row.connection, about=row.id, title=title, key=f"hub:{row.id}")


def _close(uow: UnitOfWork, row: RunRow, state: str, said: str) -> None:
    row.state, row.said, row.ended_at = state, said, _now(uow)
    if state != "stopped":
        facts = {"state": state, "done": row.done, "set_aside": row.set_aside, **row.counts}
        record_act(uow, "hub", "ended a run", kind="run", key=row.id, why=said, facts=facts)


def _room(uow: UnitOfWork, row: RunRow) -> int:
    passed = PACE_SECONDS if row.turned_at is None else (_now(uow) - row.turned_at).total_seconds()
    return room_of(row.rate, passed)


def room_of(rate: float | None, passed: float) -> int:
    """How many things a turn may do: its rate times the seconds since the last turn, one at least."""
    return PAGE if rate is None else max(1, min(PAGE, int(rate * min(passed, LONGEST_CATCH_UP))))


def _pause(row: RunRow) -> float:
    return 0.0 if row.rate is None else max(PACE_SECONDS, 1 / row.rate)


def _now(uow: UnitOfWork) -> datetime:
    row = uow.sql("SELECT now()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
