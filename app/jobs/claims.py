"""What the dispatcher asks of the database: end what came back, claim what is first of its lane.

The statements and their races are explained in docs/runtime.md, Outside steps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from app.flows.policy import count_took
from app.flows.runtime import Step, Steps, Told
from app.infra.open_from import open_from
from app.infra.outbox import Place
from app.infra.uow import Trail, UnitOfWork
from app.jobs.strangers import Stranger, knows, leave

OPEN = "('due','running','behind','parked','rejected')"
ASIDE_LOOK = 2000  # how far one round looks for deliveries that are not first of their lane
SILENT = "1.5 s"  # a worker that has not beaten for so long has lost its work

END = """
WITH ended AS (
    UPDATE hub.delivery d SET state = 'done', done_at = now(), code = NULL, in_doubt = false
      FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(fences)s::int[]) h(event_id, id, fence)
     WHERE d.event_id = h.event_id AND d.id = h.id AND d.fence = h.fence AND d.state = 'running'
    RETURNING d.event_id, d.id, d.subscriber)
SELECT d.id, d.subscriber, extract(epoch FROM now() - e.at)::float8
  FROM ended d JOIN hub.event e ON e.id = d.event_id
"""

# Its holder was only silent: a database that was away, a machine that stood still. It took nothing with it.
FORGIVE = """
UPDATE hub.delivery d SET deaths = d.deaths - 1
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(fences)s::int[]) h(event_id, id, fence)
 WHERE d.event_id = h.event_id AND d.id = h.id AND d.fence > h.fence AND d.deaths > 0 AND d.state <> 'parked'
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
           AND event_id >= %(from)s AND next_at <= now() AND subscriber <> ALL(%(latest)s::text[])
         ORDER BY id LIMIT {ASIDE_LOOK}) s
 WHERE d.event_id = s.event_id AND d.event_id >= %(from)s AND d.id = s.id AND d.state = 'due'
   AND EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.event_id >= %(from)s AND e.id <> d.id
                  AND (e.id < d.id OR e.state = 'running') AND e.state IN {OPEN})
"""

# Of a step that sends the newest alone, an older one that was told late does not hold back what a dead worker left.
CLAIM = f"""
WITH mine AS MATERIALIZED (
    SELECT d.event_id, d.id, d.state AS was, extract(epoch FROM d.next_at - now()) AS lease_left FROM hub.delivery d
     WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND d.event_id >= %(from)s
       AND (state = 'due' AND next_at <= now() AND subscriber <> ALL(%(latest)s::text[])
            OR state = 'running' AND (next_at <= now() OR NOT EXISTS (
                SELECT FROM hub.worker w WHERE w.id = d.holder AND w.beat_at > now() - interval '{SILENT}')))
       AND d.id <= %(last)s
       AND NOT EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.event_id >= %(from)s AND e.id <> d.id
                          AND (e.id < d.id AND d.subscriber <> ALL(%(latest)s::text[]) OR e.state = 'running')
                          AND e.state IN {OPEN})
     ORDER BY d.id LIMIT %(room)s FOR UPDATE OF d SKIP LOCKED),
claimed AS (
    UPDATE hub.delivery d
       SET state = 'running', attempt = attempt + 1, fence = fence + 1, holder = %(worker)s,
           next_at = now() + make_interval(secs => %(lease)s), in_doubt = in_doubt OR mine.was = 'running',
           deaths = deaths + (mine.was = 'running')::int
      FROM mine WHERE d.event_id = mine.event_id AND d.event_id >= %(from)s AND d.id = mine.id
    RETURNING d.event_id, d.id, d.subscriber, d.lane, d.attempt, d.fence, d.in_doubt, d.deaths,
              mine.was, mine.lease_left, d.edited, d.shadow, d.compared)
SELECT c.event_id, c.id, c.subscriber, c.lane, c.attempt, c.fence, c.in_doubt, c.deaths, c.was, c.lease_left,
       coalesce(c.edited, e.payload), e.correlation_id, e.origin, e.traceparent, e.key, c.shadow, c.compared,
       e.type
  FROM claimed c JOIN hub.event e ON e.id = c.event_id AND e.id >= %(from)s ORDER BY c.id
