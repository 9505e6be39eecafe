"""Where another book says something else: noted once while it lasts, corrected by a rule or by a person.

Kinds: `ledger`, the hub's own counters against its ledger; `source`, a count that is too far from what was believed to
be taken unasked; `channel`, what stands at a channel against what it was told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

LEDGER = "ledger"

NOTE = """
INSERT INTO inventory.drift AS d (kind, other, sku, location, field, ours, theirs, cause, as_of)
SELECT * FROM unnest(%(kinds)s::text[], %(others)s::text[], %(skus)s::text[], %(locations)s::text[], %(fields)s::text[],
                     %(ours)s::numeric[], %(theirs)s::numeric[], %(causes)s::text[], %(as_ofs)s::timestamptz[])
    ON CONFLICT (kind, other, sku, location) WHERE state = 'open' DO UPDATE
   SET field = excluded.field, ours = excluded.ours, theirs = excluded.theirs, cause = excluded.cause,
       as_of = excluded.as_of, seen = d.seen + 1, last_at = now()
"""
GONE = """
UPDATE inventory.drift SET state = 'gone', closed_at = now(), closed_by = 'hub'
 WHERE state = 'open' AND kind = %(kind)s AND sku > %(after)s AND sku <= %(until)s
   AND NOT EXISTS (SELECT FROM unnest(%(others)s::text[], %(skus)s::text[], %(locations)s::text[]) n(o, s, l)
                    WHERE o = other AND s = sku AND l = location)
"""
# Of a channel: what stands there against what it was told.
NOTE_CHANNELS = """
WITH agreed AS (SELECT tolerance FROM inventory.drift_rule WHERE other = ''),
differs AS (
    SELECT l.channel, l.sku, l.sent, l.found, l.found_at FROM inventory.channel_level l
      LEFT JOIN inventory.drift_rule r ON r.other = l.channel
     WHERE l.found IS NOT NULL AND l.sent IS NOT NULL
       AND abs(l.found - l.sent) > coalesce(r.tolerance, (SELECT tolerance FROM agreed), 0)),
gone AS (
    UPDATE inventory.drift d SET state = 'gone', closed_at = now(), closed_by = 'hub'
     WHERE d.state = 'open' AND d.kind = 'channel'
       AND NOT EXISTS (SELECT FROM differs f WHERE f.channel = d.other AND f.sku = d.sku))
INSERT INTO inventory.drift AS d (kind, other, sku, location, field, ours, theirs, cause, as_of)
SELECT 'channel', channel, sku, '', 'listed', sent, found,
       'it was changed at the channel, or an order was not told yet', found_at FROM differs
    ON CONFLICT (kind, other, sku, location) WHERE state = 'open' DO UPDATE
   SET ours = excluded.ours, theirs = excluded.theirs, as_of = excluded.as_of, seen = d.seen + 1, last_at = now()
"""
# What the difference looks like; the first that fits is named.
CAUSES = """
WITH given AS (
    SELECT * FROM unnest(%(skus)s::text[], %(locations)s::text[], %(differences)s::numeric[])
                  WITH ORDINALITY g(sku, location, difference, n))
SELECT coalesce(
    (SELECT 'as if goods on their way (' || s.key || ') had come in and nobody told' FROM inventory.supply s
      WHERE s.sku = g.sku AND s.location = g.location AND s.quantity = g.difference LIMIT 1),
    (SELECT 'as if order ' || r.order_id || ' had left and its shipment was not told' FROM inventory.reservation r
      WHERE r.sku = g.sku AND r.location = g.location AND r.state = 'allocated' AND r.quantity = -g.difference LIMIT 1),
    (SELECT 'as if ' || m.kind || ' ' || m.key || ' had not happened there' FROM (
        SELECT kind, key, quantity FROM inventory.movement
         WHERE sku = g.sku AND location = g.location AND kind <> 'count' ORDER BY effective_at DESC LIMIT 20) m
      WHERE m.quantity = -g.difference LIMIT 1),
    CASE WHEN g.difference < 0 THEN 'goods left that the hub was not told of'
         ELSE 'goods came that the hub was not told of' END)
  FROM given g ORDER BY g.n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One figure of one place in two books."""

    kind: str
    other: str
    sku: str
    location: str
    field: str
    ours: Decimal
    theirs: Decimal
    cause: str = ""
    as_of: datetime | None = None

    @property
    def size(self) -> Decimal:
        """How far the two books are apart."""
        return abs(self.theirs - self.ours)

    def because(self, cause: str) -> Drift:
        """The same with what it looks like."""
        return replace(self, cause=cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Up to `tolerance` a book may differ; up to `automatic_up_to` the hub's figure follows it unasked."""

    tolerance: Decimal
    automatic_up_to: Decimal


