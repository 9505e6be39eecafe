"""What the catalogue needs of the outside: whoever is its source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domains.product.canonical import ProductDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that the source holds and the hub cannot take in: which, and what is wrong with it."""

    key: str  # the SKU or code, as the source writes it
    code: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a source holds, a page of it. `after` is where the next page begins, '' after the last one."""

    drafts: tuple[ProductDraft, ...]
    after: str = ""
    refused: tuple[Refusal, ...] = ()


class ProductSource(Protocol):
    """Reads products page by page.

    Contract: tests/contracts/product_source.py
    """

    def page(self, *, since: datetime | None, after: str = "", most: int = 500) -> Batch:
        """A page of what changed at or after `since`, of all that there is for None; `most` things or fewer.

        What the source does not speak of is None in a draft. What does not hold as a product is in `refused`, by its
        key. A thing that changes while pages are read comes in its old or its new form, or twice; it is never left
        out. Raises Waits, Transient, Unauthorised as every call.
        """
        ...
