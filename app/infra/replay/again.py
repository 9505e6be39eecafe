"""Every way out of parked or rejected: replay, dismissal, the end of a case. All take the lane's decider lock."""

from __future__ import annotations

from collections.abc import Sequence

from app.infra.acts import record_act
from app.infra.cases import close, settle_of, waiting
from app.infra.lanes import wake_first
from app.infra.locate import Key, locate
from app.infra.locks import hold_place
from app.infra.open_from import opened_again
from app.infra.outbox import NOWHERE, Place
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid

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
       in_doubt = d.connection <> '' AND (d.in_doubt OR d.state IN ('done', 'superseded', 'rejected', 'parked'))
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


def replay(uow: UnitOfWork, ids: Sequence[int], who: str, why: str = "") -> int:
    """Let ended or set-aside deliveries run again, told to look before they write; returns how many."""
    released = release(uow, locate(uow, ids), who)
    facts = {"count": len(released)}
    record_act(uow, who, "replayed deliveries", kind="delivery", key=_keys(ids), why=why, facts=facts)
    return len(released)


def release(uow: UnitOfWork, keys: Sequence[Key], who: str) -> set[int]:
    """Set these deliveries going, under their places' decider locks; returns the ids of those that could be.

    Who calls it keeps the act.
    """
    given = _decide(uow, keys)
    opened_again(uow, given["events"])
    rows = uow.sql(AGAIN, given).fetchall()
    _ring(uow, {Place(queue, connection, partition) for _, queue, connection, partition in rows})
    settle_of(uow, [row[0] for row in rows], who)
    return {row[0] for row in rows}


SET_ASIDE = "SELECT id FROM hub.delivery WHERE lane = %(lane)s AND state IN ('parked', 'rejected') ORDER BY id"


def replay_lane(uow: UnitOfWork, lane: str, who: str, why: str) -> int:
    """Let what was set aside in one lane run again: its cause is gone; returns how many."""
    ids = [row[0] for row in uow.sql(SET_ASIDE, {"lane": lane})]
    return replay(uow, ids, who, why) if ids else 0


def dismiss(uow: UnitOfWork, ids: Sequence[int], who: str, why: str) -> int:
    """End deliveries that are not needed; what waited behind them goes on. A reason and a name are required."""
    if not why.strip() or not who.strip():
        raise Invalid("deliveries.reason_missing", "a dismissal needs a reason and a name")
    given = _decide(uow, locate(uow, ids))
    rows = uow.sql(DISMISS, given).fetchall()
    wake_first(uow, [row[1] for row in rows if row[1]])
    _ring(uow, {Place(queue, connection, partition) for _, _, queue, connection, partition in rows})
    for _, _, queue, _, _ in rows:
        uow.tally("deliveries_dismissed", queue)
    record_act(uow, who, "dismissed deliveries", kind="delivery", key=_keys(ids), why=why, facts={"count": len(rows)})
    settle_of(uow, [row[0] for row in rows], who)
    return len(rows)


CONCLUDE = """
UPDATE hub.delivery SET state = 'done', code = NULL, in_doubt = false, done_at = now(), fence = fence + 1
 WHERE event_id = %(event)s AND id = %(id)s AND in_doubt AND state IN ('due', 'behind', 'parked', 'rejected')
RETURNING lane, queue, connection, partition
"""
SEND = """
UPDATE hub.delivery SET in_doubt = false WHERE event_id = %(event)s AND id = %(id)s
"""
TOLD = """
INSERT INTO hub.attempt (event_id, delivery, n, started_at, ended_at, outcome, said)
SELECT %(event)s, %(id)s, coalesce(max(n), 0) + 1, now(), now(), %(outcome)s, %(said)s
  FROM hub.attempt WHERE event_id = %(event)s AND delivery = %(id)s
"""


def conclude(uow: UnitOfWork, key: Key, who: str, said: str) -> bool:
    """End a delivery in doubt by a person's word that it happened; False where it is not in doubt any more."""
    _decide(uow, [key])
    given = {"event": key[0], "id": key[1], "outcome": "confirmed", "said": said}
    row = uow.sql(CONCLUDE, given).fetchone()
    if row is None:
        return False
    lane, queue, connection, partition = row
    uow.sql(TOLD, given)
    wake_first(uow, [lane] if lane else [])
    uow.tally("deliveries_done", queue)
    _ring(uow, {Place(queue, connection, partition)})
    settle_of(uow, [key[1]], who)
    return True


def send_again(uow: UnitOfWork, key: Key, who: str, said: str) -> bool:
    """Let a parked delivery in doubt be sent once more by a person's word that nothing happened."""
    if not release(uow, [key], who):
        return False
    given = {"event": key[0], "id": key[1], "outcome": "did not happen", "said": said}
    uow.sql(SEND, given)
    uow.sql(TOLD, given)
    return True


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


def _decide(uow: UnitOfWork, keys: Sequence[Key]) -> dict[str, list[int]]:
    """Take the decider lock of every place that these deliveries lie in, in one order for everybody."""
    given = {"ids": sorted({number for _, number in keys}), "events": sorted({event_id for event_id, _ in keys})}
    for queue, connection, partition, number in uow.sql(PLACES, given).fetchall():
        if connection != NOWHERE:
            hold_place(uow, queue, number if connection else partition)
    return given


def _ring(uow: UnitOfWork, places: set[Place]) -> None:
    uow.after_commit(lambda: uow.hub.bell.ring(places))


def _keys(ids: Sequence[int]) -> str:
    return ",".join(str(one) for one in list(ids)[:20])
