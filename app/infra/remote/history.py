"""What a remote holds of a kind, listed by range: the port behind backfills and gap scans.

An object's body is what one of the adapter's own topics reads, so that what was listed and what was told by webhook
go through the same intake.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class By(StrEnum):
    """Which of an object's times a range is of."""

    CREATED = "created"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Objects of one kind whose time is at or after `since` and before `until`."""

    kind: str  # "order", "customer" …, as webhooks' `kind`
    by: By
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One object. Without a body it is named only, and `History.read` gives it whole."""

    external_id: str
    version: datetime  # the remote's own time of its last change
    created_at: datetime
    topic: str = ""  # which of the adapter's topics reads the body
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a span. `after` is where the next one begins, empty at the end; it is plain text to be kept."""

    items: tuple[Listed, ...]
    after: str = ""
    wait: float = 0.0  # seconds before there is more: the remote is at work on a file
    expected: int | None = None  # how many objects the remote says there are in all, once it says so
    remarks: tuple[str, ...] = ()  # what does not add up, in words


class History(Protocol):
    """Lists what a remote holds. Reads only, but that a bulk listing asks the remote to write a file.

    Every method may be repeated. A cursor of `page` stays good for days and needs no memory but itself.
    Contract: tests/contracts/history.py
    """

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be listed."""
        ...

    def count(self, span: Span) -> int | None:
        """How many there are; None where the remote cannot say exactly. Refuses a span that it would not see whole."""
        ...

    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = 100) -> Page:
        """The next part, oldest first, at most so many where the remote lets us choose.

        `bulk` names a listing by the remote's bulk API, the same name the same one.
        """
        ...

    def read(self, kind: str, external_id: str) -> Listed | None:
        """One object whole, as it is now; None where the remote does not know it."""
        ...
