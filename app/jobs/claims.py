"""What the dispatcher asks of the database: end what came back, claim what is first of its lane.

The statements and their races are explained in docs/runtime.md, Outside steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.flows.runtime import Step, Steps, Told
from app.infra.outbox import Place
from app.infra.uow import Trail, UnitOfWork

OPEN = "('due','running','behind','parked','rejected')"
ASIDE_LOOK = 2000  # how far one round looks for deliveries that are not first of their lane
SILENT = "1.5 s"  # a worker that has not beaten for so long has lost its work

END = """
UPDATE hub.delivery d SET state = 'done', done_at = now(), code = NULL, in_doubt = false
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(fences)s::int[]) h(event_id, id, fence)
 WHERE d.event_id = h.event_id AND d.id = h.id AND d.fence = h.fence AND d.state = 'running'
RETURNING d.id
"""

ATTEMPTS = """
INSERT INTO hub.attempt (event_id, delivery, n, started_at, ended_at, outcome, worker)
SELECT h.event_id, h.id, h.n, h.started_at, h.ended_at, h.outcome, %(worker)s
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(ns)s::int[], %(started)s::timestamptz[],
              %(ended)s::timestamptz[], %(outcomes)s::text[]) h(event_id, id, n, started_at, ended_at, outcome)
ON CONFLICT (event_id, delivery, n) DO NOTHING
"""

ASIDE = f"""
UPDATE hub.delivery d SET state = 'behind'
  FROM (SELECT event_id, id FROM hub.delivery
         WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'due'
           AND next_at <= now() AND subscriber <> ALL(%(latest)s::text[])
         ORDER BY id LIMIT {ASIDE_LOOK}) s
 WHERE d.event_id = s.event_id AND d.id = s.id AND d.state = 'due'
   AND EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.id <> d.id
                  AND (e.id < d.id OR e.state = 'running') AND e.state IN {OPEN})
"""

CLAIM = f"""
WITH mine AS MATERIALIZED (
    SELECT d.event_id, d.id, d.state AS was, d.next_at AS lease_end FROM hub.delivery d
     WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0
       AND (state = 'due' AND next_at <= now() AND subscriber <> ALL(%(latest)s::text[])
            OR state = 'running' AND (next_at <= now() OR NOT EXISTS (
                SELECT FROM hub.worker w WHERE w.id = d.holder AND w.beat_at > now() - interval '{SILENT}')))
       AND NOT EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.id <> d.id
                          AND (e.id < d.id OR e.state = 'running') AND e.state IN {OPEN})
     ORDER BY d.id LIMIT %(room)s FOR UPDATE OF d SKIP LOCKED),
claimed AS (
    UPDATE hub.delivery d
       SET state = 'running', attempt = attempt + 1, fence = fence + 1, holder = %(worker)s,
           next_at = now() + make_interval(secs => %(lease)s), in_doubt = in_doubt OR mine.was = 'running',
           deaths = deaths + (mine.was = 'running')::int
      FROM mine WHERE d.event_id = mine.event_id AND d.id = mine.id
    RETURNING d.event_id, d.id, d.subscriber, d.lane, d.attempt, d.fence, d.in_doubt, d.deaths,
              mine.was, mine.lease_end)
SELECT c.*, e.payload, e.correlation_id, e.origin, e.traceparent, e.key
  FROM claimed c JOIN hub.event e ON e.id = c.event_id ORDER BY c.id
"""

# Only the newest of each lane is sent; older ones end superseded and leave their back-off to it.
CLAIM_LATEST = """
WITH ready AS (
    SELECT lane, id FROM hub.delivery d
     WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'due' AND next_at <= now()
       AND subscriber = ANY(%(latest)s::text[])
       AND NOT EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.state = 'running') ORDER BY id LIMIT 500),
mine AS MATERIALIZED (SELECT lane FROM ready GROUP BY lane ORDER BY min(id) LIMIT %(room)s),
newest AS MATERIALIZED (
    SELECT m.lane, n.event_id, n.id FROM mine m CROSS JOIN LATERAL
           (SELECT event_id, id FROM hub.delivery b WHERE b.lane = m.lane AND b.state IN ('due', 'behind')
             ORDER BY b.id DESC LIMIT 1) n),
old AS (
    UPDATE hub.delivery d SET state = 'superseded', done_at = now() FROM newest n
     WHERE d.lane = n.lane AND d.id < n.id AND d.state IN ('due', 'behind', 'parked', 'rejected')
    RETURNING d.lane, d.next_at),
