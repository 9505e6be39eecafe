"""Lanes: deliveries that follow one another. What waits behind the one that ended is woken here, in one way for all.

Wake after the end has been written, in a statement of its own, so that it sees what was just ended. Ring afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.infra.uow import UnitOfWork

WAKE_FIRST = """
UPDATE hub.delivery d SET state = 'due' FROM unnest(%(lanes)s::text[]) l(lane)
  CROSS JOIN LATERAL (SELECT b.event_id, b.id FROM hub.delivery b WHERE b.lane = l.lane
                         AND b.state IN ('due','running','behind','parked','rejected') ORDER BY b.id LIMIT 1) n
 WHERE d.event_id = n.event_id AND d.id = n.id AND d.state = 'behind'
"""


def wake_first(uow: UnitOfWork, lanes: Iterable[str]) -> int:
    """Let the first open delivery of each lane go on, where it waits; returns how many did."""
    names = sorted(set(lanes))
    return uow.sql(WAKE_FIRST, {"lanes": names}).rowcount if names else 0
