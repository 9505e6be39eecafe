"""One customer, one basket, two channels: perhaps one order that was sent twice."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from app.domains.orders.canonical import Order
from app.domains.orders.service.findings import Found, find_many
from app.infra.uow import UnitOfWork

ALIKE = """
SELECT mine.id::text, other.channel, other.name
  FROM orders.sales_order mine
  JOIN orders.sales_order other ON other.likeness = mine.likeness AND other.likeness <> '' AND other.id <> mine.id
       AND other.channel <> mine.channel AND other.placed_at BETWEEN mine.placed_at - interval '1 hour'
       AND mine.placed_at + interval '1 hour'
 WHERE mine.id = ANY(%(ids)s::uuid[])
"""


def likeness(order: Order) -> str:
    """What two orders share when one customer sent the same basket twice; empty where the customer is not told."""
    buyer = order.email or (order.customer.email if order.customer else "")
    if not buyer:
        return ""
    basket = sorted(f"{line.sku or line.title}*{line.qty_ordered}" for line in order.lines)
    parts = [buyer.strip().lower(), str(order.totals.total.presentment), *basket]
    return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


def find_duplicates(uow: UnitOfWork, order_ids: Sequence[str]) -> None:
    """Note what looks like the same order from another channel within an hour; both go on."""
    rows = uow.sql(ALIKE, {"ids": list(order_ids)}).fetchall()
    find_many(
        uow,
        [
            Found(
                order_id=order_id, code="orders.maybe_duplicate", about=f"{channel} {name}",
                said=f"the same customer sent the same basket as {name} at {channel} within an hour",
            )
            for order_id, channel, name in rows
        ],
    )  # fmt: skip
