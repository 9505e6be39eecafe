"""What channels are offered, computed for many SKUs at once: five statements, however many SKUs and channels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domains.inventory.canonical import EVERY, Beyond, ChannelPolicy, Ground, Offer, Sum, Supply
from app.domains.inventory.policy import (
    Part,
    beyond,
    chosen,
    offers,
    offers_of_bundle,
    offers_of_sums,
    sums_suffice,
)
from app.infra.uow import UnitOfWork

POLICY_COLUMNS = (
    "channel, pattern, locations, safety, safety_at, buffer, cap, share, fixed, priority, overcommit, "
    "backorder_limit, pause_at, inbound_days, inbound_confidence, scarce_below"
)
DUE_WITHIN = 365  # days: where goods come in next decides where buyers wait for them
POLICIES = f"""
SELECT {POLICY_COLUMNS} FROM inventory.channel_policy WHERE pattern = ANY(%(skus)s) OR strpos(pattern, '*') > 0
"""
# What is free at each location of a SKU: as it is kept in its row `a`, or as its levels say where nobody kept it yet.
PLACES = """
    SELECT a.places, a.free_at WHERE a.kept_version = a.version
     UNION ALL
    SELECT array_agg(s.location ORDER BY s.location), array_agg(s.free ORDER BY s.location)
      FROM inventory.stock_level s WHERE s.sku = a.sku AND a.kept_version IS DISTINCT FROM a.version
    HAVING count(*) > 0
"""
LEVELS = f"""
SELECT a.sku, p.places, p.free, a.as_of
  FROM inventory.availability a CROSS JOIN LATERAL ({PLACES}) p(places, free) WHERE a.sku = ANY(%(skus)s)
"""
# For a SKU and a policy the sums of `_stake_in`, so that not every location of every SKU need come here.
SUMS = f"""
SELECT w.sku, w.channel, w.pattern, r.lying, r.reach, r.owed, a.as_of
  FROM unnest(%(skus)s::text[], %(channels)s::text[], %(patterns)s::text[]) w(sku, channel, pattern)
  JOIN inventory.availability a ON a.sku = w.sku
 CROSS JOIN LATERAL ({PLACES}) p(places, free)
  LEFT JOIN inventory.channel_policy c ON c.channel = w.channel AND c.pattern = w.pattern
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(f.free) FILTER (WHERE f.covered AND f.free > 0), 0) AS lying,
              coalesce(sum(greatest(0, f.free - f.safety)) FILTER (WHERE f.covered), 0) AS reach,
              coalesce(sum(-f.free) FILTER (WHERE f.free < 0), 0) AS owed
         FROM (SELECT u.free, coalesce((c.safety_at ->> u.location)::numeric, c.safety, 0) AS safety,
                      coalesce(c.locations = '{{}}' OR u.location = ANY(c.locations), true) AS covered
                 FROM unnest(p.places, p.free) u(location, free)) f) r
"""
SUPPLIES = """
SELECT source, key, sku, location, quantity, due_at FROM inventory.supply
 WHERE sku = ANY(%(skus)s) AND due_at <= %(until)s
