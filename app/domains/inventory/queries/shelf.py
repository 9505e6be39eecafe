"""Stock as lists: SKUs by name, a SKU's ledger, and who has it reserved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domains.inventory.queries.answers import Standing
from app.infra.uow import UnitOfWork

SKUS = """
SELECT sku, available, as_of, version FROM inventory.availability
 WHERE sku > %(after)s AND (%(begins)s = '' OR starts_with(sku, %(begins)s)) ORDER BY sku LIMIT %(most)s
"""
LEDGER = """
SELECT id, location, kind, quantity, effective_at, recorded_at, source, key, reference FROM inventory.movement
 WHERE sku = %(sku)s ORDER BY effective_at DESC, id DESC LIMIT %(most)s
"""
WAITING = """
SELECT order_id, location, sum(quantity), state, max(expires_at) FROM inventory.reservation
 WHERE sku = %(sku)s AND state IN ('quoted', 'held', 'allocated')
 GROUP BY order_id, location, state ORDER BY max(id) DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    id: int
    location: str
    kind: str
    quantity: Decimal
    effective_at: datetime
    recorded_at: datetime
    source: str
    key: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one order or cart has of a SKU at a location."""

    order_id: str
    location: str
    quantity: Decimal
    state: str
    expires_at: datetime | None


def skus(uow: UnitOfWork, *, begins: str = "", after: str = "", most: int = 50) -> list[Standing]:
    """SKUs that some source reported, by name."""
    given: dict[str, Any] = {"begins": begins, "after": after, "most": most}
    return [
        Standing(sku=sku, available=available, as_of=as_of, version=version)
        for sku, available, as_of, version in uow.sql(SKUS, given)
    ]


def ledger_of(uow: UnitOfWork, sku: str, most: int = 50) -> list[Entry]:
    """What moved, the newest first."""
    names = ("id", "location", "kind", "quantity", "effective_at", "recorded_at", "source", "key", "reference")
    return [Entry(**dict(zip(names, row, strict=True))) for row in uow.sql(LEDGER, {"sku": sku, "most": most})]


def promises_of(uow: UnitOfWork, sku: str, most: int = 50) -> list[Promise]:
    """Who has it reserved, the newest first."""
    names = ("order_id", "location", "quantity", "state", "expires_at")
    return [Promise(**dict(zip(names, row, strict=True))) for row in uow.sql(WAITING, {"sku": sku, "most": most})]
