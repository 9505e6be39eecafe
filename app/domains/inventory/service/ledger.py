"""The movement ledger. A level's `on_hand + moved` is the sum of its movements; every write here keeps it so.

A snapshot already knows what happened until its `as_of`. A movement that is told later but took effect before it is
kept, and a `count` of the opposite quantity beside it: the snapshot had found that difference without its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domains.inventory.canonical import Movement
from app.infra.uow import UnitOfWork

POST = """
WITH given AS MATERIALIZED (
    SELECT g.*, s.as_of,
           CASE s.reports WHEN 'available' THEN coalesce(g.accepted_at, g.at) ELSE g.at END AS effective_at
      FROM unnest(%(skus)s::text[], %(locations)s::text[], %(kinds)s::text[], %(quantities)s::numeric[],
                  %(ats)s::timestamptz[], %(accepted)s::timestamptz[], %(sources)s::text[], %(keys)s::text[],
                  %(references)s::text[])
           g(sku, location, kind, quantity, at, accepted_at, source, key, reference)
      JOIN inventory.stock_level s USING (sku, location)),
kept AS (
    INSERT INTO inventory.movement (sku, location, kind, quantity, effective_at, source, key, reference)
    SELECT sku, location, kind, quantity, effective_at, source, key, reference FROM given
        ON CONFLICT (source, key) DO NOTHING RETURNING source, key),
fresh AS (
    SELECT given.*, coalesce(effective_at <= as_of, false) AS late FROM given JOIN kept USING (source, key)),
explained AS (
    INSERT INTO inventory.movement (sku, location, kind, quantity, effective_at, source, key, reference)
    SELECT sku, location, 'count', -quantity, as_of, 'hub', 'explains ' || source || ' ' || key, reference
      FROM fresh WHERE late)
UPDATE inventory.stock_level s
   SET moved = s.moved + d.moved, oversold = greatest(0, -(s.free + d.moved) - s.back_ordered),
       back_ordered = least(s.back_ordered, greatest(0, -(s.free + d.moved))), changed_at = now()
  FROM (SELECT f.sku, f.location, l.oversold AS before,
               coalesce(sum(f.quantity) FILTER (WHERE NOT f.late), 0) AS moved
          FROM fresh f JOIN inventory.stock_level l USING (sku, location) GROUP BY 1, 2, 3) d
 WHERE s.sku = d.sku AND s.location = d.location
RETURNING s.sku, s.location, d.before, s.oversold
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A movement; `accepted_at` is when the source took its order in, which lowers a figure of available stock."""

    movement: Movement
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What a level lacked for its reservations before a change and after it."""

    sku: str
    location: str
    before: Decimal
    after: Decimal


def post(uow: UnitOfWork, postings: Sequence[Posting]) -> list[Shift]:
    """Write movements whose (source, key) is new, and move their levels, which exist and whose SKUs are held."""
    if not postings:
        return []
    movements = [posting.movement for posting in postings]
    rows = uow.sql(
        POST,
        {
            "skus": [movement.sku for movement in movements],
            "locations": [movement.location for movement in movements],
            "kinds": [movement.kind.value for movement in movements],
            "quantities": [movement.quantity for movement in movements],
            "ats": [movement.at for movement in movements],
            "accepted": [posting.accepted_at for posting in postings],
            "sources": [movement.source for movement in movements],
            "keys": [movement.key for movement in movements],
            "references": [movement.reference for movement in movements],
        },
    )
    return [Shift(sku=sku, location=location, before=before, after=after) for sku, location, before, after in rows]
