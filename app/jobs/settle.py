"""From the way a step ended to the delivery's next state, by disposition. The table is docs/runtime.md, Settling."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.flows.runtime import Told
from app.infra.cases import open_case
from app.infra.connections import ConnectionRow
from app.infra.lanes import wake_first as wake_first  # beside `wake_run`, for the dispatcher's side
from app.infra.outbox import Subscription
from app.infra.runs.kinds import KINDS
from app.infra.runs.work import fail_turn
from app.infra.uow import UnitOfWork
from app.kernel.errors import Disposition, HubError, Superseded, Transient, Waits

MOST_ATTEMPTS = 12  # the 12th failure parks: with full jitter that is about two hours of trying
LONGEST_BACK_OFF = 3600.0  # an hour: operations look at least that often
HEARD_SECONDS = 2.0  # after a change a process may call with what was before: its picture is a second old at most
PAUSE_LOOK_SECONDS = 5.0  # a paused connection's deliveries are looked at again this soon after it resumes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an error says: its stable code, the other side's words, what it is about, and a sentence for people."""

    code: str
    said: str = ""
    about: str = ""
    title: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a delivery whose step did not simply succeed. `wait` seconds count from now."""

    reading: Reading
    state: str
    outcome: str
    wait: float = 0.0
    counts: bool = True  # whether the attempt counts
    doubt: bool = False
    pauses: bool = False


def judge(error: Exception, attempt: int) -> Verdict:
    """Read an error. `attempt` is the one that failed, from 1."""
    reading = read(error)
    if not isinstance(error, HubError):
        return _again(reading, attempt, "bug")
    if isinstance(error, Superseded):
        return Verdict(reading=reading, state="superseded", outcome="superseded")
    match error.disposition:
        case Disposition.RETRY:
            return _again(reading, attempt, "retry", asked=error.retry_after if isinstance(error, Transient) else None)
        case Disposition.VERIFY:
            return _again(reading, attempt, "no answer", doubt=True)
        case Disposition.WAIT:
            seconds = error.seconds if isinstance(error, Waits) else 1.0
            doubt = bool(error.facts.get("wrote"))  # before it had to wait: the next call looks first
            return Verdict(reading=reading, state="due", outcome="waits", wait=seconds, counts=False, doubt=doubt)
        case Disposition.PAUSE:
            wait = PAUSE_LOOK_SECONDS
            return Verdict(reading=reading, state="due", outcome="paused", wait=wait, counts=False, pauses=True)
        case Disposition.PARK:
            return Verdict(reading=reading, state="parked", outcome="parked")
        case _:
            return Verdict(reading=reading, state="rejected", outcome="rejected")


def read(error: Exception) -> Reading:
    """What an error says of itself; anything that is not expected is a bug of ours."""
    if not isinstance(error, HubError):
        name = type(error).__name__
        return Reading(code=f"bug.{name}", said=str(error)[:500], title=f"The hub failed: {name}")
    facts = {name: value for name, value in error.facts.items() if name != "said"}
    said = str(error.facts.get("said", error.message))
    return Reading(code=error.code, said=said, about=error.about, title=error.message, facts=facts)


def _again(reading: Reading, attempt: int, outcome: str, *, asked: float | None = None, doubt: bool = False) -> Verdict:
    if attempt >= MOST_ATTEMPTS:
        return Verdict(reading=reading, state="parked", outcome=outcome, doubt=doubt)
    wait = asked if asked is not None else random.uniform(0, min(LONGEST_BACK_OFF, 2.0**attempt))
    return Verdict(reading=reading, state="due", outcome=outcome, wait=wait, doubt=doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A delivery with the verdict on it. `fence` is None for an inside step, which is never `running`."""

    step: Subscription
    told: Told[Any]
    verdict: Verdict
    key: str  # the lane key of its fact
    started_at: datetime
    fence: int | None = None
    worker: int | None = None


DEADLY = ("poison", "taken over")  # every other end of a call is told by a worker that lived through it
SETTLE = """
UPDATE hub.delivery
   SET state = %(state)s, code = %(code)s, in_doubt = in_doubt OR %(doubt)s,
       attempt = %(attempt)s, next_at = now() + make_interval(secs => %(wait)s),
       deaths = CASE WHEN %(survived)s THEN 0 ELSE deaths END,
       done_at = CASE WHEN %(state)s = 'superseded' THEN now() END
 WHERE event_id = %(event_id)s AND id = %(id)s
   AND (%(fence)s::int IS NULL AND state = 'due' OR state = 'running' AND fence = %(fence)s::int)
RETURNING id
"""

