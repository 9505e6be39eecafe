"""Promotions: what is taken off, of which items, for whom, when, and beside which others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domains.pricing.canonical.prices import CODE, CODE_WORDS, MOST
from app.kernel.errors import Invalid

WITH_ALL = "*"  # in `stacks_with`: every promotion that does not forbid it


class Kind(StrEnum):
    """What `value` says."""

    PERCENTAGE = "percentage"  # per cent off
    AMOUNT = "amount"  # off each unit, or off the order
    FIXED_PRICE = "fixed_price"  # what one unit costs
    BUY_X_GET_Y = "buy_x_get_y"  # per cent off the cheapest `get` of every `buy` + `get` units


class Level(StrEnum):
    LINE = "line"
    ORDER = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Which items; no target at all means every item, several mean any of them."""

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    product_types: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return not (self.skus or self.categories or self.product_types)

    def cover(self, sku: str, category: str, product_type: str) -> bool:
        return (
            self.everything
            or sku in self.skus
            or (category != "" and category in self.categories)
            or (product_type != "" and product_type in self.product_types)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacking:
    """What may count beside it on one line.

    An exclusive promotion stands alone. Of those with one `best_of` one counts: the higher priority, then the larger
    discount. `stacks_with` names those that it may join; one of the two naming the other is enough.
    """

    exclusive: bool = False
    best_of: str = ""
    stacks_with: frozenset[str] = frozenset()
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A promotion. Amounts of it are net or gross as the prices are that they come off. Raises Invalid where wrong."""

    code: str
    title: str = ""
    kind: Kind
    level: Level = Level.LINE
    value: Decimal
    currency: str = ""
    buy: int = 0
    get: int = 0
    most_times: int = 0  # how often in one basket; 0 is as often as it fits
    company: str = ""
    channel: str = ""
    customer_group: str = ""
    targets: Targets = field(default_factory=Targets)
    min_quantity: Decimal = Decimal(0)
    min_amount: Decimal = Decimal(0)
    zone: str = "UTC"
    from_at: datetime
    until_at: datetime | None = None
    stacking: Stacking = field(default_factory=Stacking)
    open: bool = True

    def __post_init__(self) -> None:
        if wrong := list(self._wrong()):
            said = "; ".join(f"{one['field']}: {one['rule']}" for one in wrong)
            raise Invalid("pricing.promotion", f"promotion {self.code!r}: {said}", about=self.code, errors=wrong)

    @property
    def words(self) -> str:
        """What it does, in a few words."""
        value = f"{self.value.normalize():f}"
        if self.kind is Kind.BUY_X_GET_Y:
            return f"buy {self.buy}, get {self.get} at {value} % off"
        if self.kind is Kind.PERCENTAGE:
            return f"{value} % off{' the order' * (self.level is Level.ORDER)}"
        if self.kind is Kind.FIXED_PRICE:
            return f"{value} {self.currency} each"
        return f"{value} {self.currency} off {'the order' if self.level is Level.ORDER else 'each'}"

    def _wrong(self) -> Iterator[dict[str, str]]:
        percent = self.kind in (Kind.PERCENTAGE, Kind.BUY_X_GET_Y)
        if not CODE.fullmatch(self.code):
            yield {"field": "code", "rule": CODE_WORDS}
        if not all(one.is_finite() for one in (self.value, self.min_amount, self.min_quantity)):
            yield {"field": "value, min_amount, min_quantity", "rule": "numbers"}
            return
        if self.value < 0 or (self.value == 0 and self.kind is not Kind.FIXED_PRICE):
            yield {"field": "value", "rule": "more than zero"}
        if max(self.value, self.min_amount, self.min_quantity) >= MOST:
            yield {"field": "value, min_amount, min_quantity", "rule": f"below {MOST:E}"}
        if percent and self.value > 100:
            yield {"field": "value", "rule": "a percentage is at most 100"}
        if not percent and not self.currency:
            yield {"field": "currency", "rule": "an amount needs its currency"}
        if self.min_amount and not self.currency:
            yield {"field": "currency", "rule": "a least amount needs its currency"}
        if self.min_amount < 0 or self.min_quantity < 0 or self.most_times < 0:
            yield {"field": "min_quantity, min_amount, most_times", "rule": "zero or more"}
        if self.level is Level.ORDER and self.kind not in (Kind.PERCENTAGE, Kind.AMOUNT):
            yield {"field": "level", "rule": f"{self.kind} works on lines"}
        if self.kind is Kind.BUY_X_GET_Y and (self.buy < 1 or self.get < 1):
            yield {"field": "buy, get", "rule": "at least 1 each"}
        if self.kind is not Kind.BUY_X_GET_Y and (self.buy or self.get or self.most_times):
            yield {"field": "buy, get, most_times", "rule": f"only for {Kind.BUY_X_GET_Y}"}
        if self.stacking.exclusive and (self.stacking.best_of or self.stacking.stacks_with):
            yield {"field": "exclusive", "rule": "an exclusive promotion has neither best_of nor stacks_with"}
        if self.until_at is not None and self.until_at <= self.from_at:
            yield {"field": "until", "rule": "after from"}
