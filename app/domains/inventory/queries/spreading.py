"""What lies at each place of a channel, by the locations of the hub that stand for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from app.domains.inventory.canonical import NOTHING
from app.domains.inventory.policy import chosen
from app.domains.inventory.policy.offering import floor
from app.domains.inventory.queries.offering import parts_of, policies_for
from app.domains.inventory.queries.stock import shelves
from app.infra.uow import UnitOfWork

Lying = dict[str, dict[str, Decimal]]  # SKU → place → what can be sold there


def lying_at(
    uow: UnitOfWork, channel: str, skus: Collection[str], places: Mapping[str, str]
) -> tuple[Lying, set[str]]:  # fmt: skip
    """By SKU what the channel may sell from each of `places` (location → place), and locations that have none.

    Of a bundle it is the whole sets that lie at one place.
    """
    bundles = parts_of(uow, skus)
    wanted = {*skus, *(part for parts in bundles.values() for part in parts)}
    policies, every = policies_for(uow, wanted), sorted(set(places.values()))
    found: Lying = {}
    homeless: set[str] = set()
    there = shelves(uow, wanted)
    for sku in wanted:
        policy = chosen(policies, channel, sku)
        found[sku] = dict.fromkeys(every, NOTHING)
        for location, free in there.get(sku, {}).items():
            if not policy.covers(location):
                continue
            if location in places:
                found[sku][places[location]] += max(NOTHING, free - policy.safety_of(location))
            else:
                homeless.add(location)
    for bundle, parts in bundles.items():
        found[bundle] = {
            place: min(floor(found[part][place] / quantity) for part, quantity in parts.items()) for place in every
        }
    return {sku: found[sku] for sku in skus}, homeless