def set_rule(uow: UnitOfWork, other: str, rule: Rule) -> None:
    """Agree how far a book may differ: a source, a channel, `ledger`, or '' for each without a rule of its own."""
    if rule.tolerance < 0 or rule.automatic_up_to < 0:
        raise Invalid("inventory.bad_rule", "tolerance and automatic_up_to are 0 or more")
    uow.sql(
        "INSERT INTO inventory.drift_rule (other, tolerance, automatic_up_to) "
        "VALUES (%(other)s, %(tolerance)s, %(automatic)s) ON CONFLICT (other) DO UPDATE "
        "SET tolerance = excluded.tolerance, automatic_up_to = excluded.automatic_up_to",
        {"other": other, "tolerance": rule.tolerance, "automatic": rule.automatic_up_to},
    )


def rules(uow: UnitOfWork) -> dict[str, Rule]:
    """Every rule by its book."""
    rows = uow.sql("SELECT other, tolerance, automatic_up_to FROM inventory.drift_rule")
    return {other: Rule(tolerance=tolerance, automatic_up_to=automatic) for other, tolerance, automatic in rows}


def note(uow: UnitOfWork, drifts: Sequence[Drift]) -> None:
    """Keep what differs; what is open already is seen once more."""
    if drifts:
        named = {"kinds": [one.kind for one in drifts], "causes": [one.cause for one in drifts]}
        figures = {"ours": [one.ours for one in drifts], "theirs": [one.theirs for one in drifts]}
        times = {"fields": [one.field for one in drifts], "as_ofs": [one.as_of for one in drifts]}
        uow.sql(NOTE, {**named, **figures, **times, **_places(drifts)})


def note_channels(uow: UnitOfWork) -> int:
    """Note where channels show another figure than they were told; what they show rightly again is gone."""
    return uow.sql(NOTE_CHANNELS).rowcount


def end_gone(uow: UnitOfWork, kind: str, after: str, until: str, still: Sequence[Drift]) -> int:
    """What was open of the SKUs after `after` up to `until` and is not found any more has gone by itself."""
    return uow.sql(GONE, {"kind": kind, "after": after, "until": until, **_places(still)}).rowcount


def causes(uow: UnitOfWork, places: Sequence[tuple[str, str, Decimal]]) -> list[str]:
    """For (SKU, location, theirs − ours): what each difference looks like."""
    if not places:
        return []
    given = {
        "skus": [sku for sku, _, _ in places], "locations": [location for _, location, _ in places],
        "differences": [difference for _, _, difference in places],
    }  # fmt: skip
    return [row[0] for row in uow.sql(CAUSES, given)]


def locked(uow: UnitOfWork, drift_id: int) -> Drift:
    """An open drift, held until the unit of work ends. Raises NotFound, or Refused where it is closed."""
    row = uow.sql(
        "SELECT kind, other, sku, location, field, ours, theirs, cause, as_of, state FROM inventory.drift "
        "WHERE id = %(id)s FOR UPDATE",
        {"id": drift_id},
    ).fetchone()
    if row is None:
        raise NotFound("inventory.no_drift", f"there is no drift {drift_id}", about=str(drift_id))
    if row[9] != "open":
        raise Refused("inventory.drift_closed", f"drift {drift_id} is {row[9]} already", about=str(drift_id))
    return Drift(
        kind=row[0], other=row[1], sku=row[2], location=row[3], field=row[4], ours=row[5], theirs=row[6],
        cause=row[7], as_of=row[8],
    )  # fmt: skip


def close(uow: UnitOfWork, drift_ids: Collection[int], state: str, who: str) -> None:
    """End open drifts: `corrected`, or `accepted` as they are."""
    uow.sql(
        "UPDATE inventory.drift SET state = %(state)s, closed_at = now(), closed_by = %(who)s "
        "WHERE id = ANY(%(ids)s::bigint[]) AND state = 'open'",
        {"ids": list(drift_ids), "state": state, "who": who},
    )


def _places(drifts: Sequence[Drift]) -> dict[str, list[str]]:
    return {
        "others": [one.other for one in drifts], "skus": [one.sku for one in drifts],
        "locations": [one.location for one in drifts],
    }  # fmt: skip
