"""Rows of schema `product`. Only this domain touches them; hot paths use statements on the same tables."""

from __future__ import annotations

from app.domains.product.models.listings import Listing, SkuAlias
from app.domains.product.models.products import (
    BundleComponent,
    Drift,
    ProductRow,
    Sighting,
    UnitConversion,
    Variant,
)

__all__ = ["BundleComponent", "Drift", "Listing", "ProductRow", "Sighting", "SkuAlias", "UnitConversion", "Variant"]
