"""Where orders are and how fast they move.

Order ids are UUIDv7, so "since" is a range of the primary key and every question here costs the same on any history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.orders.lifecycle import State
from app.infra.uow import UnitOfWork
from app.kernel.money import Money

MOST_COUNTED = 100_000  # beyond that a figure says "more than"
RECENT = 2_000  # orders that a pace is measured on
SLICES = 24  # points of a promise's line


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Orders of one state that go on by themselves or wait, with what they are worth by currency."""

    count: int = 0
    worth: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The line of orders: what came in this hour, what stands at each station, what left today."""

    captured: dict[str, int]  # channel → orders in the last hour
    standing: dict[State, Standing]
    posted: dict[str, int]  # ERP → orders of today that it holds
    to_ship: int
    shipped: int  # shipments recorded today
    legs: dict[str, float | None]  # median seconds: capture, post, ship


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast something went lately: the slowest 5 %, a line of it, and how many kept the target."""

    seconds: float | None
    series: tuple[float, ...]
    within: float
    measured: int


STANDING = """
SELECT state, currency, count(*), coalesce(sum(total_minor), 0)::bigint FROM orders.sales_order
 WHERE state IN ('captured', 'held', 'accepted', 'cancelling') AND NOT test GROUP BY 1, 2
"""
CAPTURED = """
SELECT channel, count(*) FROM (SELECT channel FROM orders.sales_order WHERE id >= %(hour)s::uuid LIMIT %(most)s) o
 GROUP BY 1 ORDER BY 2 DESC
"""
POSTED = """
SELECT erp, count(*) FROM (SELECT erp FROM orders.erp_document WHERE order_id >= %(day)s::uuid LIMIT %(most)s) d
 GROUP BY 1 ORDER BY 2 DESC
"""
TO_SHIP = """
SELECT count(*) FROM (SELECT FROM orders.sales_order WHERE state IN ('posted', 'partly_shipped') LIMIT %(most)s) o
"""
SHIPPED = "SELECT count(*) FROM (SELECT FROM orders.shipment WHERE id >= %(day)s::uuid LIMIT %(most)s) s"
LEGS = """
WITH lately AS (SELECT id, received_at, captured_at FROM orders.sales_order ORDER BY id DESC LIMIT 500)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM o.captured_at - o.received_at)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.posted_at - o.captured_at)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM s.at - d.posted_at))
  FROM lately o LEFT JOIN orders.erp_document d ON d.order_id = o.id
       LEFT JOIN LATERAL (SELECT min(recorded_at) AS at FROM orders.shipment WHERE order_id = o.id) s ON true
"""
PACE = """
WITH lately AS ({lately}),
sliced AS (SELECT *, ntile(%(slices)s) OVER (ORDER BY id) AS slice FROM lately)
SELECT slice, percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds), count(*),
       count(*) FILTER (WHERE seconds <= %(target)s)
  FROM sliced GROUP BY GROUPING SETS ((slice), ()) ORDER BY slice NULLS LAST
"""
TO_ERP = """
SELECT o.id, extract(epoch FROM d.posted_at - o.received_at) AS seconds
  FROM (SELECT order_id, min(posted_at) AS posted_at FROM
           (SELECT order_id, posted_at FROM orders.erp_document ORDER BY order_id DESC LIMIT %(recent)s) n GROUP BY 1) d
  JOIN orders.sales_order o ON o.id = d.order_id
"""
TO_CHANNEL = """
SELECT id, extract(epoch FROM shown_at - recorded_at) AS seconds
  FROM (SELECT id, shown_at, recorded_at FROM orders.shipment ORDER BY id DESC LIMIT %(recent)s) s
 WHERE shown_at IS NOT NULL
"""


def the_line(uow: UnitOfWork, now: datetime) -> Line:
    """Where orders are, right now."""
    given = {"hour": _floor(now.timestamp() - 3600), "day": _floor(_midnight(now)), "most": MOST_COUNTED}
    standing: dict[State, Standing] = {}
    for state, currency, count, minor in uow.sql(STANDING).fetchall():
        known = standing.get(State(state), Standing())
        worth = (*known.worth, Money(minor, currency))
        standing[State(state)] = Standing(count=known.count + count, worth=worth)
    legs = uow.sql(LEGS).fetchone() or (None, None, None)
    return Line(
        captured=dict(uow.sql(CAPTURED, given).fetchall()),
        standing=standing,
        posted=dict(uow.sql(POSTED, given).fetchall()),
        to_ship=_number(uow, TO_SHIP, given),
        shipped=_number(uow, SHIPPED, given),
        legs=dict(zip(("capture", "post", "ship"), (_seconds(leg) for leg in legs), strict=True)),
    )


def pace_to_erp(uow: UnitOfWork, target: float) -> Pace:
    """From the first word of an order to its number at the ERP, over the newest 2,000 that are there."""
    return _pace(uow, TO_ERP, target)


def pace_to_channel(uow: UnitOfWork, target: float) -> Pace:
    """From a shipment's report to its tracking at the channel, over the newest 2,000."""
    return _pace(uow, TO_CHANNEL, target)


def _pace(uow: UnitOfWork, lately: str, target: float) -> Pace:
    rows = uow.sql(PACE.format(lately=lately), {"recent": RECENT, "slices": SLICES, "target": target}).fetchall()
    *slices, whole = rows or [(None, None, 0, 0)]
    measured = int(whole[2])
    return Pace(
        seconds=_seconds(whole[1]),
        series=tuple(float(row[1]) for row in slices),
        within=whole[3] / measured if measured else 1.0,
        measured=measured,
    )


def _number(uow: UnitOfWork, statement: str, given: dict[str, Any]) -> int:
    row = uow.sql(statement, given).fetchone()
    return int(row[0]) if row else 0


def _seconds(value: Any) -> float | None:
    return None if value is None else max(0.0, float(value))


def _midnight(now: datetime) -> float:
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _floor(timestamp: float) -> str:
    """The smallest UUIDv7 of a moment: 48 bits of milliseconds, then nothing."""
    digits = f"{int(timestamp * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"
