"""The only place that asks the machine what time it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Says what time it is, in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


SYSTEM_CLOCK = SystemClock()


def business_date(instant: datetime, zone: str, cut_off_hour: int = 24) -> date:
    """The date a company books `instant` on: its own zone, the next day from `cut_off_hour` on (24 = never)."""
    local = instant.astimezone(ZoneInfo(zone))
    return local.date() if local.hour < cut_off_hour else (local + timedelta(days=1)).date()


def end_of_day(day: date, zone: str) -> datetime:
    """The instant, in UTC, at which a day is over in a zone, whatever its clocks do that night."""
    return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone)).astimezone(UTC)
