"""Every way out of parked or rejected: replay, dismissal, the end of a case. All take the lane's decider lock."""

from __future__ import annotations

from collections.abc import Sequence

from app.infra.acts import record_act
from app.infra.cases import close, settle_of, waiting
from app.infra.locks import hold_place
from app.infra.outbox import NOWHERE, Place
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused

PLACES = """
SELECT DISTINCT d.queue, d.connection, d.partition, coalesce(c.number, 0)
  FROM hub.delivery d LEFT JOIN hub.connection c ON c.name = d.connection
 WHERE d.id = ANY(%(ids)s::bigint[]) AND d.event_id = ANY(%(events)s::bigint[])
 ORDER BY 1, 2, 3
"""

# A delivery that is first of its lane runs now; one that is not goes behind. Work that has had its effect is told so.
AGAIN = """
UPDATE hub.delivery d
   SET state = CASE WHEN EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.id < d.id
                                   AND e.state IN ('due','running','behind','parked','rejected')
                                   AND e.id <> ALL(%(ids)s::bigint[])) THEN 'behind' ELSE 'due' END,
       next_at = now(), attempt = 0, deaths = 0, code = NULL, done_at = NULL,
       in_doubt = d.in_doubt OR d.state IN ('done', 'superseded', 'rejected', 'parked')
 WHERE d.id = ANY(%(ids)s::bigint[]) AND d.event_id = ANY(%(events)s::bigint[]) AND d.connection <> '-'
   AND d.state IN ('parked', 'rejected', 'done', 'superseded', 'dismissed')
RETURNING d.id, d.queue, d.connection, d.partition
"""

DISMISS = """
UPDATE hub.delivery d SET state = 'dismissed', done_at = now()
 WHERE d.id = ANY(%(ids)s::bigint[]) AND d.event_id = ANY(%(events)s::bigint[])
   AND d.state IN ('parked', 'rejected', 'due', 'behind')
RETURNING d.id, d.lane, d.queue, d.connection, d.partition
"""

WAKE = """
UPDATE hub.delivery d SET state = 'due' FROM unnest(%(lanes)s::text[]) l(lane)
  CROSS JOIN LATERAL (SELECT b.event_id, b.id FROM hub.delivery b WHERE b.lane = l.lane
                         AND b.state IN ('due','running','behind','parked','rejected') ORDER BY b.id LIMIT 1) n
 WHERE d.event_id = n.event_id AND d.id = n.id AND d.state = 'behind'
"""

EVENTS = "SELECT event_id, id FROM hub.delivery WHERE id = ANY(%(ids)s::bigint[])"


def replay(uow: UnitOfWork, ids: Sequence[int], who: str, why: str = "") -> int:
    """Let ended or set-aside deliveries run again, told to look before they write; returns how many."""
    given = _decide(uow, ids)
    rows = uow.sql(AGAIN, given).fetchall()
    _ring(uow, {Place(queue, connection, partition) for _, queue, connection, partition in rows})
    record_act(uow, who, "replayed deliveries", kind="delivery", key=_keys(ids), why=why, facts={"count": len(rows)})
    settle_of(uow, [row[0] for row in rows], who)
    return len(rows)


SET_ASIDE = "SELECT id FROM hub.delivery WHERE lane = %(lane)s AND state IN ('parked', 'rejected') ORDER BY id"


def replay_lane(uow: UnitOfWork, lane: str, who: str, why: str) -> int:
    """Let what was set aside in one lane run again: its cause is gone; returns how many."""
    ids = [row[0] for row in uow.sql(SET_ASIDE, {"lane": lane})]
    return replay(uow, ids, who, why) if ids else 0


def dismiss(uow: UnitOfWork, ids: Sequence[int], who: str, why: str) -> int:
    """End deliveries that are not needed; what waited behind them goes on. A reason and a name are required."""
    if not why.strip() or not who.strip():
        raise Invalid("deliveries.reason_missing", "a dismissal needs a reason and a name")
    given = _decide(uow, ids)
    rows = uow.sql(DISMISS, given).fetchall()
    lanes = sorted({row[1] for row in rows if row[1]})
    if lanes:
        uow.sql(WAKE, {"lanes": lanes})
    _ring(uow, {Place(queue, connection, partition) for _, _, queue, connection, partition in rows})
    for _, _, queue, _, _ in rows:
        uow.tally("deliveries_dismissed", queue)
    record_act(uow, who, "dismissed deliveries", kind="delivery", key=_keys(ids), why=why, facts={"count": len(rows)})
    settle_of(uow, [row[0] for row in rows], who)
    return len(rows)


def resolve_case(uow: UnitOfWork, case_id: str, who: str, why: str = "") -> int:
    """The cause is mended: end the case and let everything that waited for it go on; returns how many."""
    ids = waiting(uow, case_id)
    close(uow, case_id, "resolved", who, why)
    return replay(uow, ids, who, why or "case resolved") if ids else 0


def dismiss_case(uow: UnitOfWork, case_id: str, who: str, why: str) -> int:
    """Nobody needs this: end the case and dismiss what waited for it; returns how many."""
    if not why.strip():
        raise Invalid("cases.reason_missing", "a dismissal needs a reason")
    ids = waiting(uow, case_id)
    close(uow, case_id, "dismissed", who, why)
    return dismiss(uow, ids, who, why) if ids else 0


def _decide(uow: UnitOfWork, ids: Sequence[int]) -> dict[str, list[int]]:
    """Take the decider lock of every place that these deliveries lie in, in one order for everybody."""
    if not ids:
        raise Refused("deliveries.nothing_chosen", "no delivery was named")
    wanted = {"ids": sorted(set(ids))}
    events = sorted({row[0] for row in uow.sql(EVENTS, wanted)})
    given = {**wanted, "events": events}
    for queue, connection, partition, number in uow.sql(PLACES, given).fetchall():
        if connection != NOWHERE:
            hold_place(uow, queue, number if connection else partition)
    return given


def _ring(uow: UnitOfWork, places: set[Place]) -> None:
    uow.after_commit(lambda: uow.hub.bell.ring(places))


def _keys(ids: Sequence[int]) -> str:
    return ",".join(str(one) for one in list(ids)[:20])
