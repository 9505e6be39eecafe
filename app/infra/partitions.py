"""Partitions are made ahead of time and never by PARTITION OF, which would wait behind any open transaction."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from sqlalchemy import text

from app.infra.hub import Hub
from app.infra.locks import HubJob, try_job
from app.infra.uow import UnitOfWork

EVENTS_EACH = 1_000_000  # small enough to drop in one go, large enough to be few
AHEAD = 2  # partitions beyond the one being filled: at 1,000 events a second a quarter of an hour each
BY_EVENT = (("event", "id"), ("delivery", "event_id"), ("attempt", "event_id"))
log = structlog.get_logger()


def make_ahead(hub: Hub) -> list[str]:
    """Make the partitions that will be needed next; returns the names of new ones."""
    made = []
    with hub.unit_of_work() as uow:
        if not try_job(uow, HubJob.PARTITIONS):
            return []
        uow.sql("SET LOCAL lock_timeout = '2s'")  # rather try again in a minute than let writers queue up behind us
        last = uow.sql("SELECT last_value FROM hub.event_id").fetchone()
        assert last is not None
        current = int(last[0]) // EVENTS_EACH
        for table, column in BY_EVENT:
            for n in range(current, current + AHEAD + 1):
                bounds = (str(n * EVENTS_EACH), str((n + 1) * EVENTS_EACH))
                made += _make(uow, table, f"{table}_p{n}", column, bounds)
        for start in _months(hub.clock.now()):
            bounds = (f"'{start.isoformat()}'", f"'{_next_month(start).isoformat()}'")
            made += _make(uow, "notice", f"notice_{start:%Y_%m}", "received_at", bounds)
    if made:
        log.info("partitions.made", partitions=made)
    return made


def _make(uow: UnitOfWork, table: str, name: str, column: str, bounds: tuple[str, str]) -> list[str]:
    """LIKE, CHECK, ATTACH: the check spares the attach its scan, and the attach takes the weakest lock there is."""
    exists = uow.session.execute(text("SELECT to_regclass(:name)"), {"name": f"hub.{name}"}).scalar()
    if exists is not None:
        return []
    low, high = bounds
    uow.sql(f"CREATE TABLE hub.{name} (LIKE hub.{table} INCLUDING ALL)")
    uow.sql(f"ALTER TABLE hub.{name} ADD CONSTRAINT ck_{name}_bounds CHECK ({column} >= {low} AND {column} < {high})")
    uow.sql(f"ALTER TABLE hub.{table} ATTACH PARTITION hub.{name} FOR VALUES FROM ({low}) TO ({high})")
    uow.sql(f"ALTER TABLE hub.{name} DROP CONSTRAINT ck_{name}_bounds")
    return [name]


def _months(now: datetime) -> list[datetime]:
    start = datetime(now.year, now.month, 1, tzinfo=UTC)
    return [start, _next_month(start), _next_month(_next_month(start))]


def _next_month(start: datetime) -> datetime:
    return datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
