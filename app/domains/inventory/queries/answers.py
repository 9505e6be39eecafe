"""Stock as the API and the console show it, from the row that is kept for each SKU."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.infra.uow import UnitOfWork

# A bundle is as many whole sets as its components give; one that was itself counted is still a bundle.
FIGURES = """
SELECT a.sku, a.available, a.as_of, a.version FROM inventory.availability a WHERE a.sku = ANY(%(skus)s)
UNION ALL
SELECT b.bundle, min(floor(coalesce(a.available, 0) / b.quantity)), min(a.as_of), coalesce(sum(a.version), 0)::bigint
  FROM inventory.bundle_part b LEFT JOIN inventory.availability a ON a.sku = b.component
 WHERE b.bundle = ANY(%(skus)s) GROUP BY b.bundle
"""
PLACE_COLUMNS = (
    "location", "source", "reports", "on_hand", "moved", "damaged", "quality_hold", "reserved", "contained",
    "oversold", "back_ordered", "free", "as_of",
)  # fmt: skip
PLACES = f"SELECT {', '.join(PLACE_COLUMNS)} FROM inventory.stock_level WHERE sku = %(sku)s ORDER BY location"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What can be sold of a SKU over all locations, as of its oldest count."""

    sku: str
    available: Decimal
    as_of: datetime | None
    version: int


def standings(uow: UnitOfWork, skus: Collection[str]) -> dict[str, Standing]:
    """By SKU, bundles among them; one that no source reported has no entry."""
    return {
        row[0]: Standing(sku=row[0], available=row[1], as_of=row[2], version=row[3])
        for row in uow.sql(FIGURES, {"skus": list(skus)})
    }


def places_of(uow: UnitOfWork, sku: str) -> list[dict[str, Any]]:
    """Every location's figures of a SKU, by the names of their columns."""
    return [_named(row) for row in uow.sql(PLACES, {"sku": sku})]


def _named(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(PLACE_COLUMNS, row, strict=True))
