"""/api/v1/quotes, /price-lists, /price-items and /promotions. Thin: read, decide nothing, answer."""

from __future__ import annotations

from app.domains.pricing.api import lists, promotions, quotes

BLUEPRINTS = (quotes.blueprint, lists.blueprint, promotions.blueprint)

__all__ = ["BLUEPRINTS"]
