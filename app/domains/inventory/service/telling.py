"""The figure that everybody reads, brought up to date in the transaction that changed what it is made of."""

from __future__ import annotations

from collections.abc import Collection

from app.domains.inventory.events import AvailabilityChanged, StockChanged
from app.infra.uow import UnitOfWork

HOUSE = "stock"  # the one key of what is told of many SKUs together

REFRESH = """
WITH fresh AS (
    SELECT sku, sum(greatest(free, 0)) AS available, sum(greatest(-free, 0)) AS owed, min(as_of) AS as_of
      FROM inventory.stock_level WHERE sku = ANY(%(skus)s) GROUP BY sku)
UPDATE inventory.availability a
   SET available = f.available, owed = f.owed, as_of = f.as_of, version = a.version + 1, changed_at = now()
  FROM fresh f
 WHERE a.sku = f.sku AND (a.available, a.owed, a.as_of) IS DISTINCT FROM (f.available, f.owed, f.as_of)
RETURNING a.sku, a.available, a.as_of, a.version
"""


def refresh(uow: UnitOfWork, skus: Collection[str]) -> None:
    """Add up the levels of these SKUs, which the caller holds, and tell which figures changed."""
    rows = uow.sql(REFRESH, {"skus": list(skus)}).fetchall()
    for sku, available, as_of, version in rows:
        uow.publish(AvailabilityChanged(sku=sku, available=available, as_of=as_of, version=version))
    if rows:
        uow.publish(StockChanged(house=HOUSE, skus=tuple(row[0] for row in rows)))
