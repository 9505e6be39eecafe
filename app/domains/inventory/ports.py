"""What inventory needs of the outside: channels that are told how much they may sell, sources that say what lies there.

Our key of a listing's stock is the SKU; its external id is bound as kind `inventory_item`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from app.domains.inventory.canonical import Reports


class Figure(StrEnum):
    """The one figure that a connection sets, never both for one item.

    `available` is what the channel may sell: it subtracts its own new orders from it by itself. `on_hand` is what lies
    there: it subtracts its own open orders before it sells.
    """

    AVAILABLE = "available"
    ON_HAND = "on_hand"


class Became(StrEnum):
    """What became of one level that a channel was told."""

    SET = "set"  # it stands there as told
    STALE = "stale"  # something else stands there: `found`; nothing was changed
    UNLISTED = "unlisted"  # the channel does not list this SKU
    REFUSED = "refused"  # the channel lists it and does not take a figure for it: `said`


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A whole number of one SKU to stand at a channel. `expected` is what is believed to stand there; None is unknown.

    `external_id` is empty where the listing was never met. Where a channel has several places of the hub's, `parts` are
    (place, quantity) and `quantity` and `expected` their sums.
    """

    sku: str
    external_id: str
    quantity: int
    expected: int | None
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Levels to be told together, at most as many as the sink takes at once; each SKU once.

    The same `key` with the same levels is one effect, however often it is sent. `reference` names the cause to people.
    """

    key: str
    reference: str
    levels: tuple[Level, ...]
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelAnswer:
    """What became of one level. `external_id` is the listing's, also where it was looked up just now.

    `at` is when it was set, by the channel's clock, where the channel says so.
    """

    sku: str
    became: Became
    external_id: str = ""
    found: int | None = None
    said: str = ""
    at: datetime | None = None


class AvailabilitySink(Protocol):
    """Tells a channel how much it may sell, and never overwrites what it did not expect to find there."""

    @property
    def most(self) -> int:
        """How many levels one telling may have."""
        ...

    def tell(self, levels: Levels) -> tuple[LevelAnswer, ...]:
        """Set each level whose expected figure still stands there, and say of each what became of it.

        A level of which nothing is expected is read and then set over what was read. One level that cannot be set
        keeps no other back. Raises NeedsAttention `inventory.location_unmapped` where it is not known which of the
        channel's places is meant.
        """
        ...

    def look(self, external_ids: Sequence[str]) -> dict[str, int]:
        """External id → the figure that stands there now; what the channel does not have is left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReported:
    """A channel says what stands at one of its places. An echo where the hub wrote it.

    `available` alone is told; `at` is when it changed by the channel's clock.
    """

    external_id: str
    place: str
    available: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a source says lies of one thing, in its own word for it; all its locations together unless it names one."""

    item: str
    on_hand: Decimal
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A page of figures. `after` goes on from here, empty at the end.

    `mark` is where the next reading may begin once this one has come to its end; empty where this page says nothing of
    it. `unfit` are goods whose figure tells nothing of one SKU.
    """

    figures: tuple[Counted, ...]
    after: str = ""
    mark: str = ""
    unfit: tuple[str, ...] = ()


class StockSource(Protocol):
    """A system that counts goods."""

    @property
    def reports(self) -> Reports:
        """Whether its figures are goods that are there, or goods that nobody has ordered there."""
        ...

    def page(self, since: str, after: str) -> Counts:
        """Figures of what moved since a `mark`, of everything where it is empty; page by page."""
        ...

    def read(self, items: Sequence[str]) -> tuple[Counted, ...]:
        """The figures of these things now; one that the source does not know, or has no figure of, has none."""
        ...
