"""Products as the rest of the hub speaks of them."""

from __future__ import annotations

from app.domains.product.canonical.drafts import ProductDraft, VariantDraft
from app.domains.product.canonical.gtin import check_digit, read_gtin
from app.domains.product.canonical.products import Component, Group, Image, Origin, Product, Variant
from app.domains.product.canonical.units import WEIGHT_UNITS, Unit, Units, check_units, unit_of

__all__ = [
    "WEIGHT_UNITS",
    "Component",
    "Group",
    "Image",
    "Origin",
    "Product",
    "ProductDraft",
    "Unit",
    "Units",
    "Variant",
    "VariantDraft",
    "check_digit",
    "check_units",
    "read_gtin",
    "unit_of",
]
