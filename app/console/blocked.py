"""What waits for a case: deliveries, and orders where it is about orders; how many and how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.orders.admin import Brief, briefs
from app.infra.uow import UnitOfWork
from app.kernel.money import Money

MOST_LISTED = 100
ORDERS = "orders:"  # the lane key of an order's facts
ORDER_KEY = re.compile(r"orders:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

ITEMS = """
SELECT i.key, i.event_id, i.delivery, i.at, coalesce(d.state, ''), coalesce(d.subscriber, ''), coalesce(d.code, '')
  FROM hub.case_item i LEFT JOIN hub.delivery d ON d.event_id = i.event_id AND d.id = i.delivery
 WHERE i.case_id = %(case)s ORDER BY i.at, i.delivery LIMIT %(most)s
"""
COUNTS = """
SELECT case_id::text, count(*), array_agg(DISTINCT key) FILTER (WHERE key ^@ 'orders:')
  FROM hub.case_item WHERE case_id = ANY(%(cases)s::uuid[]) GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """One thing that waits for a case. `state` is empty where no delivery does."""

    key: str
    event_id: int
    delivery_id: int
    at: datetime
    state: str
    subscriber: str
    code: str

    @property
    def order_id(self) -> str:
        return order_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """How much a case blocks."""

    things: int
    order_ids: tuple[str, ...] = ()
    money: tuple[Money, ...] = ()

    @property
    def orders(self) -> int:
        return len(self.order_ids)


def order_of(key: str) -> str:
    """The order that a lane key is about; empty where it is about something else."""
    found = ORDER_KEY.fullmatch(key)
    return found[1] if found else ""


NOTHING = Worth(things=0)


def blocked_by(uow: UnitOfWork, case_id: str) -> list[Blocked]:
    """What waits for a case, oldest first, at most a hundred."""
    return [
        Blocked(
            key=row[0], event_id=row[1], delivery_id=row[2], at=row[3], state=row[4], subscriber=row[5], code=row[6]
        )
        for row in uow.sql(ITEMS, {"case": case_id, "most": MOST_LISTED})
    ]


def totals_of(uow: UnitOfWork, case_ids: Sequence[str]) -> dict[str, Worth]:
    """How much each case blocks, in two statements."""
    rows = uow.sql(COUNTS, {"cases": list(case_ids)}).fetchall()
    ids = {case_id: tuple(filter(None, map(order_of, keys or ()))) for case_id, _, keys in rows}
    known = briefs(uow, sorted({order_id for some in ids.values() for order_id in some}))
    found = {
        case_id: Worth(things=things, order_ids=ids[case_id], money=_sums(known, ids[case_id]))
        for case_id, things, _ in rows
    }
    return {case_id: found.get(case_id, NOTHING) for case_id in case_ids}


def together(worths: Sequence[Worth]) -> Worth:
    """What several cases block in all."""
    return Worth(
        things=sum(worth.things for worth in worths),
        order_ids=tuple(sorted({order_id for worth in worths for order_id in worth.order_ids})),
        money=_by_currency(amount for worth in worths for amount in worth.money),
    )


def _sums(known: Mapping[str, Brief], order_ids: Sequence[str]) -> tuple[Money, ...]:
    """What these orders are worth, by currency."""
    return _by_currency(known[order_id].total for order_id in order_ids if order_id in known)


def _by_currency(amounts: Iterable[Money]) -> tuple[Money, ...]:
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, Money.zero(amount.currency)) + amount
    return tuple(sums[currency] for currency in sorted(sums))