ATTEMPT = """
INSERT INTO hub.attempt (event_id, delivery, n, started_at, ended_at, outcome, code, said, worker)
SELECT %(event_id)s, %(id)s, coalesce(max(n), 0) + 1, %(started_at)s, now(), %(outcome)s, %(code)s, %(said)s, %(worker)s
  FROM hub.attempt WHERE event_id = %(event_id)s AND delivery = %(id)s
"""


def settle(uow: UnitOfWork, missed: Missed) -> bool:
    """Write the verdict; False where somebody else has the delivery by now and nothing was written."""
    verdict, told, reading = missed.verdict, missed.told, missed.verdict.reading
    held = uow.sql(
        SETTLE,
        {
            "event_id": told.event_id, "id": told.delivery_id, "fence": missed.fence, "state": verdict.state,
            "code": reading.code, "doubt": verdict.doubt, "wait": verdict.wait,
            "attempt": told.attempt if verdict.counts else told.attempt - 1,
            "survived": missed.fence is not None and verdict.outcome not in DEADLY,
        },
    ).fetchone()  # fmt: skip
    if held is None:
        return False
    uow.sql(
        ATTEMPT,
        {
            "event_id": told.event_id, "id": told.delivery_id, "started_at": missed.started_at,
            "outcome": verdict.outcome, "code": reading.code, "said": reading.said[:4000], "worker": missed.worker,
        },
    )  # fmt: skip
    if verdict.state in ("parked", "rejected"):
        uow.tally(f"deliveries_{verdict.state}", missed.step.queue)
        _open_case(uow, missed)
        if missed.step.name in {kind.step for kind in KINDS.values()}:
            fail_turn(uow, told.event_id, reading.title or reading.said)
    if verdict.pauses:
        pause(uow, told.connection, reading, missed.started_at)
    if verdict.state == "superseded":
        uow.tally("deliveries_superseded", missed.step.queue)
    return True


def _open_case(uow: UnitOfWork, missed: Missed) -> None:
    reading, told = missed.verdict.reading, missed.told
    open_case(
        uow, code=reading.code, connection=told.connection or told.trail.origin, about=reading.about or missed.key,
        title=reading.title, facts=reading.facts, said=reading.said, key=missed.key, event_id=told.event_id,
        delivery=told.delivery_id,
    )  # fmt: skip


def pause(uow: UnitOfWork, connection: str, reading: Reading, called_at: datetime) -> None:
    """Stop calling a connection that refuses us; one alert, however many deliveries find out.

    A call that may have gone out with what was replaced meanwhile proves nothing: its delivery is tried again.
    """
    row = uow.session.get(ConnectionRow, connection, with_for_update=True, populate_existing=True)
    if row is None or row.state == "paused":
        return
    if row.created_at < row.changed_at and called_at < row.changed_at + timedelta(seconds=HEARD_SECONDS):
        return
    row.state, row.paused_code, row.paused_by, row.paused_reason = "paused", reading.code, "hub", reading.title
    row.paused_at = uow.hub.clock.now()
    uow.after_commit(uow.hub.connections.forget)
    open_case(
        uow, code="connections.refused", connection=connection, about=connection, said=reading.said,
        title=f"{connection} refuses the hub ({reading.code}): authorise it again, then resume it",
    )  # fmt: skip


BEHIND = "SELECT FROM hub.delivery WHERE lane = ANY(%(lanes)s::text[]) AND state = 'behind' LIMIT 1"

# The run of `behind` at the head of each ended lane, at most a batch of it.
WAKE_RUN = """
UPDATE hub.delivery d SET state = 'due' FROM unnest(%(lanes)s::text[]) l(lane)
  CROSS JOIN LATERAL (SELECT b.event_id, b.id FROM hub.delivery b WHERE b.lane = l.lane
                         AND b.state IN ('due','running','behind','parked','rejected') ORDER BY b.id LIMIT %(batch)s) n
 WHERE d.event_id = n.event_id AND d.id = n.id AND d.state = 'behind'
   AND NOT EXISTS (SELECT FROM hub.delivery e WHERE e.lane = l.lane AND e.id < d.id
                      AND e.state IN ('due','running','parked','rejected'))
"""


def wake_run(uow: UnitOfWork, lanes: Sequence[str], batch: int) -> int:
    """Let what waited behind ended inside deliveries go on; returns how many."""
    if not lanes:
        return 0
    given = {"lanes": sorted(set(lanes)), "batch": batch}
    if uow.sql(BEHIND, given).fetchone() is None:  # as nearly always; to ask costs a quarter of waking nobody
        return 0
    return uow.sql(WAKE_RUN, given).rowcount
