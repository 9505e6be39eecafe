"""Draining: a connection takes no new work and finishes what it has. What comes meanwhile waits and costs nothing.

Everything up to a mark is finished: the last delivery there was when the drain began. Webhooks are kept and
acknowledged as always, and looked into once the connection is resumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.infra.acts import record_act
from app.infra.connections import ConnectionRow
from app.infra.outbox import QUEUES
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

DRAINING = "draining"
WAITS = "connections.draining"  # the code of a notice that waits for its connection to be resumed
MOST = 100_000  # counted so far

MARK = "SELECT last_value - (NOT is_called)::int FROM hub.delivery_id"
PROGRESS = """
SELECT count(*) FILTER (WHERE state = 'running' AND id <= %(mark)s),
       count(*) FILTER (WHERE state = 'due' AND id <= %(mark)s AND next_at <= now()),
       count(*) FILTER (WHERE state = 'due' AND id <= %(mark)s AND next_at > now()),
       count(*) FILTER (WHERE id > %(mark)s)
  FROM (SELECT id, state, next_at FROM hub.delivery
         WHERE queue = ANY(%(queues)s::text[]) AND connection = %(name)s AND partition = 0
           AND state IN ('due', 'running') LIMIT %(most)s) w
"""
ASIDE = """
SELECT count(*) FROM (SELECT FROM hub.delivery WHERE connection = %(name)s AND state IN ('parked', 'rejected')
   AND id <= %(mark)s LIMIT 1000) a
"""
EMPTIED = """
UPDATE hub.connection c SET drained_at = now()
 WHERE state = 'draining' AND drained_at IS NULL
   AND NOT EXISTS (SELECT FROM hub.delivery d WHERE d.queue = ANY(%(queues)s::text[]) AND d.connection = c.name
                      AND d.partition = 0 AND d.state IN ('due', 'running') AND d.id <= c.drain_to)
RETURNING name
"""
LOOK_AGAIN = """
UPDATE hub.delivery SET next_at = now()
 WHERE queue = 'orders' AND connection = '' AND state = 'due' AND code = %(waits)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a drain is. `later` of what is to be finished backs off; `aside` needs a person; `new` came since."""

    state: str
    running: int
    ready: int
    later: int
    aside: int
    new: int
    drained_at: datetime | None

    @property
    def is_empty(self) -> bool:
        return self.state == DRAINING and self.running + self.ready + self.later == 0


def drain_connection(uow: UnitOfWork, name: str, who: str, why: str) -> None:
    """Let a connection finish what it has and begin nothing new. Raises Invalid without a reason, Refused if it drains.

    A connection that is paused is refused too: nobody would finish anything there.
    """
    if not why.strip():
        raise Invalid("connections.reason_missing", "say why: somebody else will find it draining")
    row = _locked(uow, name)
    if row.state != "on":
        raise Refused("connections.not_flowing", f"{name} is {row.state}: resume it first, then drain it", about=name)
    mark = uow.sql(MARK).fetchone()
    row.state, row.drain_to, row.drained_at = DRAINING, int(mark[0]) if mark else 0, None
    row.paused_code, row.paused_by, row.paused_reason = "", who, why.strip()
    row.paused_at = uow.hub.clock.now()
    record_act(uow, who, "began to drain a connection", kind="connection", key=name, why=why.strip())
    uow.after_commit(uow.hub.connections.forget)


def progress(uow: UnitOfWork, name: str) -> Progress:
    """How far the drain of a connection is; of one that does not drain, what waits."""
    row = uow.session.get(ConnectionRow, name)
    if row is None:
        raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    mark = row.drain_to if row.drain_to is not None else 2**63 - 1
    given = {"name": name, "mark": mark, "queues": list(QUEUES), "most": MOST}
    counted, aside = uow.sql(PROGRESS, given).fetchone(), uow.sql(ASIDE, given).fetchone()
    assert counted is not None
    assert aside is not None
    return Progress(
        state=row.state, running=counted[0], ready=counted[1], later=counted[2], new=counted[3], aside=aside[0],
        drained_at=row.drained_at,
    )  # fmt: skip


def note_emptied(uow: UnitOfWork) -> list[str]:
    """Note which draining connections have become empty, each once; the relay asks."""
    names = [row[0] for row in uow.sql(EMPTIED, {"queues": list(QUEUES)})]
    for name in names:
        record_act(uow, "hub", "finished a drain", kind="connection", key=name)
    return names


def end_drain(uow: UnitOfWork, row: ConnectionRow) -> None:
    """Forget the mark of a connection that is paused or resumed; its kept notices are looked into at once."""
    row.drain_to, row.drained_at = None, None
    uow.sql(LOOK_AGAIN, {"waits": WAITS})


def _locked(uow: UnitOfWork, name: str) -> ConnectionRow:
    row = uow.session.get(ConnectionRow, name, with_for_update=True)
    if row is None:
        raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    return row
