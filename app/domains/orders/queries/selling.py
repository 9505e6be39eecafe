"""Which channels sell a SKU, as orders say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.infra.uow import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A channel sells a SKU: in so many of the orders that were asked about, under this title."""

    sku: str
    channel: str
    company: str
    orders: int
    title: str


SOLD = """
SELECT line->>'sku', o.channel, o.company, count(DISTINCT o.id),
       max(concat_ws(' ', nullif(line->>'title', ''), nullif(line->>'variant_title', '')))
  FROM unnest(%(ids)s::text[], %(skus)s::text[]) g(id, sku)
  JOIN orders.sales_order o ON o.id = g.id::uuid
  JOIN orders.order_version v ON v.order_id = o.id AND v.n = o.version
 CROSS JOIN LATERAL jsonb_array_elements(v.document->'lines') line
 WHERE line->>'sku' = g.sku GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2
"""


def sold(uow: UnitOfWork, asked: Collection[tuple[str, str]]) -> list[Sold]:
    """For (order id, SKU) who sells it and as what, by SKU, the channel with most orders first."""
    given = {"ids": [order_id for order_id, _ in asked], "skus": [sku for _, sku in asked]}
    rows = uow.sql(SOLD, given) if asked else ()
    return [Sold(sku=row[0], channel=row[1], company=row[2], orders=row[3], title=row[4]) for row in rows]