wait AS (SELECT n.*, (SELECT max(next_at) FROM old o WHERE o.lane = n.lane) AS until FROM newest n),
claimed AS (
    UPDATE hub.delivery d
       SET state = CASE WHEN w.until > now() THEN 'due' ELSE 'running' END,
           next_at = CASE WHEN w.until > now() THEN w.until ELSE now() + make_interval(secs => %(lease)s) END,
           attempt = attempt + CASE WHEN w.until > now() THEN 0 ELSE 1 END, fence = fence + 1, holder = %(worker)s
      FROM wait w WHERE d.event_id = w.event_id AND d.id = w.id
    RETURNING d.event_id, d.id, d.subscriber, d.lane, d.attempt, d.fence, d.in_doubt, d.deaths, d.state AS now_is)
SELECT c.event_id, c.id, c.subscriber, c.lane, c.attempt, c.fence, c.in_doubt, c.deaths, 'due', NULL::timestamptz,
       e.payload, e.correlation_id, e.origin, e.traceparent, e.key
  FROM claimed c JOIN hub.event e ON e.id = c.event_id WHERE c.now_is = 'running' ORDER BY c.id
"""

# What a dead worker left takes no room: else the calls that wait to be taken over would keep it from ever happening.
RUNNING = f"""
SELECT count(*) FROM hub.delivery d
 WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'running' AND next_at > now()
   AND EXISTS (SELECT FROM hub.worker w WHERE w.id = d.holder AND w.beat_at > now() - interval '{SILENT}')
"""

POSTPONE = """
UPDATE hub.delivery SET state = 'due', attempt = attempt - 1, next_at = %(until)s
 WHERE event_id = %(event)s AND id = %(id)s AND fence = %(fence)s AND state = 'running'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that this process holds, under a fence."""

    place: Place
    step: Step
    event_id: int
    delivery_id: int
    lane: str | None
    attempt: int
    fence: int
    in_doubt: bool
    deaths: int
    taken_over: bool
    lease_end: datetime | None  # of the holder it was taken from
    payload: dict[str, Any]
    trail: Trail
    key: str

    def told(self, fact: Any) -> Told[Any]:
        return Told(
            fact=fact, trail=self.trail, event_id=self.event_id, delivery_id=self.delivery_id,
            connection=self.place.connection, attempt=self.attempt, again=self.in_doubt,
        )  # fmt: skip


def end(uow: UnitOfWork, claims: Sequence[Claim]) -> set[int]:
    """End what succeeded; returns the ids that were still ours, the fence decides."""
    given = {
        "events": [claim.event_id for claim in claims],
        "ids": [claim.delivery_id for claim in claims],
        "fences": [claim.fence for claim in claims],
    }
    return {row[0] for row in uow.sql(END, given)}


def put_aside(uow: UnitOfWork, place: Place, latest: list[str]) -> int:
    """Mark what is not first of its lane, so that nobody looks at it until its turn."""
    given = {"queue": place.queue, "connection": place.connection, "latest": latest}
    return uow.sql(ASIDE, given).rowcount


def running(uow: UnitOfWork, place: Place) -> int:
    """How many calls of all living processes a connection has under way in a queue."""
    row = uow.sql(RUNNING, {"queue": place.queue, "connection": place.connection}).fetchone()
    return int(row[0]) if row else 0


def claim(
    uow: UnitOfWork, place: Place, steps: Steps, *, room: int, worker: int, lease: float, latest: list[str]
) -> list[Claim]:
    """Take what is ready and first of its lane, at most `room`."""
    given = {
        "queue": place.queue, "connection": place.connection, "room": room, "worker": worker, "lease": lease,
        "latest": latest,
    }  # fmt: skip
    rows = uow.sql(CLAIM, given).fetchall()
    if latest and room > len(rows):
        rows += uow.sql(CLAIM_LATEST, {**given, "room": room - len(rows)}).fetchall()
    return [made for row in rows if (made := _claim(place, steps, row)) is not None]


def _claim(place: Place, steps: Steps, row: tuple[Any, ...]) -> Claim | None:
    step = steps.by_name.get(row[2])
    if step is None:  # of a newer release; its lease ends and a worker of that release takes it
        return None
    return Claim(
        place=place, step=step, event_id=row[0], delivery_id=row[1], lane=row[3], attempt=row[4], fence=row[5],
        in_doubt=row[6], deaths=row[7], taken_over=row[8] == "running", lease_end=row[9], payload=row[10], key=row[14],
        trail=Trail(correlation_id=row[11], causation_id=row[0], origin=row[12], traceparent=row[13]),
    )  # fmt: skip


def postpone(uow: UnitOfWork, held: Claim, until: datetime) -> None:
    """Give a delivery back until then; no attempt is counted."""
    given = {"event": held.event_id, "id": held.delivery_id, "fence": held.fence, "until": until}
    uow.sql(POSTPONE, given)


def doubt_until(held: Claim, lease: float, doubt: float) -> datetime | None:
    """When it is safe to look after a call that was taken over: the remote may still be working on it before then."""
    if not held.taken_over or held.lease_end is None:
        return None
    return held.lease_end - timedelta(seconds=lease) + timedelta(seconds=doubt)
