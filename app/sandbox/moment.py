"""Instants as the emulated vendors write them."""

from __future__ import annotations

from datetime import UTC, datetime

from app.kernel.clock import SYSTEM_CLOCK


def now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return SYSTEM_CLOCK.now()


def text(instant: datetime) -> str:
    """Write an instant as ISO 8601 with milliseconds and `Z`, as both vendors do."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def parse(written: str) -> datetime:
    """Read an ISO 8601 instant; one without an offset is taken as UTC. Raises ValueError when it is none."""
    instant = datetime.fromisoformat(written)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
