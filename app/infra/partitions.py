"""Partitions are made ahead of time and never by PARTITION OF, which would wait behind any open transaction.

Events, deliveries and attempts share their bounds, which are ids of events: about a month of traffic each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import text

from app.infra.hub import Hub
from app.infra.locks import HubJob, try_job
from app.infra.uow import UnitOfWork

BY_EVENT = (("event", "id"), ("delivery", "event_id"), ("attempt", "event_id"))
FIRST_WIDTH = 1_000_000  # events in a partition while nothing tells how many a month has
LEAST, MOST = 100_000, 5_000_000  # below, there would be too many; above, one takes too long to vacuum and to drop
STEP = 100_000
MONTH_DAYS = 30
AHEAD = 2  # partitions beyond the one being filled
# What ended leaves dead entries in the partial indexes that every claim reads: they may become 2 % and no more.
VACUUM = (
    "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0.05"
)
log = structlog.get_logger()

LISTED = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), i.inhdetachpending, pg_total_relation_size(c.oid),
       greatest(c.reltuples, 0)::bigint
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = to_regclass('hub.' || %(table)s)
"""
BOUNDS = re.compile(r"FROM \('([^']+)'\) TO \('([^']+)'\)")
PACE = """
SELECT id, extract(epoch FROM now() - at)::float8 / 86400 FROM hub.event ORDER BY id LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition as the database has it. Bounds as text: ids, or moments in ISO form with their zone."""

    name: str
    low: str
    high: str
    detaching: bool
    bytes: int
    rows: int  # as the last vacuum or analyze counted


def partitions_of(uow: UnitOfWork, table: str) -> list[Partition]:
    """The partitions of a table of schema `hub`, from the oldest on."""
    found = []
    for name, bounds, detaching, size, rows in uow.sql(LISTED, {"table": table}):
        read = BOUNDS.search(bounds or "")
        if read is not None:
            low, high = read.groups()
            found.append(Partition(name=name, low=low, high=high, detaching=detaching, bytes=size, rows=rows))
    return sorted(
        found, key=lambda one: int(one.low) if one.low.isdigit() else datetime.fromisoformat(one.low).timestamp()
    )


def last_event(uow: UnitOfWork) -> int:
    """The newest id that an event was given."""
    row = uow.sql("SELECT last_value FROM hub.event_id").fetchone()
    assert row is not None
    return int(row[0])


def make_ahead(hub: Hub) -> list[str]:
    """Make the partitions that will be needed next; returns the names of new ones."""
    made = []
    with hub.unit_of_work() as uow:
        if not try_job(uow, HubJob.PARTITIONS):
            return []
        uow.sql("SET LOCAL lock_timeout = '2s'")  # rather try again in a minute than let writers queue up behind us
        for low, high in _ranges(uow):
            for table, column in BY_EVENT:
                made += _make(uow, table, _name(table, low, high), column, (str(low), str(high)))
        for start in _months(hub.clock.now()):
            bounds = (f"'{start.isoformat()}'", f"'{_next_month(start).isoformat()}'")
            made += _make(uow, "notice", f"notice_{start:%Y_%m}", "received_at", bounds)
    if made:
        log.info("partitions.made", partitions=made)
    return made


def width_for(events: int, days: float) -> int:
    """How many events a partition takes so that it holds about a month of so many events in so many days."""
    if days < 1:
        return FIRST_WIDTH
    month = round(events / days * MONTH_DAYS)
    return min(MOST, max(LEAST, -(-month // STEP) * STEP))


def _ranges(uow: UnitOfWork) -> list[tuple[int, int]]:
    """The bounds that must exist from the present one on: those that events have, and as many more as are missing."""
    last = last_event(uow)
    kept = [(int(one.low), int(one.high)) for one in partitions_of(uow, "event")]
    wanted = [bounds for bounds in kept if bounds[1] > last]
    oldest = uow.sql(PACE).fetchone()
    width = width_for(last - int(oldest[0]), float(oldest[1])) if oldest else FIRST_WIDTH
    while len(wanted) <= AHEAD:
        top = max((high for _, high in kept), default=0)
        low = max(top, last // FIRST_WIDTH * FIRST_WIDTH) if not wanted else wanted[-1][1]
        wanted.append((low, low + width))
    return wanted


def _name(table: str, low: int, high: int) -> str:
    """`event_2000000`; the first ones of all were called p0 and p1."""
    first = high - low == FIRST_WIDTH and low in (0, FIRST_WIDTH)
    return f"{table}_p{low // FIRST_WIDTH}" if first else f"{table}_{low}"


def _make(uow: UnitOfWork, table: str, name: str, column: str, bounds: tuple[str, str]) -> list[str]:
    """LIKE, CHECK, ATTACH: the check spares the attach its scan, and the attach takes the weakest lock there is."""
    exists = uow.session.execute(text("SELECT to_regclass(:name)"), {"name": f"hub.{name}"}).scalar()
    if exists is not None:
        return []
    low, high = bounds
    settings = f" WITH ({VACUUM})" if table in ("event", "delivery") else ""
    uow.sql(f"CREATE TABLE hub.{name} (LIKE hub.{table} INCLUDING ALL){settings}")
    if table == "delivery":  # statistics of states would be old by the next burst: docs/operate/scale.md
        uow.sql(f"ALTER TABLE hub.{name} ALTER COLUMN state SET STATISTICS 0")
    attach(uow, table, name, column, bounds)
    return [name]


def attach(uow: UnitOfWork, table: str, name: str, column: str, bounds: tuple[str, str]) -> None:
    """Make a table a partition. Bounds are SQL literals."""
    low, high = bounds
    uow.sql(f"ALTER TABLE hub.{name} ADD CONSTRAINT ck_{name}_bounds CHECK ({column} >= {low} AND {column} < {high})")
    uow.sql(f"ALTER TABLE hub.{table} ATTACH PARTITION hub.{name} FOR VALUES FROM ({low}) TO ({high})")
    uow.sql(f"ALTER TABLE hub.{name} DROP CONSTRAINT ck_{name}_bounds")


def _months(now: datetime) -> list[datetime]:
    start = datetime(now.year, now.month, 1, tzinfo=UTC)
    return [start, _next_month(start), _next_month(_next_month(start))]


def _next_month(start: datetime) -> datetime:
    return datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
