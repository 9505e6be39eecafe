"""Which orders have goods of a SKU."""

from __future__ import annotations

from app.infra.uow import UnitOfWork

# What others than orders keep has a name of their own, which is no id of an order.
HOLDERS = """
SELECT DISTINCT order_id FROM inventory.reservation WHERE sku = %(sku)s AND state IN ('held', 'allocated')
   AND order_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' ORDER BY order_id
"""


def holders_of(uow: UnitOfWork, sku: str) -> list[str]:
    """The orders that reserved goods of a SKU which have not left yet."""
    return [row[0] for row in uow.sql(HOLDERS, {"sku": sku})]
