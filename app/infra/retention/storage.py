"""What the database takes: by table with its partitions and indexes, how it grows, and the days until it is full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.infra.cases import end_for, open_case
from app.infra.hub import Hub
from app.infra.locks import HubJob, try_job
from app.infra.uow import UnitOfWork

WHOLE = "database"  # the name of the sample that counts everything
GB = 1_000_000_000
GROWTH_DAYS = 14  # two weeks hold two of each weekday
KEEP_SAMPLES_DAYS = 800
WARN_DAYS, WARN_SHARE = 14.0, 0.9  # time to order a disk; above nine tenths every database works badly
FILLING = "storage.filling"
LARGEST = 25

# Every table of ours, its partitions counted as one; rows as the last vacuum or analyze counted them.
SIZES = """
WITH whole AS (
    SELECT coalesce(i.inhparent, c.oid) AS root, c.oid, c.reltuples
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
     WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema')
SELECT n.nspname || '.' || r.relname, sum(pg_total_relation_size(w.oid))::bigint,
       sum(greatest(w.reltuples, 0))::bigint, count(*)::int
  FROM whole w JOIN pg_class r ON r.oid = w.root JOIN pg_namespace n ON n.oid = r.relnamespace
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""
SAMPLE = """
INSERT INTO hub.storage_sample (day, name, bytes, rows)
SELECT (now() AT TIME ZONE 'UTC')::date, s.name, s.bytes, s.rows
  FROM unnest(%(names)s::text[], %(bytes)s::bigint[], %(rows)s::bigint[]) s(name, bytes, rows)
ON CONFLICT (day, name) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A table with its indexes and partitions. `growth` is in bytes a day."""

    name: str
    bytes: int
    rows: int
    partitions: int
    growth: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The whole database: `days` until `limit` is reached as it grows now; None where there is no limit or growth."""

    bytes: int
    limit: int
    growth: float
    days: float | None
    series: tuple[tuple[date, int], ...]

    @property
    def share(self) -> float:
        return self.bytes / self.limit if self.limit else 0.0

    @property
    def filling(self) -> bool:
        """Whether somebody must do something soon."""
        return bool(self.limit) and (self.share >= WARN_SHARE or (self.days is not None and self.days < WARN_DAYS))


def growth_of(series: Sequence[tuple[date, int]]) -> float:
    """Bytes a day, by least squares over days and sizes; a day on which much was dropped weighs no more than another.

    Nothing where there are fewer than two days.
    """
    if len(series) < 2:
        return 0.0
    days = [(day - series[0][0]).days for day, _ in series]
    middle_day = sum(days) / len(days)
    middle_size = sum(size for _, size in series) / len(series)
    spread = sum((day - middle_day) ** 2 for day in days)
    both = sum((day - middle_day) * (size - middle_size) for day, (_, size) in zip(days, series, strict=True))
    return both / spread if spread else 0.0


def days_left(size: int, limit: int, growth: float) -> float | None:
    """Days until `limit` at this growth; 0 where it is reached, None where it never will be."""
    if not limit:
        return None
    if size >= limit:
        return 0.0
    return (limit - size) / growth if growth > 0 else None


def sizes(uow: UnitOfWork, most: int = LARGEST) -> list[Size]:
    """The largest tables, with how they grew over the last two weeks."""
    grown = {name: growth_of(series) for name, series in _series(uow).items()}
    return [
        Size(name=name, bytes=size, rows=rows, partitions=parts, growth=grown.get(name, 0.0))
        for name, size, rows, parts in uow.sql(SIZES, {"most": most}).fetchall()
    ]


def outlook(uow: UnitOfWork) -> Outlook:
    """The whole database now, and where it is heading."""
    size, limit = _whole(uow), round(uow.hub.settings.storage_gb * GB)
    series = tuple(_series(uow).get(WHOLE, ()))
    growth = growth_of(series)
    return Outlook(bytes=size, limit=limit, growth=growth, days=days_left(size, limit, growth), series=series)


def sample(hub: Hub) -> bool:
    """Keep today's sizes, and open or end the case of a database that fills up; False where another process does."""
    with hub.unit_of_work() as uow:
        if not try_job(uow, HubJob.STORAGE):
            return False
        found = sizes(uow, most=1000)
        whole = Size(name=WHOLE, bytes=_whole(uow), rows=0, partitions=1)
        rows = [whole, *found]
        uow.sql(
            SAMPLE,
            {"names": [r.name for r in rows], "bytes": [r.bytes for r in rows], "rows": [r.rows for r in rows]},
        )
        uow.sql("DELETE FROM hub.storage_sample WHERE day < current_date - %(days)s", {"days": KEEP_SAMPLES_DAYS})
        _warn(uow, outlook(uow))
    return True


def _warn(uow: UnitOfWork, seen: Outlook) -> None:
    if not seen.filling:
        end_for(uow, FILLING, WHOLE, "there is room again")
        return
    left = "it is full" if seen.days == 0 else f"full in {seen.days:.0f} days" if seen.days else "it grows no more"
    said = f"{seen.bytes / GB:,.1f} of {seen.limit / GB:,.1f} GB are used; {left}"
    open_case(uow, code=FILLING, about=WHOLE, key=WHOLE, title="The database fills up", said=said)


def _whole(uow: UnitOfWork) -> int:
    row = uow.sql("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _series(uow: UnitOfWork) -> dict[str, list[tuple[date, int]]]:
    """Name → (day, bytes) of the last two weeks, oldest first."""
    since = uow.hub.clock.now().date() - timedelta(days=GROWTH_DAYS)
    found: dict[str, list[tuple[date, int]]] = {}
    statement = "SELECT name, day, bytes FROM hub.storage_sample WHERE day >= %(since)s ORDER BY day"
    for name, day, size in uow.sql(statement, {"since": since}):
        found.setdefault(name, []).append((day, size))
    return found
