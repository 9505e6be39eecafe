"""What the rest of the hub reads of the catalogue. Nothing here locks or writes."""

from __future__ import annotations

from app.domains.product.queries.drift import Drifted, drifts
from app.domains.product.queries.listings import (
    ListingCount,
    ListingFilter,
    ListingRow,
    ids_of,
    listed_at,
    listing_counts,
    listing_states,
    listings,
    offered_ids,
)
from app.domains.product.queries.lists import Filter, Listed, Place, counts, matching, page, place, places
from app.domains.product.queries.mapping import Alias, Likely, aliases, likely, meant
from app.domains.product.queries.whole import components, product, products, units, unknown

__all__ = [
    "Alias",
    "Drifted",
    "Filter",
    "Likely",
    "Listed",
    "ListingCount",
    "ListingFilter",
    "ListingRow",
    "Place",
    "aliases",
    "components",
    "counts",
    "drifts",
    "ids_of",
    "likely",
    "listed_at",
    "listing_counts",
    "listing_states",
    "listings",
    "matching",
    "meant",
    "offered_ids",
    "page",
    "place",
    "places",
    "product",
    "products",
    "units",
    "unknown",
]
