"""The figure that everybody reads, brought up to date in the transaction that changed what it is made of."""

from __future__ import annotations

from collections.abc import Collection

from app.domains.inventory.events import AvailabilityChanged, StockChanged
from app.infra.uow import UnitOfWork

HOUSE = "stock"  # the one key of what is told of many SKUs together

FRESH = """
    SELECT sku, sum(greatest(free, 0)) AS available, sum(greatest(-free, 0)) AS owed, min(as_of) AS as_of,
           array_agg(location ORDER BY location) AS places, array_agg(free ORDER BY location) AS free_at
      FROM inventory.stock_level WHERE sku = ANY(%(skus)s) GROUP BY sku
"""
REFRESH = f"""
WITH fresh AS ({FRESH})
UPDATE inventory.availability a
   SET available = f.available, owed = f.owed, as_of = f.as_of, places = f.places, free_at = f.free_at,
       version = a.version + 1, kept_version = a.version + 1, changed_at = now()
  FROM fresh f
 WHERE a.sku = f.sku AND (a.available, a.owed, a.as_of, a.places, a.free_at)
       IS DISTINCT FROM (f.available, f.owed, f.as_of, f.places, f.free_at)
RETURNING a.sku, a.available, a.as_of, a.version
"""
UNKEPT = """
SELECT sku FROM inventory.availability
 WHERE sku = ANY(%(skus)s) AND kept_version IS DISTINCT FROM version ORDER BY sku FOR NO KEY UPDATE
"""
KEEP = f"""
WITH fresh AS ({FRESH})
UPDATE inventory.availability a SET places = f.places, free_at = f.free_at, kept_version = a.version
  FROM fresh f WHERE a.sku = f.sku
"""


def refresh(uow: UnitOfWork, skus: Collection[str]) -> None:
    """Add up the levels of these SKUs, which the caller holds, and tell which figures changed."""
    rows = uow.sql(REFRESH, {"skus": list(skus)}).fetchall()
    for sku, available, as_of, version in rows:
        uow.publish(AvailabilityChanged(sku=sku, available=available, as_of=as_of, version=version))
    if rows:
        uow.publish(StockChanged(house=HOUSE, skus=tuple(row[0] for row in rows)))


def keep_places(uow: UnitOfWork, skus: Collection[str]) -> None:
    """Keep by location what is free of those SKUs of which nobody did yet; no figure changes, so nothing is told."""
    unkept = [row[0] for row in uow.sql(UNKEPT, {"skus": list(skus)})]
    if unkept:
        uow.sql(KEEP, {"skus": unkept})
