"""Drifts as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.infra.uow import UnitOfWork

COLUMNS = "id, kind, other, sku, location, field, ours, theirs, cause, state, seen, as_of, found_at, last_at, closed_by"
LISTED = f"""
SELECT {COLUMNS} FROM inventory.drift
 WHERE state = ANY(%(states)s) AND id < %(before)s AND (%(sku)s = '' OR sku = %(sku)s) ORDER BY id DESC LIMIT %(most)s
"""
OPEN_COUNTS = "SELECT kind, other, count(*) FROM inventory.drift WHERE state = 'open' GROUP BY 1, 2 ORDER BY 1, 2"
NEWEST = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSeen:
    """One drift with its life."""

    id: int
    kind: str
    other: str
    sku: str
    location: str
    field: str
    ours: Decimal
    theirs: Decimal
    cause: str
    state: str
    seen: int
    as_of: datetime | None
    found_at: datetime
    last_at: datetime
    closed_by: str


def drifts(
    uow: UnitOfWork, *, states: tuple[str, ...] = ("open",), sku: str = "", before: int = 0, most: int = 50
) -> list[DriftSeen]:
    """The newest first."""
    given: dict[str, Any] = {"states": list(states), "sku": sku, "before": before or NEWEST, "most": most}
    names = COLUMNS.split(", ")
    return [DriftSeen(**dict(zip(names, row, strict=True))) for row in uow.sql(LISTED, given)]


def open_drifts(uow: UnitOfWork) -> list[tuple[str, str, int]]:
    """How many drifts are open, by kind and book."""
    return [(kind, other, count) for kind, other, count in uow.sql(OPEN_COUNTS)]
