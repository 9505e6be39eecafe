"""What pricing needs of the outside, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from app.domains.pricing.canonical.tax import TaxQuote, TaxRequest
from app.kernel.money import Money


class TaxQuoter(Protocol):
    """Says what tax a basket owes, without recording anything: an answer has no effect and may be asked again.

    Every line is answered, in its order; parts add up to a line's tax, and in a gross request net and tax to the
    amount. Contract: tests/contracts/tax_quoter.py
    """

    def quote(self, request: TaxRequest) -> TaxQuote: ...


class PriceBecame(StrEnum):
    """What became of a price that a channel was asked to show."""

    SET = "set"  # it stands there now
    UNLISTED = "unlisted"  # the channel has no such item
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWish:
    """What a channel shall show for a SKU, of its item where that is known; no `compare_at` takes one away."""

    sku: str
    amount: Money
    compare_at: Money | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAnswer:
    """What became of one wish: the channel's own id of the item, and its words where it refused."""

    sku: str
    became: PriceBecame
    external_id: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReported:
    """What a channel says that it shows of one of its items, in its own currency."""

    external_id: str
    amount: Decimal
    compare_at: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesReported:
    """A channel tells its prices by itself, as they were at an instant of its own clock."""

    at: datetime
    prices: tuple[PriceReported, ...]


class PriceSink(Protocol):
    """Shows prices at a channel, each absolutely: the same again changes nothing, and writes nothing.

    Answers every wish, in their order; one that is refused stops no other. Nothing else of an item is touched. An
    answer that is lost is Ambiguous, and the call may be repeated. Contract: tests/contracts/price_sink.py
    """

    @property
    def most(self) -> int:
        """So many wishes in one call."""
        ...

    def put(self, wishes: Sequence[PriceWish]) -> tuple[PriceAnswer, ...]: ...
