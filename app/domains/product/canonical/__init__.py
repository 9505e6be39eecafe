"""Products as the rest of the hub speaks of them."""

from __future__ import annotations

from app.domains.product.canonical.drafts import ProductDraft, VariantDraft
from app.domains.product.canonical.gtin import check_digit, read_gtin
from app.domains.product.canonical.listings import (
    ATTRIBUTE,
    FIELDS,
    ListedIds,
    ListedVariant,
    ListingAnswer,
    ListingBecame,
    ListingRules,
    ListingWish,
    Missing,
    Showing,
    Shown,
    ShownVariant,
)
from app.domains.product.canonical.products import Component, Group, Image, Origin, Product, Variant
from app.domains.product.canonical.units import WEIGHT_UNITS, Unit, Units, check_units, unit_of

__all__ = [
    "ATTRIBUTE",
    "FIELDS",
    "WEIGHT_UNITS",
    "Component",
    "Group",
    "Image",
    "ListedIds",
    "ListedVariant",
    "ListingAnswer",
    "ListingBecame",
    "ListingRules",
    "ListingWish",
    "Missing",
    "Origin",
    "Product",
    "ProductDraft",
    "Showing",
    "Shown",
    "ShownVariant",
    "Unit",
    "Units",
    "Variant",
    "VariantDraft",
    "check_digit",
    "check_units",
    "read_gtin",
    "unit_of",
]
