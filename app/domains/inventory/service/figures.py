"""Sources' figures become the base of their levels; what no movement explains goes into the ledger as a `count`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from app.domains.inventory.canonical import Reports, Snapshot
from app.domains.inventory.service.ledger import Shift
from app.domains.inventory.service.locking import Level, Place
from app.infra.uow import UnitOfWork

GIVEN = """
    SELECT * FROM unnest(%(skus)s::text[], %(locations)s::text[], %(figures)s::numeric[], %(as_ofs)s::timestamptz[],
                         %(sequences)s::bigint[], %(reports)s::text[], %(sources)s::text[], %(befores)s::timestamptz[])
                  g(sku, location, on_hand, as_of, sequence, reports, source, before)
"""
BELIEVED = f"""
WITH given AS ({GIVEN})
SELECT sku, location, m.until, m.later
  FROM given g CROSS JOIN LATERAL (
       SELECT coalesce(sum(quantity) FILTER (WHERE effective_at <= g.as_of), 0) AS until,
              coalesce(sum(quantity) FILTER (WHERE effective_at > g.as_of), 0) AS later
         FROM inventory.movement
        WHERE sku = g.sku AND location = g.location AND effective_at > coalesce(g.before, '-infinity')) m
"""
CONTAINED = f"""
WITH given AS ({GIVEN}),
mine AS MATERIALIZED (
    SELECT r.id, g.reports = 'available' AND coalesce(r.accepted_at <= g.as_of, false) AS inside
      FROM given g JOIN inventory.reservation r USING (sku, location)
     WHERE r.state = 'allocated' ORDER BY r.id FOR UPDATE OF r),
told AS (
    UPDATE inventory.reservation r SET contained = mine.inside FROM mine WHERE r.id = mine.id
    RETURNING r.sku, r.location, r.quantity, r.contained)
SELECT sku, location, coalesce(sum(quantity) FILTER (WHERE contained), 0) FROM told GROUP BY sku, location
"""
COUNTED = f"""
WITH given AS ({GIVEN}),
more AS (
    SELECT * FROM unnest(%(skus)s::text[], %(locations)s::text[], %(moved)s::numeric[], %(contained)s::numeric[],
                         %(differences)s::numeric[]) m(sku, location, moved, contained, difference)),
figure AS MATERIALIZED (SELECT * FROM given JOIN more USING (sku, location)),
kept AS (
    INSERT INTO inventory.movement (sku, location, kind, quantity, effective_at, source, key)
    SELECT sku, location, 'count', difference, as_of, source,
           'count ' || sku || '|' || location || '|' || sequence || '|'
           || to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
      FROM figure WHERE difference <> 0)
UPDATE inventory.stock_level s
   SET source = f.source, reports = f.reports, on_hand = f.on_hand, as_of = f.as_of, sequence = f.sequence,
       moved = f.moved, contained = f.contained, changed_at = now(),
       oversold = greatest(0, f.missing - s.back_ordered), back_ordered = least(s.back_ordered, f.missing)
  FROM (SELECT figure.*, greatest(
               0, l.damaged + l.quality_hold + l.reserved - figure.contained - figure.on_hand - figure.moved) AS missing
          FROM figure JOIN inventory.stock_level l USING (sku, location)) f
 WHERE s.sku = f.sku AND s.location = f.location
RETURNING s.sku, s.location, s.oversold
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What a level's movements since its last figure come to: until the new figure's instant, and later."""

    until: Decimal
    later: Decimal


def believed_of(uow: UnitOfWork, snapshots: Sequence[Snapshot], levels: Mapping[Place, Level]) -> dict[Place, Believed]:
    """By level, what the hub believes of the movements around each figure; each level once."""
    if not snapshots:
        return {}
    return {
        (sku, location): Believed(until=until, later=later)
        for sku, location, until, later in uow.sql(BELIEVED, _given(snapshots, levels))
    }


def write_figures(
    uow: UnitOfWork, snapshots: Sequence[Snapshot], levels: dict[Place, Level], believed: Mapping[Place, Believed]
) -> list[Shift]:
    """Make each figure its level's base, whose SKU is held; each level once. `levels` is brought up to date."""
    if not snapshots:
        return []
    places = [(one.sku, one.location) for one in snapshots]
    given = _given(snapshots, levels)
    contained: dict[Place, Decimal] = {}
    if any(one.reports is Reports.AVAILABLE or levels[one.sku, one.location].contained for one in snapshots):
        contained = {(sku, location): quantity for sku, location, quantity in uow.sql(CONTAINED, given)}
    figures = {
        "moved": [believed[place].later for place in places],
        "contained": [contained.get(place, Decimal(0)) for place in places],
        "differences": [
            one.on_hand - levels[place].on_hand - believed[place].until
            for one, place in zip(snapshots, places, strict=True)
        ],
    }
    oversold = {(sku, location): missing for sku, location, missing in uow.sql(COUNTED, {**given, **figures})}
    shifts = [
        Shift(sku=place[0], location=place[1], before=levels[place].oversold, after=oversold[place]) for place in places
    ]
    for one, place in zip(snapshots, places, strict=True):
        levels[place] = replace(
            levels[place], source=one.source, reports=one.reports, on_hand=one.on_hand, as_of=one.as_of,
            sequence=one.sequence, contained=contained.get(place, Decimal(0)), oversold=oversold[place],
        )  # fmt: skip
    return shifts


def _given(snapshots: Sequence[Snapshot], levels: Mapping[Place, Level]) -> dict[str, object]:
    places = [(one.sku, one.location) for one in snapshots]
    return {
        "skus": [one.sku for one in snapshots], "locations": [one.location for one in snapshots],
        "figures": [one.on_hand for one in snapshots], "as_ofs": [one.as_of for one in snapshots],
        "sequences": [one.sequence for one in snapshots], "reports": [one.reports.value for one in snapshots],
        "sources": [one.source for one in snapshots], "befores": [levels[place].as_of for place in places],
    }  # fmt: skip
