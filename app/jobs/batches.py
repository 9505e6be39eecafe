"""A batch of inside deliveries: how it is read, put aside, run and ended. The drain decides when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.flows.runtime import Outcome, Step, Told
from app.infra.locks import lock_rows
from app.infra.uow import Trail, UnitOfWork
from app.kernel.events import load_as

READ = """
SELECT d.event_id, d.id, d.subscriber, d.lane, d.attempt, e.key, coalesce(d.edited, e.payload), e.correlation_id,
       e.origin, e.traceparent, e.type
  FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id AND e.id >= %(from)s
 WHERE d.event_id >= %(from)s AND d.queue = %(queue)s AND d.connection = '' AND d.partition = %(partition)s
   AND d.state = 'due' AND d.next_at <= now() AND d.id > %(mark)s
 ORDER BY d.id LIMIT %(batch)s
"""

ASIDE = """
UPDATE hub.delivery d SET state = 'behind' FROM unnest(%(events)s::bigint[], %(ids)s::bigint[]) s(event_id, id)
 WHERE d.event_id = s.event_id AND d.event_id >= %(from)s AND d.id = s.id AND d.state = 'due'
   AND EXISTS (SELECT FROM hub.delivery e WHERE e.lane = d.lane AND e.event_id >= %(from)s
                  AND e.id < d.id AND e.id <> ALL(%(ids)s::bigint[])
                  AND e.state IN ('due','running','behind','parked','rejected'))
RETURNING d.id
"""

# Gives the step of each and how long after its fact it ended.
END = """
WITH ended AS (
    UPDATE hub.delivery d SET state = 'done', code = NULL, attempt = d.attempt + 1, done_at = now()
      FROM unnest(%(events)s::bigint[], %(ids)s::bigint[]) s(event_id, id)
     WHERE d.event_id = s.event_id AND d.id = s.id AND d.state = 'due'
    RETURNING d.event_id, d.subscriber)
SELECT d.subscriber, extract(epoch FROM now() - e.at)::float8 FROM ended d JOIN hub.event e ON e.id = d.event_id
"""

SUPERSEDE = """
UPDATE hub.delivery d SET state = 'superseded', code = s.code, attempt = d.attempt + 1, done_at = now()
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(codes)s::text[]) s(event_id, id, code)
 WHERE d.event_id = s.event_id AND d.id = s.id AND d.state = 'due'
"""

POSTPONE = """
UPDATE hub.delivery d SET next_at = now() + make_interval(secs => s.seconds), code = s.code
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(seconds)s::float[], %(codes)s::text[])
       s(event_id, id, seconds, code)
 WHERE d.event_id = s.event_id AND d.id = s.id AND d.state = 'due'
"""


class Unreadable(Exception):
    """A stored payload that today's release cannot load."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A delivery as read for a batch."""

    event_id: int
    delivery_id: int
    step: Step
    lane: str | None
    attempt: int
    key: str
    payload: Mapping[str, Any]
    trail: Trail
    event_type: str

    def told(self) -> Told[Any]:
        try:
            fact = load_as(self.step.fact, self.event_type, self.payload)
        except Exception as wrong:
            raise Unreadable(f"{self.step.event_type}: {wrong}") from wrong
        return self.told_of(fact)

    def told_of(self, fact: Any) -> Told[Any]:
        return Told(
            fact=fact, trail=self.trail, event_id=self.event_id, delivery_id=self.delivery_id, attempt=self.attempt + 1
        )


def run_steps(uow: UnitOfWork, run: Sequence[Ready]) -> dict[int, Outcome]:
    """Run a batch, step by step in the order they appear; rows that the batch shares are locked first, sorted."""
    groups: dict[str, list[tuple[Ready, Told[Any]]]] = {}
    for one in run:
        groups.setdefault(one.step.name, []).append((one, one.told()))
    _lock_shared(uow, groups)
    outcomes: dict[int, Outcome] = {}
    for members in groups.values():
        step = members[0][0].step
        if step.do_many is not None:
            uow.trail = members[0][0].trail
            outcomes.update(step.do_many(uow, [told for _, told in members]) or {})
            continue
        act: Callable[[UnitOfWork, Any], Outcome | None] | None = step.do
        assert act is not None
        for one, told in members:
            uow.trail = one.trail
            if (outcome := act(uow, told)) is not None:
                outcomes[one.delivery_id] = outcome
    return outcomes


def _lock_shared(uow: UnitOfWork, groups: Mapping[str, Sequence[tuple[Ready, Told[Any]]]]) -> None:
    wanted: set[tuple[str, str]] = set()
    for members in groups.values():
        step = members[0][0].step
        if step.rows is not None:
            wanted.update(step.rows(uow, [told for _, told in members]))
    lock_rows(uow, wanted)


def pairs_of(ready: Sequence[Ready]) -> dict[str, Any]:
    return {"events": [one.event_id for one in ready], "ids": [one.delivery_id for one in ready]}
