"""Up to when an ERP's changes were read. The next reading overlaps, since clocks and late commits differ."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.infra.uow import UnitOfWork

OVERLAP = timedelta(minutes=5)  # of two readings: an ERP stamps a row before it commits it, and long postings exist
FIRST_READING = timedelta(days=1)  # how far the first reading of an ERP goes back
READ = "SELECT read_until FROM orders.erp_poll WHERE erp = %(erp)s"
RECORD = """
INSERT INTO orders.erp_poll AS p (erp, read_until) VALUES (%(erp)s, %(until)s)
ON CONFLICT (erp) DO UPDATE SET read_until = greatest(p.read_until, excluded.read_until)
"""


def poll_from(uow: UnitOfWork, erp: str, instant: datetime) -> datetime:
    """From when to read an ERP's changes."""
    row = uow.sql(READ, {"erp": erp}).fetchone()
    return row[0] - OVERLAP if row else instant - FIRST_READING


def record_poll(uow: UnitOfWork, erp: str, instant: datetime) -> None:
    """Everything up to `instant` was read."""
    uow.sql(RECORD, {"erp": erp, "until": instant})