"""


def offered(uow: UnitOfWork, channel: str, skus: Collection[str]) -> dict[str, Offer]:
    """What a channel is offered of each SKU; one that no source reported has no entry. Bundles may be asked for too."""
    return offered_to(uow, [channel], skus)[channel]


def offered_to(uow: UnitOfWork, channels: Collection[str], skus: Collection[str]) -> dict[str, dict[str, Offer]]:
    """The same for several channels at once, which costs no more statements: channel → SKU → offer."""
    bundles = parts_of(uow, skus)
    wanted = set(skus) | {component for parts in bundles.values() for component in parts}
    policies = policies_for(uow, wanted)
    sharing = {*channels, *(policy.channel for policy in policies if policy.channel)}
    holding = _holding(policies, sharing, wanted)
    simple = {sku for sku in skus if sku not in bundles and sums_suffice(holding[sku].values())}
    needed = {component for parts in bundles.values() for component in parts} | (set(skus) - simple)
    inbound = inbound_of(uow, wanted, _horizon(uow, policies))
    grounds, sums = _grounds(uow, needed, inbound), sums_of(uow, {sku: holding[sku] for sku in simple})
    now = uow.hub.clock.now()
    found: dict[str, dict[str, Offer]] = {channel: {} for channel in channels}
    for sku in skus:
        if sku in simple:
            if sku not in sums:
                continue
            answer = offers_of_sums(sku, holding[sku], sums[sku], inbound.get(sku, ()), now)
        elif parts := bundles.get(sku):
            made = {
                name: Part(quantity=quantity, ground=grounds.get(name, Ground(free={})), policies=holding[name])
                for name, quantity in parts.items()
            }
            answer = offers_of_bundle(sku, holding[sku], made, now)
        elif sku in grounds:
            answer = offers(sku, holding[sku], grounds[sku], now)
        else:
            continue
        for channel in channels:
            found[channel][sku] = answer[channel]
    return found


def beyonds(uow: UnitOfWork, channels: Collection[str], skus: Collection[str]) -> dict[str, dict[str, Beyond]]:
    """Channel → SKU → how many more than lie there it may promise, and where they are awaited."""
    policies = policies_for(uow, skus)
    if not any(policy.backorder_limit or policy.inbound_confidence for policy in policies):
        return {channel: {} for channel in channels}
    now = uow.hub.clock.now()
    grounds = grounds_of(uow, skus, now + timedelta(days=max(DUE_WITHIN, *(one.inbound_days for one in policies))))
    return {
        channel: {
            sku: allowed
            for sku, ground in grounds.items()
            if (allowed := beyond(chosen(policies, channel, sku), ground, now)) is not None
        }
        for channel in channels
    }


def _holding(
    policies: Sequence[ChannelPolicy], channels: Collection[str], skus: Collection[str]
) -> dict[str, dict[str, ChannelPolicy]]:  # fmt: skip
    """SKU → channel → the policy that holds there."""
    mine = {channel: [one for one in policies if one.channel in ("", channel)] for channel in channels}
    alike = {  # where no pattern tells one SKU from another
        channel: chosen(agreed, channel, "") for channel, agreed in mine.items()
        if all(one.pattern == EVERY for one in agreed)
    }  # fmt: skip
    return {
        sku: {channel: alike.get(channel) or chosen(mine[channel], channel, sku) for channel in channels}
        for sku in skus
    }


def sums_of(uow: UnitOfWork, holding: Mapping[str, Mapping[str, ChannelPolicy]]) -> dict[str, dict[str, Sum]]:
    """SKU → channel → what lies for it by the policy that holds; a SKU that no source reported has no entry."""
    if not holding:
        return {}
    asked = {(sku, one.channel, one.pattern) for sku, policies in holding.items() for one in policies.values()}
    rows = uow.sql(
        SUMS,
        {
            "skus": [sku for sku, _, _ in asked], "channels": [channel for _, channel, _ in asked],
            "patterns": [pattern for _, _, pattern in asked],
        },
    )  # fmt: skip
    sums = {
        (sku, channel, pattern): Sum(lying=lying, reach=reach, owed=owed, as_of=as_of)
        for sku, channel, pattern, lying, reach, owed, as_of in rows
    }
    known = {sku for sku, _, _ in sums}
    return {
        sku: {channel: sums[sku, one.channel, one.pattern] for channel, one in policies.items()}
        for sku, policies in holding.items()
        if sku in known
    }


def policies_for(uow: UnitOfWork, skus: Collection[str]) -> list[ChannelPolicy]:
    """Every policy that may hold for one of these SKUs."""
    return [_policy(row) for row in uow.sql(POLICIES, {"skus": list(skus)})]


def every_policy(uow: UnitOfWork) -> list[ChannelPolicy]:
    """All that channels agreed, by channel and pattern."""
    rows = uow.sql(f"SELECT {POLICY_COLUMNS} FROM inventory.channel_policy ORDER BY channel, pattern")
    return [_policy(row) for row in rows]


def grounds_of(uow: UnitOfWork, skus: Collection[str], until: datetime | None) -> dict[str, Ground]:
    """What there is of each SKU that a source reported, with what comes in by then."""
    return _grounds(uow, skus, inbound_of(uow, skus, until))


def inbound_of(uow: UnitOfWork, skus: Collection[str], until: datetime | None) -> dict[str, list[Supply]]:
    """What of each SKU comes in by then, nothing where nobody counts it."""
    found: dict[str, list[Supply]] = {}
    if until is not None:
        for source, key, sku, location, quantity, due_at in uow.sql(SUPPLIES, {"skus": list(skus), "until": until}):
            found.setdefault(sku, []).append(
                Supply(source=source, key=key, sku=sku, location=location, quantity=quantity, due_at=due_at)
            )
    return found


def _grounds(uow: UnitOfWork, skus: Collection[str], inbound: Mapping[str, Sequence[Supply]]) -> dict[str, Ground]:
    if not skus:
        return {}
    return {
        sku: Ground(free=dict(zip(places, free, strict=True)), inbound=tuple(inbound.get(sku, ())), as_of=as_of)
        for sku, places, free, as_of in uow.sql(LEVELS, {"skus": list(skus)})
    }


def parts_of(uow: UnitOfWork, skus: Collection[str]) -> dict[str, dict[str, Decimal]]:
    """Of the SKUs that are bundles: component → how many of it one bundle takes."""
    found: dict[str, dict[str, Decimal]] = {}
    for bundle, component, quantity in uow.sql(
        "SELECT bundle, component, quantity FROM inventory.bundle_part WHERE bundle = ANY(%(skus)s) "
        "ORDER BY bundle, component",
        {"skus": list(skus)},
    ):
        found.setdefault(bundle, {})[component] = quantity
    return found


def bundles_with(uow: UnitOfWork, skus: Collection[str]) -> set[str]:
    """The bundles whose offers change with these SKUs."""
    rows = uow.sql("SELECT bundle FROM inventory.bundle_part WHERE component = ANY(%(skus)s)", {"skus": list(skus)})
    return {row[0] for row in rows}


def _horizon(uow: UnitOfWork, policies: Collection[ChannelPolicy]) -> datetime | None:
    """Until when goods on their way count for anybody; None where nobody counts them."""
    days = [policy.inbound_days for policy in policies if policy.inbound_confidence]
    return uow.hub.clock.now() + timedelta(days=max(days)) if days else None


def _policy(row: Sequence[Any]) -> ChannelPolicy:
    given = dict(zip(POLICY_COLUMNS.split(", "), row, strict=True))
    given["locations"] = tuple(given["locations"])
    given["safety_at"] = {location: Decimal(quantity) for location, quantity in given["safety_at"].items()}
    return ChannelPolicy(**given)
