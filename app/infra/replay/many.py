"""Replays of many deliveries: begun from a filter, carried out as a run, and what survived them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.infra.locate import Key
from app.infra.replay.selection import Filter, check, choose
from app.infra.runs.work import run_of, start_run
from app.infra.uow import UnitOfWork

REPLAY = "replay"
RATE = 200.0  # deliveries a second where nobody says otherwise: a hundred thousand in eight minutes

NEXT = """
SELECT event_id, delivery, was FROM hub.run_delivery
 WHERE run_id = %(run)s AND (event_id, delivery) > (%(event)s, %(delivery)s)
 ORDER BY event_id, delivery LIMIT %(most)s
"""
MARK = """
UPDATE hub.run_delivery r SET released = true FROM unnest(%(events)s::bigint[], %(ids)s::bigint[]) k(event_id, id)
 WHERE r.run_id = %(run)s AND r.event_id = k.event_id AND r.delivery = k.id
"""
# The bounds spare the partitions that hold none of them.
SURVIVED = """
SELECT d.state, coalesce(d.code, ''), count(*)
  FROM hub.run_delivery r JOIN hub.delivery d ON d.event_id = r.event_id AND d.id = r.delivery
 WHERE r.run_id = %(run)s AND r.released AND d.event_id BETWEEN %(low)s AND %(high)s
 GROUP BY 1, 2 ORDER BY 3 DESC
"""
BOUNDS = (
    "SELECT min(event_id), max(event_id), count(*) FILTER (WHERE released) FROM hub.run_delivery WHERE run_id = %(run)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A delivery that a replay is to set going, with the state it was in."""

    key: Key
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """What became of what a replay has set going: ended, under way, or set aside again, by state and code."""

    released: int
    ended: int
    under_way: int
    set_aside: int
    by: tuple[tuple[str, str, int], ...]  # state, code, count


def begin_replay(uow: UnitOfWork, wanted: Filter, who: str, why: str = "", *, rate: float | None = RATE) -> str:
    """Choose what the filter finds now and replay it as a run; returns the run's id.

    Raises Invalid or NotFound where the filter is unknown, too wide or finds nothing: then nothing is changed.
    """
    check(uow, wanted)
    run_id = start_run(uow, REPLAY, wanted.as_json(), who=who, why=why, title=f"Replay: {wanted.words}", rate=rate)
    run_of(uow, run_id).total = choose(uow, wanted, run_id)
    return run_id


def next_chosen(uow: UnitOfWork, run_id: str, after: Mapping[str, Any], most: int) -> list[Chosen]:
    """The next deliveries of a replay beyond its checkpoint, in the order in which they were told."""
    given = {"run": run_id, "event": after.get("event_id", 0), "delivery": after.get("delivery", 0), "most": most}
    return [Chosen(key=(row[0], row[1]), was=row[2]) for row in uow.sql(NEXT, given)]


def mark(uow: UnitOfWork, run_id: str, keys: Sequence[Key]) -> None:
    """Keep that these were set going."""
    uow.sql(MARK, {"run": run_id, "events": [key[0] for key in keys], "ids": [key[1] for key in keys]})


def survived(uow: UnitOfWork, run_id: str) -> Survived:
    """What became of what a replay has set going, as it stands now."""
    row = uow.sql(BOUNDS, {"run": run_id}).fetchone()
    low, high, released = row if row and row[0] is not None else (0, 0, 0)
    by = tuple((r[0], r[1], r[2]) for r in uow.sql(SURVIVED, {"run": run_id, "low": low, "high": high}))
    count = {state: sum(n for one, _, n in by if one == state) for state, _, _ in by}
    return Survived(
        released=released,
        ended=sum(count.get(state, 0) for state in ("done", "superseded", "dismissed")),
        under_way=sum(count.get(state, 0) for state in ("due", "behind", "running")),
        set_aside=count.get("parked", 0) + count.get("rejected", 0),
        by=by,
    )
