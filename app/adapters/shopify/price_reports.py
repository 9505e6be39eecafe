"""What a shop tells of its prices by itself: a product with all its variants, whoever changed it.

Source: Shopify's sample of a product (python-sdk-fixtures/products.json), which a webhook of products/update carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.adapters.shopify.mapping.parsing import parsed
from app.adapters.shopify.mapping.reading import Row, each, number, required_identity, required_moment, unfit
from app.domains.pricing.ports import PriceReported, PricesReported
from app.infra.remote.spec import Message, Translate

TOPIC = "products/update"


def prices(given: Row) -> PricesReported:
    """The prices of a product as told. Raises Invalid for a variant without its id or price."""
    return PricesReported(at=required_moment(given, "updated_at"), prices=each(given, "variants", _price))


def _price(variant: Row) -> PriceReported:
    amount = number(variant, "price")
    if amount is None:
        raise unfit("price", "is missing")
    return PriceReported(
        external_id=required_identity(variant, "id"), amount=amount, compare_at=number(variant, "compare_at_price")
    )


def _told(message: Message, settings: Mapping[str, Any]) -> object:
    return prices(parsed(message.body))


TOPICS: Mapping[str, Translate] = MappingProxyType({TOPIC: _told})


def tells_prices(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics that the hub wants of a shop whose prices it shows and watches."""
    return tuple(TOPICS) if settings.get("watch_prices") else ()
