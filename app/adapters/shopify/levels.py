"""What a shop tells of its stock by itself: one level of one place, whoever changed it.

Source: Shopify's sample of `inventory_level` (python-sdk-fixtures/inventory_levels.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.adapters.shopify.mapping.parsing import parsed
from app.adapters.shopify.mapping.reading import Row, required_identity, required_moment, unfit
from app.domains.inventory.ports import LevelReported
from app.infra.remote.spec import Message, Translate

TOPIC = "inventory_levels/update"


def level(given: Row) -> LevelReported:
    """One level as told. Raises Invalid for a body without item, place, a whole `available` or its instant."""
    available = given.get("available")
    if type(available) is not int:
        raise unfit("available", f"is {available!r}, not a whole number")
    return LevelReported(
        external_id=required_identity(given, "inventory_item_id"),
        place=required_identity(given, "location_id"),
        available=available,
        at=required_moment(given, "updated_at"),
    )


def _told(message: Message, settings: Mapping[str, Any]) -> object:
    return level(parsed(message.body))


TOPICS: Mapping[str, Translate] = MappingProxyType({TOPIC: _told})


def tells(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics that the hub wants of a shop whose stock it sets."""
    return tuple(TOPICS) if settings.get("stock_figure") else ()
