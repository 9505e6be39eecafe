"""The HTTP of the catalogue."""

from __future__ import annotations

from app.domains.product.api import products

BLUEPRINTS = (products.blueprint,)
