"""Counters are the ledger's and the reservations' sums, kept as they change; here they are added up again.

Comparing takes no lock: one statement sees one moment, and every transaction changes a counter with what it counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.domains.inventory.events import StockOversold
from app.domains.inventory.service import drifting
from app.domains.inventory.service.drifting import LEDGER, Drift
from app.domains.inventory.service.locking import hold
from app.domains.inventory.service.telling import keep_places, refresh
from app.infra.uow import UnitOfWork

AT_ONCE = 2000  # SKUs in one turn: a second or two of reading, so that work between the turns does not wait
CAUSE = "a counter was changed without what it counts: a statement by hand, a restored table, or a fault of the hub"

TRUTH = """
    SELECT s.sku, s.location, m.until, m.later, r.open, r.inside,
           greatest(0, s.damaged + s.quality_hold + r.open - r.inside - m.until - m.later) AS missing
      FROM inventory.stock_level s
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(quantity) FILTER (WHERE effective_at <= coalesce(s.as_of, '-infinity')), 0) AS until,
                  coalesce(sum(quantity) FILTER (WHERE effective_at > coalesce(s.as_of, '-infinity')), 0) AS later
             FROM inventory.movement WHERE sku = s.sku AND location = s.location) m
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(quantity), 0) AS open, coalesce(sum(quantity) FILTER (WHERE contained), 0) AS inside
             FROM inventory.reservation WHERE sku = s.sku AND location = s.location
              AND state IN ('quoted', 'held', 'allocated')) r
     WHERE s.sku = ANY(%(skus)s)
"""
# What is kept of a SKU by location is looked at where its sum is right: else that one finding says enough.
COMPARE = f"""
WITH truth AS MATERIALIZED ({TRUTH}),
summed AS MATERIALIZED (
    SELECT a.sku, a.available, coalesce(sum(greatest(0, s.free)), 0) AS free, a.places, a.free_at,
           a.kept_version = a.version AS kept
      FROM inventory.availability a LEFT JOIN inventory.stock_level s USING (sku)
     WHERE a.sku = ANY(%(skus)s) GROUP BY a.sku)
SELECT s.sku, s.location, v.field, v.ours, v.theirs
  FROM truth t JOIN inventory.stock_level s USING (sku, location)
 CROSS JOIN LATERAL (VALUES
       ('on_hand', s.on_hand, t.until), ('moved', s.moved, t.later), ('reserved', s.reserved, t.open),
       ('contained', s.contained, t.inside), ('oversold', s.oversold, greatest(0, -s.free - s.back_ordered)))
       v(field, ours, theirs)
 WHERE v.ours <> v.theirs
UNION ALL
SELECT sku, '', 'available', available, free FROM summed WHERE available <> free
UNION ALL
SELECT sku, location, 'free', coalesce(k.free, 0), coalesce(s.free, 0)
  FROM (SELECT u.sku, p.location, p.free FROM summed u CROSS JOIN LATERAL unnest(u.places, u.free_at) p(location, free)
         WHERE u.kept AND u.available = u.free) k
  FULL JOIN (
        SELECT l.sku, l.location, l.free FROM inventory.stock_level l JOIN summed u USING (sku)
         WHERE u.kept AND u.available = u.free) s USING (sku, location)
 WHERE k.free IS DISTINCT FROM s.free
 ORDER BY 1, 2, 3
"""
CORRECT = f"""
WITH truth AS MATERIALIZED ({TRUTH})
UPDATE inventory.stock_level s
   SET on_hand = t.until, moved = t.later, reserved = t.open, contained = t.inside, changed_at = now(),
       oversold = greatest(0, t.missing - s.back_ordered), back_ordered = least(s.back_ordered, t.missing)
  FROM truth t JOIN inventory.stock_level b USING (sku, location)
 WHERE s.sku = t.sku AND s.location = t.location
   AND (s.on_hand, s.moved, s.reserved, s.contained, s.oversold) IS DISTINCT FROM
       (t.until, t.later, t.open, t.inside, greatest(0, t.missing - s.back_ordered))
RETURNING s.sku, s.location, b.oversold, s.oversold
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """One turn: how many SKUs were looked at up to `last`, '' at the end, and what differs after it."""

    looked: int
    last: str
    found: tuple[Drift, ...]
    corrected: int


def recount(uow: UnitOfWork, after: str = "", most: int = AT_ONCE) -> Recount:
    """Compare the counters of the next SKUs; a difference is noted, and corrected where a rule of `ledger` says so."""
    skus = [
        row[0]
        for row in uow.sql(
            "SELECT sku FROM inventory.availability WHERE sku > %(after)s ORDER BY sku LIMIT %(most)s",
            {"after": after, "most": most},
        )
    ]
    if not skus:
        return Recount(looked=0, last="", found=(), corrected=0)
    keep_places(uow, skus)
    found = compare(uow, skus)
    corrected = _by_rule(uow, found)
    open_ones = [one for one in found if one.sku not in corrected]
    drifting.note(uow, open_ones)
    drifting.end_gone(uow, LEDGER, after, skus[-1], open_ones)
    last = skus[-1] if len(skus) == most else ""
    return Recount(looked=len(skus), last=last, found=tuple(found), corrected=len(corrected))


def compare(uow: UnitOfWork, skus: Sequence[str]) -> list[Drift]:
    """What of these SKUs' counters is not what the ledger and the reservations add up to."""
    return [
        Drift(kind=LEDGER, other=field, sku=sku, location=location, field=field, ours=ours, theirs=theirs, cause=CAUSE)
        for sku, location, field, ours, theirs in uow.sql(COMPARE, {"skus": list(skus)})
    ]


def correct(uow: UnitOfWork, skus: Collection[str]) -> None:
    """Set the counters of these SKUs to what they count, and tell what can be sold then."""
    hold(uow, skus)
    for sku, location, before, after in uow.sql(CORRECT, {"skus": list(skus)}).fetchall():
        if after > before:
            uow.publish(StockOversold(sku=sku, location=location, missing=after))
    refresh(uow, skus)


def _by_rule(uow: UnitOfWork, found: Sequence[Drift]) -> set[str]:
    """Correct the SKUs of which every difference is small enough for the rule; returns them."""
    rule = drifting.rules(uow).get(LEDGER)
    if rule is None or not found:
        return set()
    largest: dict[str, Decimal] = {}
    for one in found:
        largest[one.sku] = max(one.size, largest.get(one.sku, Decimal(0)))
    small = {sku for sku, size in largest.items() if size <= rule.automatic_up_to}
    if small:
        correct(uow, small)
    return small
