"""Dead letters: parked and rejected deliveries, grouped by cause, for the console and the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.infra.replay.selection import Filter
from app.infra.uow import UnitOfWork

MOST_GROUPED = 20_000  # letters that one page looks at; more than that is one cause, and its count says "at least"
MOST_AT_ONCE = 5_000  # letters that one press replays: a transaction of about a second
HOURS = 10

# The letters of each cause, with the words of the newest one and how many came in each of the last hours.
GROUPS = """
WITH letters AS (
    SELECT d.event_id, d.id, d.code, d.subscriber, d.connection, d.state, e.at
      FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
     WHERE d.state IN ('parked', 'rejected')
       AND (%(connection)s = '' OR d.connection = %(connection)s OR e.origin = %(connection)s)
       AND (%(words)s = '' OR d.code ILIKE '%%' || %(words)s || '%%' OR d.subscriber ILIKE '%%' || %(words)s || '%%')
     ORDER BY d.id DESC LIMIT %(most)s),
grouped AS (
    SELECT code, subscriber, connection, count(*) AS letters, min(at) AS first_at, max(at) AS last_at,
           max(ARRAY[event_id, id]) AS newest, bool_and(state = 'rejected') AS rejected,
           array_agg(floor(extract(epoch FROM now() - at) / 3600)::int) FILTER (WHERE at > now() - interval '10 hours')
               AS hours
      FROM letters GROUP BY 1, 2, 3)
SELECT coalesce(code, ''), subscriber, connection, letters, first_at, last_at, rejected, hours, newest[1], newest[2],
       (SELECT a.said FROM hub.attempt a WHERE a.event_id = g.newest[1] AND a.delivery = g.newest[2]
         ORDER BY a.n DESC LIMIT 1)
  FROM grouped g ORDER BY letters DESC, last_at DESC LIMIT 200
"""
CHOSEN = """
SELECT d.id FROM hub.delivery d
 WHERE d.state IN ('parked', 'rejected') AND (%(code)s::text IS NULL OR coalesce(d.code, '') = %(code)s::text)
   AND (%(subscriber)s::text IS NULL OR d.subscriber = %(subscriber)s::text)
   AND (%(connection)s::text IS NULL OR d.connection = %(connection)s::text)
 ORDER BY d.id LIMIT %(most)s
"""
BEHIND = """
SELECT count(*) FROM hub.delivery b WHERE b.state = 'behind' AND b.lane IN
       (SELECT lane FROM hub.delivery WHERE id = ANY(%(ids)s::bigint[]) AND state IN ('parked', 'rejected'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Dead letters of one cause."""

    code: str
    subscriber: str
    connection: str
    letters: int
    first_at: datetime
    last_at: datetime
    rejected: bool
    trend: tuple[int, ...]
    event_id: int
    delivery_id: int
    said: str

    @property
    def key(self) -> str:
        return "|".join((self.code, self.subscriber, self.connection))

    @property
    def kind(self) -> str:
        return "bug" if self.code.startswith("bug.") else "rejected" if self.rejected else "parked"


def groups(uow: UnitOfWork, connection: str = "", words: str = "") -> list[Group]:
    """The causes that letters gave up for, the most frequent first."""
    given = {"connection": connection, "words": words, "most": MOST_GROUPED}
    return [
        Group(
            code=row[0], subscriber=row[1], connection=row[2], letters=row[3], first_at=row[4], last_at=row[5],
            rejected=row[6], trend=_trend(row[7] or ()), event_id=row[8], delivery_id=row[9], said=row[10] or "",
        )
        for row in uow.sql(GROUPS, given).fetchall()
    ]  # fmt: skip


def chosen(
    uow: UnitOfWork, *, code: str | None = None, subscriber: str | None = None, connection: str | None = None
) -> list[int]:
    """The ids of the dead letters that match all of what is given, oldest first, at most 5,000."""
    given = {"code": code, "subscriber": subscriber, "connection": connection, "most": MOST_AT_ONCE}
    return [row[0] for row in uow.sql(CHOSEN, given)]


def letters_of(uow: UnitOfWork, keys: Sequence[str]) -> list[int]:
    """The ids of all letters of these groups, oldest first."""
    ids: list[int] = []
    for key in keys:
        code, _, rest = key.partition("|")
        subscriber, _, connection = rest.partition("|")
        ids += chosen(uow, code=code, subscriber=subscriber, connection=connection)
    return sorted(ids)[:MOST_AT_ONCE]


def filters_of(keys: Sequence[str]) -> list[Filter]:
    """The same groups as filters, for a replay of more than one press takes."""
    found = []
    for key in keys:
        code, _, rest = key.partition("|")
        step, _, connection = rest.partition("|")
        found.append(Filter(code=code, step=step, connection=connection))
    return found


def behind(uow: UnitOfWork, ids: Sequence[int]) -> int:
    """How much waits in the lanes of these letters."""
    row = uow.sql(BEHIND, {"ids": list(ids)}).fetchone()
    return int(row[0]) if row else 0


def _trend(hours: Sequence[int]) -> tuple[int, ...]:
    """Letters in each of the last ten hours, oldest first."""
    return tuple(sum(1 for hour in hours if hour == ago) for ago in range(HOURS - 1, -1, -1))
