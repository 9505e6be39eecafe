"""What is agreed about offers: policies, goods on their way in, bundles, units. Each change is told."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from decimal import Decimal

from app.domains.inventory.canonical import ChannelPolicy, Supply, exact
from app.domains.inventory.events import OffersChanged
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

KEEP_POLICY = """
INSERT INTO inventory.channel_policy AS p
       (channel, pattern, locations, safety, safety_at, buffer, cap, share, fixed, priority, overcommit,
        backorder_limit, pause_at, inbound_days, inbound_confidence, scarce_below, changed_by)
VALUES (%(channel)s, %(pattern)s, %(locations)s::text[], %(safety)s, %(safety_at)s::jsonb, %(buffer)s, %(cap)s,
        %(share)s, %(fixed)s, %(priority)s, %(overcommit)s, %(backorder_limit)s, %(pause_at)s, %(inbound_days)s,
        %(inbound_confidence)s, %(scarce_below)s, %(who)s)
    ON CONFLICT (channel, pattern) DO UPDATE
   SET locations = excluded.locations, safety = excluded.safety, safety_at = excluded.safety_at,
       buffer = excluded.buffer, cap = excluded.cap, share = excluded.share, fixed = excluded.fixed,
       priority = excluded.priority, overcommit = excluded.overcommit, backorder_limit = excluded.backorder_limit,
       pause_at = excluded.pause_at, inbound_days = excluded.inbound_days,
       inbound_confidence = excluded.inbound_confidence, scarce_below = excluded.scarce_below,
       changed_by = excluded.changed_by, changed_at = now()
"""
KEEP_SUPPLY = """
WITH told AS (
    SELECT DISTINCT ON (source, key) * FROM unnest(
        %(sources)s::text[], %(keys)s::text[], %(skus)s::text[], %(locations)s::text[], %(quantities)s::numeric[],
        %(dues)s::timestamptz[]) WITH ORDINALITY t(source, key, sku, location, quantity, due_at, n)
     ORDER BY source, key, n DESC),
ended AS (
    DELETE FROM inventory.supply s USING told t
     WHERE s.source = t.source AND s.key = t.key AND (t.quantity = 0 OR t.sku <> s.sku) RETURNING s.sku),
kept AS (
    INSERT INTO inventory.supply AS s (source, key, sku, location, quantity, due_at, told_at)
    SELECT source, key, sku, location, quantity, due_at, now() FROM told WHERE quantity > 0
        ON CONFLICT (source, key) DO UPDATE
       SET sku = excluded.sku, location = excluded.location, quantity = excluded.quantity, due_at = excluded.due_at,
           told_at = now()
     WHERE (s.sku, s.location, s.quantity, s.due_at)
           IS DISTINCT FROM (excluded.sku, excluded.location, excluded.quantity, excluded.due_at)
    RETURNING s.sku)
SELECT sku FROM ended UNION SELECT sku FROM kept
"""
KEEP_PARTS = """
INSERT INTO inventory.bundle_part (bundle, component, quantity)
SELECT %(bundle)s, * FROM unnest(%(components)s::text[], %(quantities)s::numeric[])
"""


def set_channel_policy(uow: UnitOfWork, policy: ChannelPolicy, who: str) -> None:
    """Write a channel's policy for a pattern of SKUs, in place of the one before."""
    uow.sql(
        KEEP_POLICY,
        {
            "channel": policy.channel, "pattern": policy.pattern, "locations": list(policy.locations),
            "safety": policy.safety, "buffer": policy.buffer, "cap": policy.cap, "share": policy.share,
            "safety_at": json.dumps({place: str(quantity) for place, quantity in policy.safety_at.items()}),
            "fixed": policy.fixed, "priority": policy.priority, "overcommit": policy.overcommit,
            "backorder_limit": policy.backorder_limit, "pause_at": policy.pause_at,
            "inbound_days": policy.inbound_days, "inbound_confidence": policy.inbound_confidence,
            "scarce_below": policy.scarce_below, "who": who,
        },
    )  # fmt: skip
    uow.publish(OffersChanged(channel=policy.channel, pattern=policy.pattern))


