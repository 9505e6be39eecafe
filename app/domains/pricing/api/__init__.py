"""/api/v1/quotes, /price-lists, /price-items, /promotions, /tax-jurisdictions and /channel-prices. Thin."""

from __future__ import annotations

from app.domains.pricing.api import channels, lists, promotions, quotes, taxes

BLUEPRINTS = (
    quotes.blueprint, lists.blueprint, promotions.blueprint, taxes.blueprint, channels.blueprint,
)  # fmt: skip

__all__ = ["BLUEPRINTS"]
