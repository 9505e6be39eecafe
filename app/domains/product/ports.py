"""What the catalogue needs of the outside: whoever is its source, and channels that list it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domains.product.canonical import ListingAnswer, ListingRules, ListingWish, ProductDraft, Shown


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


class ListingSink(Protocol):
    """Makes products stand at a channel as wished, one by one.

    Contract: tests/contracts/listing_sink.py
    """

    @property
    def rules(self) -> ListingRules:
        """What the channel requires of a product before it may be sent."""
        ...

    def put(self, wish: ListingWish) -> ListingAnswer:
        """Make one product stand as wished, whatever stood there: the same again makes no second one.

        It is found by the channel's id, by our own, or by its SKUs, so that an earlier call whose answer was lost is
        found again and what people listed by hand is taken over. What the channel refuses is answered field by field.
        A SKU there that the hub does not know is never taken away: that is refused. A wish to end or hide what is not
        there is ABSENT. Raises Waits, Transient, Ambiguous, Unauthorised as every call.
        """
        ...

    def look(self, external_ids: Sequence[str]) -> Mapping[str, Shown]:
        """How products stand there now, by the channel's id; what is not there is left out. At most 50."""
        ...
