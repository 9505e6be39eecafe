"""Orders in a row each, and whatever number somebody may read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.orders.lifecycle import State
from app.infra.uow import UnitOfWork
from app.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """An order in one row of a list."""

    order_id: str
    name: str
    channel: str
    company: str
    state: State
    test: bool
    total: Money
    placed_at: datetime
    erp_number: str = ""
    hold: str = ""


BRIEF = """
SELECT o.id::text, o.name, o.channel, o.company, o.state, o.test, o.total_minor, o.currency, o.placed_at,
       coalesce((SELECT string_agg(d.number, ', ' ORDER BY d.erp) FROM orders.erp_document d
                  WHERE d.order_id = o.id), ''),
       coalesce((SELECT string_agg(h.kind, ', ' ORDER BY h.placed_at) FROM orders.hold h
                  WHERE h.order_id = o.id AND h.released_at IS NULL), '')
  FROM orders.sales_order o
"""
NAMED = BRIEF + " WHERE o.id = ANY(%(ids)s::uuid[])"
LISTED = """
 WHERE (%(states)s::text[] IS NULL OR o.state = ANY(%(states)s::text[]))
   AND (%(channel)s = '' OR o.channel = %(channel)s)
"""
OLDER = BRIEF + LISTED + " AND o.id < %(before)s::uuid ORDER BY o.id DESC LIMIT %(most)s"
NEWER = BRIEF + LISTED + " AND o.id > %(after)s::uuid ORDER BY o.id LIMIT %(most)s"
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"

# Every number that somebody may read aloud: the channel's, the ERP's, a shipment's, a parcel's, an invoice's.
NUMBERED = """
SELECT id::text, 'order', name FROM orders.sales_order WHERE name = ANY(%(numbers)s)
UNION ALL
SELECT id::text, 'order', external_id FROM orders.sales_order
 WHERE external_id = %(number)s AND channel = ANY(%(channels)s)
UNION ALL
SELECT order_id::text, 'ERP order', number FROM orders.erp_document WHERE number = %(number)s
UNION ALL
SELECT order_id::text, 'shipment', number FROM orders.shipment WHERE number = %(number)s
UNION ALL
SELECT s.order_id::text, 'tracking', p.tracking_number
  FROM orders.package p JOIN orders.shipment s ON s.id = p.shipment_id WHERE p.tracking_number = %(number)s
UNION ALL
SELECT order_id::text, 'invoice', number FROM orders.invoice WHERE number = %(number)s
LIMIT 50
"""


def briefs(uow: UnitOfWork, ids: Sequence[str]) -> dict[str, Brief]:
    """The named orders in a row each, by id, in one statement."""
    return {brief.order_id: brief for brief in _briefs(uow, NAMED, {"ids": list(ids)})} if ids else {}


def listed(
    uow: UnitOfWork,
    *,
    states: Sequence[State] = (),
    channel: str = "",
    before: str = "",
    after: str = "",
    most: int = 50,
) -> list[Brief]:
    """Orders, the newest first. `before` and `after` are order ids that a page goes on from."""
    wanted = [state.value for state in states] or None
    given = {"states": wanted, "channel": channel, "before": before or LAST, "after": after, "most": most}
    return _briefs(uow, NEWER, given)[::-1] if after else _briefs(uow, OLDER, given)


def numbered(uow: UnitOfWork, number: str, channels: Sequence[str]) -> list[tuple[str, str, str]]:
    """Orders that carry this number anywhere: (order id, what the number is, the number as written)."""
    spellings = sorted({number, number.lstrip("#"), "#" + number.lstrip("#")})
    given = {"number": number, "numbers": spellings, "channels": list(channels)}
    return [(row[0], row[1], row[2]) for row in uow.sql(NUMBERED, given)]


def _briefs(uow: UnitOfWork, statement: str, given: dict[str, Any]) -> list[Brief]:
    return [
        Brief(
            order_id=row[0], name=row[1], channel=row[2], company=row[3], state=State(row[4]), test=row[5],
            total=Money(row[6], row[7]), placed_at=row[8], erp_number=row[9], hold=row[10],
        )
        for row in uow.sql(statement, given)
    ]  # fmt: skip
