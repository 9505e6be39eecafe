"""Names of a shop's things: numbers in global ids, and searches by SKU."""

from __future__ import annotations

from collections.abc import Iterable


def number(identity: str) -> str:
    """The number in a global id, or a number as it is."""
    return identity.rpartition("/")[2]


def with_skus(skus: Iterable[str]) -> str:
    """The search text that finds these SKUs, and others that are like them."""
    return " OR ".join(f'sku:"{_quoted(sku)}"' for sku in skus)


def _quoted(sku: str) -> str:
    return sku.replace("\\", "\\\\").replace('"', '\\"')
