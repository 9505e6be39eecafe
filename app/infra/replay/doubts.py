"""Writes that may have had their effect: what is in doubt, since when, and what was heard of it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.infra.uow import UnitOfWork

MOST = 500  # rows of a list: more than a person settles in a day

# A replay only asks its step to look; in doubt is what got no answer, died in a worker's hand, or waits for a word.
OPEN_DOUBTS = """
SELECT d.event_id, d.id, d.subscriber, d.connection, d.state, coalesce(d.code, ''), e.key, e.type, d.deaths,
       d.next_at, a.n, a.started_at, coalesce(a.said, ''), coalesce(l.looks, 0), coalesce(l.said, '')
  FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
  LEFT JOIN LATERAL (SELECT n, started_at, said FROM hub.attempt a
                      WHERE a.event_id = d.event_id AND a.delivery = d.id
                        AND a.outcome IN ('no answer', 'not recorded', 'taken over', 'bug', 'done')
                      ORDER BY n DESC LIMIT 1) a ON true
  LEFT JOIN LATERAL (SELECT count(*) AS looks, (array_agg(coalesce(nullif(t.said, ''), t.code) ORDER BY t.n DESC))[1]
                            AS said
                       FROM hub.attempt t WHERE t.event_id = d.event_id AND t.delivery = d.id AND t.n > a.n) l ON true
 WHERE d.in_doubt AND d.connection <> '' AND d.state IN ('due', 'running', 'behind', 'parked', 'rejected')
   AND (%(connection)s = '' OR d.connection = %(connection)s)
   AND (d.code = 'hub.in_doubt' OR d.deaths > 0
        OR EXISTS (SELECT FROM hub.attempt u WHERE u.event_id = d.event_id AND u.delivery = d.id
                      AND u.outcome IN ('no answer', 'not recorded', 'taken over')))
 ORDER BY d.state <> 'parked', d.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A call in doubt. `sent_at` is None where a worker died with it; `heard` is what the last look after it said."""

    event_id: int
    delivery_id: int
    step: str
    connection: str
    state: str
    code: str
    key: str
    type: str
    deaths: int
    next_at: datetime | None
    sent_at: datetime | None
    said: str
    looks: int
    heard: str

    @property
    def waits_for_a_person(self) -> bool:
        return self.state in ("parked", "rejected")


def doubts(uow: UnitOfWork, connection: str = "", *, most: int = MOST) -> list[Doubt]:
    """What is in doubt, that which waits for a person first, then the oldest."""
    return [
        Doubt(
            event_id=row[0], delivery_id=row[1], step=row[2], connection=row[3], state=row[4], code=row[5], key=row[6],
            type=row[7], deaths=row[8], next_at=row[9], sent_at=row[11], said=row[12], looks=row[13], heard=row[14],
        )
        for row in uow.sql(OPEN_DOUBTS, {"connection": connection, "most": most})
    ]  # fmt: skip
