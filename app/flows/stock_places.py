"""Stock at several places of one channel: its value map says which place each location of the hub is."""

from __future__ import annotations

from dataclasses import replace

from app.domains.inventory.policy.spreading import spread
from app.domains.inventory.ports import Levels
from app.domains.inventory.queries.spreading import lying_at
from app.infra.connections import Connection
from app.infra.uow import UnitOfWork
from app.infra.value_maps import list_values
from app.kernel.errors import NeedsAttention

MOST = 1000  # locations of one channel


def places_of(channel: Connection) -> str | None:
    """The kind of value map that says which place of a channel each location is; None where one place is told."""
    return "location" if channel.settings.get("stock_by_location") else None


def placed(uow: UnitOfWork, channel: Connection, levels: Levels) -> Levels:
    """The levels with their parts for each place. A location that the value map lacks is a case for all of them."""
    kind = places_of(channel)
    if kind is None:
        return levels
    places = {word.source: word.target for word in list_values(uow, channel.name, kind, most=MOST)}
    lying, homeless = lying_at(uow, channel.name, [one.sku for one in levels.levels], places)
    if homeless or not places:
        name = min(homeless, default="*")
        said = f"{channel.name} has no place for the location {name}: map it, or leave it out of the channel's policy"
        raise NeedsAttention("inventory.location_unmapped", said, about=f"location {name}")
    return replace(
        levels,
        levels=tuple(
            replace(one, parts=tuple(sorted(spread(one.quantity, lying[one.sku]).items()))) for one in levels.levels
        ),
    )