"""

# Only the newest of each lane is sent; older ones end superseded and leave their back-off to it.
CLAIM_LATEST = """
WITH ready AS (
    SELECT lane, id FROM hub.delivery d
     WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'due' AND next_at <= now()
       AND d.event_id >= %(from)s AND subscriber = ANY(%(latest)s::text[]) AND d.id <= %(last)s
       AND NOT EXISTS (SELECT FROM hub.delivery e
                        WHERE e.lane = d.lane AND e.event_id >= %(from)s AND e.state = 'running')
     ORDER BY id LIMIT 500),
mine AS MATERIALIZED (SELECT lane FROM ready GROUP BY lane ORDER BY min(id) LIMIT %(room)s),
newest AS MATERIALIZED (
    SELECT m.lane, n.event_id, n.id FROM mine m CROSS JOIN LATERAL
           (SELECT event_id, id FROM hub.delivery b
             WHERE b.lane = m.lane AND b.event_id >= %(from)s AND b.state IN ('due', 'behind')
             ORDER BY b.id DESC LIMIT 1) n),
old AS (
    UPDATE hub.delivery d SET state = 'superseded', done_at = now(), code = 'hub.overtaken', overtaken_by = n.id
      FROM newest n
     WHERE d.lane = n.lane AND d.event_id >= %(from)s AND d.id < n.id
       AND d.state IN ('due', 'behind', 'parked', 'rejected')
    RETURNING d.lane, d.next_at),
counted AS (
    INSERT INTO hub.tally (name, label, n)
    SELECT 'deliveries_superseded', %(queue)s, count(*) FROM old HAVING count(*) > 0),
wait AS (SELECT n.*, (SELECT max(next_at) FROM old o WHERE o.lane = n.lane) AS until FROM newest n),
claimed AS (
    UPDATE hub.delivery d
       SET state = CASE WHEN w.until > now() THEN 'due' ELSE 'running' END,
           next_at = CASE WHEN w.until > now() THEN w.until ELSE now() + make_interval(secs => %(lease)s) END,
           attempt = attempt + CASE WHEN w.until > now() THEN 0 ELSE 1 END, fence = fence + 1, holder = %(worker)s
      FROM wait w WHERE d.event_id = w.event_id AND d.event_id >= %(from)s AND d.id = w.id
    RETURNING d.event_id, d.id, d.subscriber, d.lane, d.attempt, d.fence, d.in_doubt, d.deaths, d.state AS now_is,
              d.edited, d.shadow, d.compared)
SELECT c.event_id, c.id, c.subscriber, c.lane, c.attempt, c.fence, c.in_doubt, c.deaths, 'due', NULL::float,
       coalesce(c.edited, e.payload), e.correlation_id, e.origin, e.traceparent, e.key, c.shadow, c.compared,
       e.type
  FROM claimed c JOIN hub.event e ON e.id = c.event_id AND e.id >= %(from)s WHERE c.now_is = 'running' ORDER BY c.id
"""

# What a dead worker left takes no room: else the calls that wait to be taken over would keep it from ever happening.
RUNNING = f"""
SELECT count(*) FROM hub.delivery d
 WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'running' AND next_at > now()
   AND d.event_id >= %(from)s
   AND EXISTS (SELECT FROM hub.worker w WHERE w.id = d.holder AND w.beat_at > now() - interval '{SILENT}')
"""

POSTPONE = """
UPDATE hub.delivery SET state = 'due', attempt = attempt - 1, next_at = now() + make_interval(secs => %(seconds)s)
 WHERE event_id = %(event)s AND id = %(id)s AND fence = %(fence)s AND state = 'running'
"""

DISOWN = """
UPDATE hub.delivery SET state = 'due', attempt = attempt - 1, next_at = now()
 WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'running'
   AND holder = %(worker)s AND id <> ALL(%(held)s::bigint[])
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
    lease_left: float  # seconds, by the database's clock, of the holder it was taken from
    payload: dict[str, Any]
    trail: Trail
    key: str
    shadow: bool
    compared: bool
    event_type: str

    def told(self, fact: Any) -> Told[Any]:
        return Told(
            fact=fact, trail=self.trail, event_id=self.event_id, delivery_id=self.delivery_id,
            connection=self.place.connection, attempt=self.attempt, again=self.in_doubt,
        )  # fmt: skip


