"""Cut-over reports: which orders are compared, and what each ERP answered of them."""

from __future__ import annotations

import json
from datetime import datetime

from app.domains.orders.events import ComparisonRequested
from app.domains.orders.ports import ErpOrder
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel import codec
from app.kernel.errors import Invalid

MOST_COMPARED = 2000  # orders of one report: each is two reads at an ERP

CHOSEN = """
SELECT o.id::text, o.name, o.external_id FROM orders.sales_order o
 WHERE o.placed_at >= %(placed_from)s AND o.placed_at < %(placed_until)s AND o.accepted_version > 0
   AND %(company)s IN ('', o.company) AND %(channel)s IN ('', o.channel)
 ORDER BY o.id LIMIT %(most)s
"""
BEGIN = """
WITH made AS (
    INSERT INTO orders.cut_over (id, old, new, company, channel, placed_from, placed_until, orders, who)
    VALUES (%(id)s, %(old)s, %(new)s, %(company)s, %(channel)s, %(placed_from)s, %(placed_until)s, %(orders)s, %(who)s)
    RETURNING id)
INSERT INTO orders.cut_over_view (cut_over_id, order_id, erp, name, key)
SELECT made.id, g.order_id, e.erp, g.name, g.key
  FROM made, unnest(%(ids)s::uuid[], %(names)s::text[], %(keys)s::text[]) g(order_id, name, key),
       unnest(ARRAY[%(old)s, %(new)s]) e(erp)
"""
RECORD = """
UPDATE orders.cut_over_view SET state = %(state)s, view = %(view)s::jsonb, said = %(said)s, read_at = now()
 WHERE cut_over_id = %(id)s AND order_id = %(order)s AND erp = %(erp)s
"""


def begin_cut_over(
    uow: UnitOfWork, old: str, new: str, placed_from: datetime, placed_until: datetime, who: str, *,
    company: str = "", channel: str = "",
) -> tuple[str, int]:  # fmt: skip
    """Ask both ERPs what they hold of the accepted orders placed in [from, until); returns the report and how many.

    Raises Invalid (`cut_over.dates`, `cut_over.nothing`, `cut_over.too_many`).
    """
    if placed_until <= placed_from:
        raise Invalid("cut_over.dates", f"{placed_until:%Y-%m-%d} is not after {placed_from:%Y-%m-%d}: swap the dates")
    scope = {"placed_from": placed_from, "placed_until": placed_until, "company": company, "channel": channel}
    rows = uow.sql(CHOSEN, {**scope, "most": MOST_COMPARED + 1}).fetchall()
    if not rows:
        raise Invalid("cut_over.nothing", "no accepted order was placed then; choose another period or scope")
    if len(rows) > MOST_COMPARED:
        raise Invalid("cut_over.too_many", f"more than {MOST_COMPARED:,} orders were placed then; choose fewer days")
    report = new_id()
    columns = {"ids": [row[0] for row in rows], "names": [row[1] for row in rows], "keys": [row[2] for row in rows]}
    uow.sql(BEGIN, {"id": report, "old": old, "new": new, "who": who, "orders": len(rows), **scope, **columns})
    for order_id, _, _ in rows:
        for erp in (old, new):
            uow.publish(ComparisonRequested(order_id=order_id, erp=erp, cut_over_id=report))
    return report, len(rows)


def record_view(
    uow: UnitOfWork, cut_over_id: str, order_id: str, erp: str, state: str, view: ErpOrder | None, said: str = ""
) -> None:
    """Keep what an ERP answered of an order."""
    document = json.dumps(codec.dump(view)) if view is not None else None
    given = {"id": cut_over_id, "order": order_id, "erp": erp, "state": state, "view": document, "said": said[:500]}
    uow.sql(RECORD, given)
