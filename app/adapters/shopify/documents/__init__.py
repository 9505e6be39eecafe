"""Every GraphQL document that is sent to Shopify. Each validates against its schema of 2026-10 and of 2026-04.

Pages are small because one query may ask for 1,000 points at most: an object is a point, a page so many objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.adapters.shopify.documents import account, fulfilments, history, listings, numbers, orders, prices, stock

EVERY: Mapping[str, str] = MappingProxyType(
    {
        name: value
        for module in (account, fulfilments, history, listings, numbers, orders, prices, stock)
        for name, value in vars(module).items()
        if isinstance(value, str) and value.lstrip().startswith(("query ", "mutation "))
    }
)
