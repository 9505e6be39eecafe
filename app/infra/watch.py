"""What the hub remembers of being told: subscriptions as last looked at, webhooks by the hour, scans for gaps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.remote.spec import Subscribed
from app.infra.uow import UnitOfWork
from app.kernel.events import Fact, event

KEPT_WEEKS = 9  # of counts by the hour: eight weeks to compare with, and the present one
NOW = text("now()")


@event("hub.gap_scan_due", version=1, key="scan_key")
class GapScanDue(Fact):
    """What a connection's webhooks may have missed is to be looked for. The key is `<connection>/<kind>`.

    Without `since` the scan begins where the last one ended. `after`, `listed` and `missing` carry on a long one.
    """

    scan_key: str
    connection: str
    kind: str
    until: datetime
    since: datetime | None = None
    why: str = "window"  # or quiet, lost, asked
    who: str = "hub"
    after: str = ""
    listed: int = 0
    missing: int = 0


class SubscriptionRow(Base):
    """One subscription as it was found at the last look."""

    __tablename__ = "subscription"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    said: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime | None]
    looked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    well_at: Mapped[datetime | None]
    mended_at: Mapped[datetime | None]
    mended: Mapped[str] = mapped_column(server_default="")
    times: Mapped[int] = mapped_column(server_default="0")


class HeardRow(Base):
    """How many webhooks a connection had told in all, at the end of an hour."""

    __tablename__ = "heard"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    total: Mapped[int] = mapped_column(BigInteger)


class ScanRow(Base):
    """Up to when a connection was scanned for gaps, and what the last scan found."""

    __tablename__ = "scan"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    read_until: Mapped[datetime]
    scanned_at: Mapped[datetime] = mapped_column(server_default=NOW)
    listed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    missing: Mapped[int] = mapped_column(BigInteger, server_default="0")
    missing_at: Mapped[datetime | None]
    missing_before: Mapped[int] = mapped_column(BigInteger, server_default="0")  # found by all scans so far


LOOKED = """
INSERT INTO hub.subscription AS s (connection, topic, state, said, expires_at, well_at, mended_at, mended, times)
SELECT %(connection)s, g.topic, g.state, g.said, g.expires_at, CASE WHEN g.state = 'well' THEN now() END,
       CASE WHEN g.did <> '' THEN now() END, g.did, (g.did <> '')::int
  FROM unnest(%(topics)s::text[], %(states)s::text[], %(said)s::text[], %(dids)s::text[], %(expires)s::timestamptz[])
       g(topic, state, said, did, expires_at)
ON CONFLICT (connection, topic) DO UPDATE
   SET state = excluded.state, said = excluded.said, expires_at = excluded.expires_at, looked_at = now(),
       well_at = coalesce(excluded.well_at, s.well_at), times = s.times + excluded.times,
       mended_at = coalesce(excluded.mended_at, s.mended_at), mended = coalesce(nullif(excluded.mended, ''), s.mended)
"""


def keep_look(uow: UnitOfWork, connection: str, found: Sequence[Subscribed]) -> None:
    """Keep what a look found; a subscription that was mended is well from now on."""
    topics = [one.topic for one in found]
    uow.sql(
        "DELETE FROM hub.subscription WHERE connection = %(connection)s AND topic <> ALL(%(topics)s::text[])",
        {"connection": connection, "topics": topics},
    )
    uow.sql(
        LOOKED,
        {
            "connection": connection,
            "topics": topics,
            "states": ["well" if one.did else one.state for one in found],
            "said": [one.said for one in found],
            "dids": [one.did for one in found],
            "expires": [one.expires_at for one in found],
        },
    )


def subscriptions_of(uow: UnitOfWork, connection: str = "") -> list[SubscriptionRow]:
    """What the last look found, by connection and topic."""
    wanted = select(SubscriptionRow).order_by(SubscriptionRow.connection, SubscriptionRow.topic)
    return list(uow.session.scalars(wanted.filter_by(connection=connection) if connection else wanted))


NOTE = """
INSERT INTO hub.heard AS h (connection, hour, total)
SELECT label, date_trunc('hour', %(now)s::timestamptz), n FROM hub.counter WHERE name = 'notices'
ON CONFLICT (connection, hour) DO UPDATE SET total = greatest(h.total, excluded.total)
"""


def note_heard(uow: UnitOfWork, now: datetime) -> None:
    """Note how much every connection has told so far, from the roll-ups: nothing is counted anew."""
    uow.sql(NOTE, {"now": now})
    uow.sql("DELETE FROM hub.heard WHERE hour < %(before)s", {"before": now - timedelta(weeks=KEPT_WEEKS)})


HEARD = """
SELECT hour, total - before FROM (
    SELECT hour, total, lag(total) OVER (ORDER BY hour) AS before, lag(hour) OVER (ORDER BY hour) AS earlier
      FROM hub.heard WHERE connection = %(connection)s) h
 WHERE before IS NOT NULL AND earlier = hour - interval '1 hour'
"""


def heard_by_hour(uow: UnitOfWork, connection: str) -> Mapping[datetime, int]:
    """Webhooks of each hour that was watched from its beginning."""
    return dict(uow.sql(HEARD, {"connection": connection}).fetchall())


SCANNED = """
INSERT INTO hub.scan AS s (connection, kind, read_until, listed, missing, missing_at, missing_before)
VALUES (%(connection)s, %(kind)s, %(until)s, %(listed)s, %(missing)s, %(missing_at)s, %(missing)s)
ON CONFLICT (connection, kind) DO UPDATE
   SET read_until = greatest(s.read_until, excluded.read_until), scanned_at = now(), listed = excluded.listed,
       missing = excluded.missing, missing_at = coalesce(excluded.missing_at, s.missing_at),
       missing_before = s.missing_before + excluded.missing
"""


def keep_scan(uow: UnitOfWork, fact: GapScanDue, *, listed: int, missing: int) -> None:
    """Keep that a connection was scanned up to a moment."""
    uow.sql(
        SCANNED,
        {
            "connection": fact.connection, "kind": fact.kind, "until": fact.until, "listed": listed,
            "missing": missing, "missing_at": uow.hub.clock.now() if missing else None,
        },
    )  # fmt: skip


def scanned_until(uow: UnitOfWork, connection: str, kind: str) -> datetime | None:
    row = uow.session.get(ScanRow, (connection, kind), populate_existing=True)
    return row.read_until if row else None


def scans(uow: UnitOfWork) -> list[ScanRow]:
    """The last scan of everything that is scanned."""
    return list(uow.session.scalars(select(ScanRow).order_by(ScanRow.connection, ScanRow.kind)))


UNDER_WAY = """
SELECT DISTINCT w.id FROM unnest(%(ids)s::text[]) w(id)
  JOIN hub.event e ON e.key IN ('hub:' || %(connection)s || ':' || %(kind)s || ':' || w.id,
                                'orders:' || %(connection)s || '/' || w.id)
   AND e.type IN ('hub.notice_received.v1', 'hub.notice_imported.v1', 'orders.refresh_requested.v1')
  JOIN hub.delivery d ON d.event_id = e.id AND d.state IN ('due', 'running', 'behind')
"""


def under_way(uow: UnitOfWork, connection: str, kind: str, ids: Collection[str]) -> set[str]:
    """Of these things, the ones that were told of or are being fetched, and are not taken in yet."""
    given = {"connection": connection, "kind": kind, "ids": list(ids)}
    return {row[0] for row in uow.sql(UNDER_WAY, given)} if ids else set()


def watch_key(connection: str) -> str:
    """What the cases of the watch over a connection have as the thing that waits."""
    return f"watch:{connection}"
