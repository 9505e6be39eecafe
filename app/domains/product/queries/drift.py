"""Where sources and the hub are not alike, as the last alignment found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.infra.uow import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One difference. `product_id` is '' for a SKU that is missing here."""

    connection: str
    company: str
    sku: str
    kind: str
    field: str
    ours: str
    theirs: str
    found_at: datetime
    product_id: str


DRIFTS = """
SELECT d.connection, d.company, d.sku, d.kind, d.field, d.ours, d.theirs, d.found_at,
       coalesce(v.product_id::text, p.id::text, '')
  FROM product.drift d
  LEFT JOIN product.variant v ON (v.sku, v.company) = (d.sku, d.company)
  LEFT JOIN product.product p ON (p.code, p.company) = (d.sku, d.company)
 WHERE d.gone_at IS NULL AND (%(connection)s = '' OR d.connection = %(connection)s)
   AND (d.connection, d.sku, d.field) > (%(after)s, %(sku)s, %(field)s)
 ORDER BY d.connection, d.sku, d.field LIMIT %(most)s
"""


def drifts(
    uow: UnitOfWork, *, connection: str = "", after: tuple[str, str, str] = ("", "", ""), most: int = 50
) -> list[Drifted]:
    """What is not alike, by connection, SKU and field; those behind `after`."""
    given = {"connection": connection, "after": after[0], "sku": after[1], "field": after[2], "most": most}
    names = Drifted.__dataclass_fields__
    return [Drifted(**dict(zip(names, row, strict=True))) for row in uow.sql(DRIFTS, given)]
