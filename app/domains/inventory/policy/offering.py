"""How much of a SKU each channel is offered.

    atp(ch)     = Σ over its locations of max(0, free − safety) + Σ inbound(due ≤ horizon) · confidence − buffer(ch)
    offered(ch) = max(0, min(cap, floor(atp · share))) + backorder limit;  paused where that is ≤ pause_at
    owed        = Σ over all locations of max(0, −free): it is taken off what comes in, then off the backorder limit
    bundle      = the smallest floor(atp of a component / quantity of it), then the bundle's own policy

What a channel has fixed is set apart first, then the shares are cut from what is left; rounding leaves whole units
over, which go to the channels in the order of their priority. All channels that do not overcommit draw on one pool.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache, partial

from app.domains.inventory.canonical import (
    EVERY,
    HUNDRED,
    NOTHING,
    Beyond,
    ChannelPolicy,
    Ground,
    Offer,
    Sum,
    Supply,
    Term,
)
from app.domains.inventory.policy.serving import owed

DEFAULT = ChannelPolicy(channel="", overcommit=True)  # who agreed nothing sells from all there is
INBOUND = "+"  # before a location: goods on their way there
Places = dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What one channel may draw from each place, how many buyers may wait, and what it shows of how that came."""

    policy: ChannelPolicy
    reach: Places
    limit: Decimal
    shown: Callable[[], list[Term]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component: how many of it one bundle takes, what there is of it, and its own policy at each channel."""

    quantity: Decimal
    ground: Ground
    policies: Mapping[str, ChannelPolicy]


def chosen(policies: Iterable[ChannelPolicy], channel: str, sku: str) -> ChannelPolicy:
    """The policy that holds: the channel's own before every channel's, the SKU's name before the longest pattern."""
    fitting = [one for one in policies if one.channel in ("", channel) and _matches(one.pattern, sku)]
    return max(fitting, key=_rank, default=DEFAULT)


def offers(sku: str, policies: Mapping[str, ChannelPolicy], ground: Ground, now: datetime) -> dict[str, Offer]:
    """What each channel is offered of a SKU; `policies` has the one that holds for each of them."""
    pool: Places = {place: max(NOTHING, free) for place, free in ground.free.items()}
    stakes = {channel: _stake_in(policy, ground, now) for channel, policy in policies.items()}
    for stake in stakes.values():
        for place, quantity in stake.reach.items():
            if place.startswith(INBOUND):
                pool[place] = max(pool.get(place, NOTHING), quantity)
    return _offered(sku, stakes, pool, ground.as_of)


def sums_suffice(policies: Collection[ChannelPolicy]) -> bool:
    """Whether no channel's draw is another's loss, so that it does not matter where the goods lie."""
    return len(policies) == 1 or all(policy.overcommit and policy.fixed is None for policy in policies)


def offers_of_sums(
    sku: str, policies: Mapping[str, ChannelPolicy], sums: Mapping[str, Sum], inbound: Sequence[Supply], now: datetime
) -> dict[str, Offer]:
    """The same as `offers` where sums suffice; `sums` has each channel's own."""
    found = {}
    for channel, policy in policies.items():
        whole = sums[channel]
        stake = _stake(policy, {"": whole.reach}, whole, inbound, now)
        atp = _atp(stake, {})
        want = atp * policy.share / HUNDRED if policy.fixed is None else min(policy.fixed, atp)
        found[channel] = _offer(sku, channel, stake, _capped(policy, floor(want)), {}, whole.as_of)
    return found


def offers_of_bundle(
    sku: str, policies: Mapping[str, ChannelPolicy], parts: Mapping[str, Part], now: datetime
) -> dict[str, Offer]:  # fmt: skip
    """What each channel is offered of a bundle; its `parts` by component."""
    stakes = {}
    for channel, policy in policies.items():
        sets, waiting = {}, []
        for component, part in parts.items():
            stake = _stake_in(part.policies[channel], part.ground, now)
            sets[component] = floor(_atp(stake, {}) / part.quantity)
            waiting.append(floor((_atp(stake, {}) + stake.limit) / part.quantity))
        whole = min(sets.values())
        limit = min(policy.backorder_limit, min(waiting) - whole)
        stakes[channel] = Stake(policy=policy, reach={"": whole}, limit=limit, shown=partial(_sets, sets))
    pool = {"": max((stake.reach[""] for stake in stakes.values()), default=NOTHING)}
    instants = [part.ground.as_of for part in parts.values() if part.ground.as_of]
    return _offered(sku, stakes, pool, min(instants, default=None))


def beyond(policy: ChannelPolicy, ground: Ground, now: datetime) -> Beyond | None:
    """How many more than lie there a channel may promise, where its next goods are due; None where it may not.

    Goods on their way that count for the channel are among them: it is offered these too.
    """
    places = sorted(place for place in ground.free if policy.covers(place))
    coming = floor(sum((quantity for _, quantity in _coming(policy, ground.inbound, now)), NOTHING))
    if not places or not (limit := coming + policy.backorder_limit):
        return None
    due = [(supply.due_at, supply.location) for supply in ground.inbound if supply.location in places]
    return Beyond(location=min(due)[1] if due else places[0], limit=limit)


def floor(quantity: Decimal) -> Decimal:
    """The whole units in a quantity."""
    return quantity.to_integral_value(rounding=ROUND_FLOOR)


def _stake_in(policy: ChannelPolicy, ground: Ground, now: datetime) -> Stake:
    mine = {location: free for location, free in ground.free.items() if policy.covers(location)}
    reach = {location: max(NOTHING, free - policy.safety_of(location)) for location, free in mine.items()}
    whole = Sum(
        lying=sum((max(NOTHING, free) for free in mine.values()), NOTHING), reach=sum(reach.values(), NOTHING),
        owed=owed(ground.free),
    )  # fmt: skip
    return _stake(policy, reach, whole, ground.inbound, now)


def _stake(policy: ChannelPolicy, reach: Places, whole: Sum, inbound: Sequence[Supply], now: datetime) -> Stake:
    due, coming = whole.owed, NOTHING
    for place, counted in _coming(policy, inbound, now):
        taken = min(due, counted)
        reach[place] = reach.get(place, NOTHING) + counted - taken
        coming += counted
        due -= taken
    limit = max(NOTHING, policy.backorder_limit - due)
    return Stake(policy=policy, reach=reach, limit=limit, shown=partial(_shown, policy, whole, coming))


def _shown(policy: ChannelPolicy, whole: Sum, coming: Decimal) -> list[Term]:
    kept = whole.lying - whole.reach
    shown = [Term(name="free", value=whole.lying)]
    shown += [Term(name="safety", value=-kept)] if kept else []
    shown += [Term(name="inbound", value=coming)] if coming else []
    shown += [Term(name="owed", value=-whole.owed)] if whole.owed and (coming or policy.backorder_limit) else []
    return shown


def _sets(sets: Mapping[str, Decimal]) -> list[Term]:
    return [Term(name=f"sets of {component}", value=value) for component, value in sets.items()]


def _coming(policy: ChannelPolicy, inbound: Sequence[Supply], now: datetime) -> list[tuple[str, Decimal]]:
    """What of the goods on their way counts for a channel, by place, the earliest first."""
    if not policy.inbound_confidence:
        return []
    horizon = now + timedelta(days=policy.inbound_days)
    counted = [one for one in inbound if one.due_at <= horizon and policy.covers(one.location)]
    return [
        (f"{INBOUND}{one.location}", one.quantity * policy.inbound_confidence / HUNDRED)
        for one in sorted(counted, key=lambda one: (one.due_at, one.key))
    ]


def _offered(sku: str, stakes: Mapping[str, Stake], pool: Places, as_of: datetime | None) -> dict[str, Offer]:
    left = dict(pool)
    sharers = Counter(place for stake in stakes.values() for place in stake.reach)
    ordered = sorted(stakes, key=lambda channel: (stakes[channel].policy.priority, channel))
    allotted: dict[str, Decimal] = {}
    for channel in ordered:
        policy = stakes[channel].policy
        if policy.fixed is not None:
            allotted[channel] = _take(min(policy.fixed, _atp(stakes[channel], {})), stakes[channel], left, sharers)
    apart = {place: pool[place] - left[place] for place in pool} if allotted else {}
    wants = _wants({channel: stakes[channel] for channel in ordered if channel not in allotted}, apart)
    for channel, want in wants.items():
        stake = stakes[channel]
        alone = stake.policy.overcommit or len(stakes) == 1  # what it reaches is in the pool, and nobody else draws
        allotted[channel] = want if alone else _take(want, stake, left, sharers)
    return {channel: _offer(sku, channel, stakes[channel], allotted[channel], apart, as_of) for channel in stakes}


def _wants(stakes: Mapping[str, Stake], apart: Places) -> dict[str, Decimal]:
    """What each channel's share comes to, in whole units; what rounding left over is dealt by priority."""
    exact = {channel: _atp(stake, apart) * stake.policy.share / HUNDRED for channel, stake in stakes.items()}
    wants = {channel: floor(quantity) for channel, quantity in exact.items()}
    groups: dict[frozenset[str], list[str]] = {}
    for channel, stake in stakes.items():
        if not stake.policy.overcommit:
            groups.setdefault(frozenset(stake.reach), []).append(channel)
    for channels in groups.values():
        over = floor(sum((exact[one] for one in channels), NOTHING)) - sum((wants[one] for one in channels), NOTHING)
        for channel in channels:
            if over > 0 and exact[channel] > wants[channel]:
                wants[channel] += 1
                over -= 1
    return {channel: _capped(stakes[channel].policy, want) for channel, want in wants.items()}


def _atp(stake: Stake, apart: Places) -> Decimal:
    """What the channel could promise, without what is set apart for others."""
    there = (max(NOTHING, reach - apart.get(place, NOTHING)) for place, reach in stake.reach.items())
    reached = sum(there if apart else stake.reach.values(), NOTHING)
    return max(NOTHING, reached - stake.policy.buffer)


def _take(want: Decimal, stake: Stake, left: Places, sharers: Mapping[str, int]) -> Decimal:
    """As many whole units of `want` as the pool still has within reach; they leave the pool.

    What only few may draw on is taken first, so that the others find the rest.
    """
    open_quantity = floor(_capped(stake.policy, want))
    places = sorted(stake.reach, key=lambda place: (sharers[place], place))
    there = floor(sum((min(left[place], stake.reach[place]) for place in places), NOTHING))
    granted = min(open_quantity, there)
    open_quantity = granted
    for place in places:
        part = min(open_quantity, left[place], stake.reach[place])
        left[place] -= part
        open_quantity -= part
    return granted


def _capped(policy: ChannelPolicy, quantity: Decimal) -> Decimal:
    return quantity if policy.cap is None else min(quantity, floor(policy.cap))


def _offer(
    sku: str, channel: str, stake: Stake, allotted: Decimal, apart: Places, as_of: datetime | None
) -> Offer:  # fmt: skip
    quantity = allotted + stake.limit
    return Offer(
        sku=sku, channel=channel, quantity=quantity, paused=quantity <= stake.policy.pause_at, as_of=as_of,
        explain=partial(_terms, stake, allotted, apart),
    )  # fmt: skip


def _terms(stake: Stake, allotted: Decimal, apart: Places) -> tuple[Term, ...]:
    policy = stake.policy
    mine = allotted if policy.fixed is not None else NOTHING
    set_apart = (min(apart.get(place, NOTHING), reach) for place, reach in stake.reach.items())
    others = sum(set_apart if apart else (), NOTHING) - mine
    told = [
        ("set apart for others", -others if others > 0 else NOTHING), ("buffer", -policy.buffer),
        ("share in per cent", policy.share if policy.share != HUNDRED else NOTHING),
    ]  # fmt: skip
    terms = [*stake.shown(), *(Term(name=name, value=value) for name, value in told if value)]
    limits = (("fixed", policy.fixed), ("cap", policy.cap))
    terms += [Term(name=name, value=value) for name, value in limits if value is not None]
    terms.append(Term(name="allotted", value=allotted))
    terms += [Term(name="back-order limit", value=stake.limit)] if policy.backorder_limit else []
    return tuple(terms)


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split(EVERY)), re.DOTALL)


def _matches(pattern: str, sku: str) -> bool:
    return pattern in (EVERY, sku) or (EVERY in pattern and _pattern(pattern).fullmatch(sku) is not None)


def _rank(policy: ChannelPolicy) -> tuple[bool, bool, int]:
    return policy.channel != "", EVERY not in policy.pattern, len(policy.pattern)
