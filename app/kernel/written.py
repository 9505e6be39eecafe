"""What people and sheets write, read exactly: numbers, days and instants.

Each reader raises Invalid under the caller's code, in one sentence: the field, what stands there, how to write it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from app.kernel.errors import Invalid

MOST_DIGITS = 28  # before or after the point: more is no amount of anything, and reckoning with it would take for ever


def number_of(text: str, field: str, code: str, *, like: str = "12") -> Decimal:
    """A finite number with a point for its decimals, such as 12.50."""
    try:
        found = Decimal(text.strip())
    except InvalidOperation as wrong:
        raise _wrong(text, field, code, "number", like) from wrong
    if not found.is_finite() or abs(found.adjusted()) > MOST_DIGITS:
        raise _wrong(text, field, code, "number", like)
    return found


def whole_of(text: str, field: str, code: str, *, like: str = "12") -> int:
    """A whole number; 12.0 is one too."""
    found = number_of(text, field, code, like=like)
    if found % 1:
        raise _wrong(text, field, code, "whole number", like)
    return int(found)


def day_of(text: str, field: str, code: str) -> date:
    """A day of the calendar, such as 2026-01-31."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as wrong:
        raise _wrong(text, field, code, "day", "2026-01-31") from wrong


def instant_of(text: str, field: str, code: str) -> datetime:
    """An instant, such as 2026-11-30T17:00-05:00. A day begins at midnight; what names no zone is UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as wrong:
        raise _wrong(text, field, code, "time", "2026-11-30T17:00, in UTC or with its offset") from wrong
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _wrong(text: str, field: str, code: str, what: str, like: str) -> Invalid:
    return Invalid(code, f"{field}: {text.strip()!r} is no {what}; write it such as {like}", about=field)
