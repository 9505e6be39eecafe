"""Queued work moved from one connection to another: only by a person, only what has not begun, lane by lane.

What was asked of a connection stays there: a lane of which anything ran, runs or may have had its effect is left, as is
work that the other connection has, too. The rest keeps its order: a lane moves whole, under both deciders' locks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.infra.acts import record_act
from app.infra.cases import settle_of
from app.infra.connections import ConnectionRow
from app.infra.lanes import wake_first
from app.infra.locks import hold_place
from app.infra.outbox import QUEUES, Place
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

MOST = 10_000  # lanes of one move; more are moved by asking again

OPEN = "('due', 'running', 'behind', 'parked', 'rejected')"
# Everything of a role's steps that is open at the old connection, lane by lane; and why a lane must stay, if it must.
LOOK = f"""
WITH open AS MATERIALIZED (
    SELECT d.event_id, d.id, d.subscriber, d.queue, d.lane, d.state, d.in_doubt, e.key FROM hub.delivery d
      JOIN hub.event e ON e.id = d.event_id
     WHERE d.connection = %(old)s AND d.state IN {OPEN} AND NOT d.shadow AND d.subscriber = ANY(%(steps)s::text[])
       AND d.lane IS NOT NULL AND %(company)s IN ('', coalesce(e.payload->>'company', ''))
       AND %(channel)s IN ('', coalesce(e.payload->>'channel', ''))),
mine AS (SELECT o.* FROM open o JOIN (SELECT lane FROM open GROUP BY lane ORDER BY min(id) LIMIT {MOST}) l USING (lane))
SELECT event_id, id, queue, lane,
       CASE WHEN state = 'running' THEN 'running' WHEN in_doubt THEN 'in doubt'
            WHEN EXISTS (SELECT FROM hub.event b JOIN hub.delivery h ON h.event_id = b.id
                          WHERE b.key = mine.key AND h.connection = %(old)s AND h.lane = mine.lane
                            AND h.state = 'done') THEN 'begun there'
            WHEN EXISTS (SELECT FROM hub.delivery t WHERE t.event_id = mine.event_id
                            AND t.subscriber = mine.subscriber AND t.connection = %(new)s) THEN 'there already'
            ELSE '' END
  FROM mine ORDER BY id
"""
MOVE = """
UPDATE hub.delivery d
   SET connection = %(new)s, lane = m.lane, state = 'behind', next_at = now(), attempt = 0, deaths = 0, code = NULL
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(lanes)s::text[]) m(event_id, id, lane)
 WHERE d.event_id = m.event_id AND d.id = m.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How many deliveries were moved, or would be, and how many stay, by the reason."""

    moved: int
    lanes: int
    stay: dict[str, int]


def move_work(
    uow: UnitOfWork, role: str, old: str, new: str, who: str, why: str, *, company: str = "", channel: str = "",
    dry: bool = False,
) -> Moved:  # fmt: skip
    """Give one connection's queued work of a role to another that can play it; `dry` only counts.

    Raises NotFound (`connections.unknown`), Invalid (`routes.role`, `routes.same`, `routes.reason_missing`) or Refused
    (`routes.shadow`). Whether the new one offers what the steps call is seen when it is called.
    """
    steps = uow.hub.outbox.subscribers_of(role)
    if not steps:
        raise Invalid("routes.role", f"no step asks for role {role!r}; there are {', '.join(uow.hub.outbox.roles)}")
    if old == new:
        raise Invalid("routes.same", f"the old and the new connection are both {old}")
    if not dry and not why.strip():
        raise Invalid("routes.reason_missing", "say why the work is moved; it is kept in the audit")
    numbers = _numbers(uow, old, new)
    for queue in sorted(QUEUES):
        for name in sorted(numbers):
            hold_place(uow, queue, numbers[name])
    given = {"old": old, "new": new, "steps": list(steps), "company": company, "channel": channel}
    rows = uow.sql(LOOK, given).fetchall()
    stays = {lane: reason for *_, lane, reason in reversed(rows) if reason}
    going = [row for row in rows if row[3] not in stays]
    counted: dict[str, int] = {}
    for row in rows:
        if row[3] in stays:
            counted[stays[row[3]]] = counted.get(stays[row[3]], 0) + 1
    told = Moved(moved=len(going), lanes=len({row[3] for row in going}), stay=counted)
    if not dry and going:
        _move(uow, going, old, new)
        facts = {"from": old, "to": new, "role": role, "moved": told.moved, "stay": counted}
        record_act(uow, who, "moved queued work", kind="connection", key=old, why=why.strip(), facts=facts)
    return told


def _move(uow: UnitOfWork, going: list[tuple[Any, ...]], old: str, new: str) -> None:
    lanes = [lane.replace(f"|{old}|", f"|{new}|", 1) for *_, lane, _ in going]
    ids = [row[1] for row in going]
    uow.sql(MOVE, {"new": new, "events": [row[0] for row in going], "ids": ids, "lanes": lanes})
    wake_first(uow, lanes)
    settle_of(uow, ids, "hub")
    uow.after_commit(lambda: uow.hub.bell.ring({Place(row[2], new) for row in going}))


def _numbers(uow: UnitOfWork, old: str, new: str) -> dict[str, int]:
    numbers = {}
    for name in (old, new):
        row = uow.session.get(ConnectionRow, name)
        if row is None:
            raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
        if row.shadow:
            raise Refused("routes.shadow", f"{name} is a shadow: what waits there is sent by nobody", about=name)
        numbers[name] = row.number
    return numbers