def drop_channel_policy(uow: UnitOfWork, channel: str, pattern: str) -> None:
    """Take a policy away. Raises NotFound `inventory.no_policy`."""
    gone = uow.sql(
        "DELETE FROM inventory.channel_policy WHERE channel = %(channel)s AND pattern = %(pattern)s",
        {"channel": channel, "pattern": pattern},
    ).rowcount
    if not gone:
        raise NotFound("inventory.no_policy", f"there is no policy of {channel or 'every channel'} for {pattern}")
    uow.publish(OffersChanged(channel=channel, pattern=pattern))


def set_supplies(uow: UnitOfWork, supplies: Collection[Supply]) -> set[str]:
    """Take what is on its way in, by its lines; a quantity of 0 ends one. Returns the SKUs that it changed."""
    rows = uow.sql(
        KEEP_SUPPLY,
        {
            "sources": [one.source for one in supplies], "keys": [one.key for one in supplies],
            "skus": [one.sku for one in supplies], "locations": [one.location for one in supplies],
            "quantities": [one.quantity for one in supplies], "dues": [one.due_at for one in supplies],
        },
    )  # fmt: skip
    changed = {row[0] for row in rows}
    for sku in sorted(changed):
        uow.publish(OffersChanged(channel="", pattern=sku))
    return changed


def set_bundle(uow: UnitOfWork, bundle: str, parts: Mapping[str, Decimal]) -> bool:
    """Say what one bundle is made of; no parts: it is a bundle no more. False where that was known.

    Raises Invalid `inventory.bad_bundle` for a bundle in a bundle, or a quantity that is not above zero.
    """
    _require_parts(uow, bundle, parts)
    known: dict[str, Decimal] = dict(
        uow.sql(
            "SELECT component, quantity FROM inventory.bundle_part WHERE bundle = %(bundle)s FOR UPDATE",
            {"bundle": bundle},
        ).fetchall()
    )
    if known == parts:
        return False
    uow.sql("DELETE FROM inventory.bundle_part WHERE bundle = %(bundle)s", {"bundle": bundle})
    uow.sql(KEEP_PARTS, {"bundle": bundle, "components": list(parts), "quantities": list(parts.values())})
    uow.publish(OffersChanged(channel="", pattern=bundle))
    return True


def set_unit(uow: UnitOfWork, sku: str, unit: str, factor: Decimal) -> None:
    """One of `unit` is so many of the SKU's stock-keeping unit; SKU '' is every one without a line of its own."""
    if not unit or exact(factor, "factor") <= 0:
        raise Invalid("inventory.bad_unit", f"unit {unit!r} of {factor}: name the unit and a factor above zero")
    uow.sql(
        "INSERT INTO inventory.unit (sku, unit, factor) VALUES (%(sku)s, %(unit)s, %(factor)s) "
        "ON CONFLICT (sku, unit) DO UPDATE SET factor = excluded.factor",
        {"sku": sku, "unit": unit, "factor": factor},
    )


def _require_parts(uow: UnitOfWork, bundle: str, parts: Mapping[str, Decimal]) -> None:
    for component, quantity in parts.items():
        if exact(quantity, "quantity") <= 0:
            raise Invalid("inventory.bad_bundle", f"{bundle} takes {quantity} of {component}: give more than zero")
    nested = uow.sql(
        "SELECT bundle FROM inventory.bundle_part WHERE bundle = ANY(%(parts)s) OR component = %(bundle)s LIMIT 1",
        {"parts": list(parts), "bundle": bundle},
    ).fetchone()
    if parts and (nested or bundle in parts):
        raise Invalid("inventory.bad_bundle", f"{bundle} would hold a bundle, or be held by one: list the single goods")