def end(uow: UnitOfWork, claims: Sequence[Claim]) -> set[int]:
    """End what succeeded; returns the ids that were still ours, the fence decides."""
    ended = uow.sql(END, _fenced(claims)).fetchall()
    count_took(uow, [(step, seconds) for _, step, seconds in ended])
    ours = {row[0] for row in ended}
    if len(ours) < len(claims):
        uow.sql(FORGIVE, _fenced([claim for claim in claims if claim.delivery_id not in ours]))
    return ours


def _fenced(claims: Sequence[Claim]) -> dict[str, list[int]]:
    return {
        "events": [claim.event_id for claim in claims],
        "ids": [claim.delivery_id for claim in claims],
        "fences": [claim.fence for claim in claims],
    }


def put_aside(uow: UnitOfWork, place: Place, latest: list[str]) -> int:
    """Mark what is not first of its lane, so that nobody looks at it until its turn."""
    given = {"queue": place.queue, "connection": place.connection, "latest": latest, "from": open_from(uow)}
    return uow.sql(ASIDE, given).rowcount


def running(uow: UnitOfWork, place: Place) -> int:
    """How many calls of all living processes a connection has under way in a queue."""
    given = {"queue": place.queue, "connection": place.connection, "from": open_from(uow)}
    row = uow.sql(RUNNING, given).fetchone()
    return int(row[0]) if row else 0


def claim(
    uow: UnitOfWork, place: Place, steps: Steps, *, room: int, worker: int, lease: float, latest: list[str]
) -> list[Claim]:
    """Take what is ready and first of its lane, at most `room`; of a drained connection only what was there before."""
    connection = uow.hub.connections.get(uow.session, place.connection)
    given = {
        "queue": place.queue, "connection": place.connection, "room": room, "worker": worker, "lease": lease,
        "latest": latest, "last": connection.last_delivery, "from": open_from(uow),
    }  # fmt: skip
    rows = uow.sql(CLAIM, given).fetchall()
    if latest and room > len(rows):
        rows += uow.sql(CLAIM_LATEST, {**given, "room": room - len(rows)}).fetchall()
    strange = [row for row in rows if not knows(steps, row[2], row[17])]
    if strange:
        leave(uow, place, steps, [Stranger(event_id=row[0], delivery_id=row[1], subscriber=row[2]) for row in strange])
    return [_claim(place, steps, row) for row in rows if row not in strange]


def _claim(place: Place, steps: Steps, row: tuple[Any, ...]) -> Claim:
    return Claim(
        place=place, step=steps.by_name[row[2]], event_id=row[0], delivery_id=row[1], lane=row[3], attempt=row[4],
        fence=row[5], in_doubt=row[6], deaths=row[7], taken_over=row[8] == "running",
        lease_left=float(row[9] or 0), payload=row[10], key=row[14], shadow=row[15], compared=row[16],
        event_type=row[17],
        trail=Trail(correlation_id=row[11], causation_id=row[0], origin=row[12], traceparent=row[13]),
    )  # fmt: skip


def postpone(uow: UnitOfWork, held: Claim, seconds: float) -> None:
    """Give a delivery back for so long; no attempt is counted."""
    given = {"event": held.event_id, "id": held.delivery_id, "fence": held.fence, "seconds": seconds}
    uow.sql(POSTPONE, given)


def disown(uow: UnitOfWork, place: Place, worker: int, held: Collection[int]) -> None:
    """Give back what a commit claimed whose answer was lost with the connection: nobody has called for it."""
    given = {"queue": place.queue, "connection": place.connection, "worker": worker, "held": list(held)}
    uow.sql(DISOWN, given)


def doubt_left(held: Claim, lease: float, doubt: float) -> float:
    """Seconds until it is safe to look after a call that was taken over: the remote may be at it until then.

    By the database's clock alone: that of this process may be wrong by any amount.
    """
    return held.lease_left - lease + doubt if held.taken_over else 0.0
