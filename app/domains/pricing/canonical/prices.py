"""Prices, what is known of items, and how quotes are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.kernel.errors import Invalid
from app.kernel.money import Half, UnitPrice, exponent

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
CODE_WORDS = (
    "letters, digits, dots, dashes, at most 100"  # of the code of a list or a promotion: it stands in addresses
)
MOST = Decimal(10) ** 12  # of a price, a quantity, a value: more is a slip of the keyboard


def price_text(price: UnitPrice) -> str:
    """A unit price with as many decimals as its currency has, and more only where it needs them: `189.50`, `0.375`."""
    plain = price.amount.normalize()
    return f"{plain:.{max(exponent(price.currency), -int(plain.as_tuple().exponent))}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """For whom a price list holds; an empty part means everybody."""

    company: str = ""
    channel: str = ""
    customer_group: str = ""
    customer: str = ""

    @property
    def rank(self) -> int:
        """The higher, the more particular: customer before group before channel before company."""
        return 8 * bool(self.customer) + 4 * bool(self.customer_group) + 2 * bool(self.channel) + bool(self.company)

    def __str__(self) -> str:
        named = (
            ("customer", self.customer), ("group", self.customer_group),
            ("channel", self.channel), ("company", self.company),
        )  # fmt: skip
        return ", ".join(f"{part} {name}" for part, name in named if name) or "everybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """A price list: its scope, its currency, whether its prices include tax, and the zone its days are counted in."""

    code: str
    title: str = ""
    currency: str
    scope: Scope
    includes_tax: bool
    zone: str
    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one unit costs from a quantity on, from an instant until another; without `until_at` for good."""

    sku: str
    unit: str = ""
    min_quantity: Decimal
    from_at: datetime
    until_at: datetime | None = None
    amount: UnitPrice

    def __post_init__(self) -> None:
        where = f"{self.sku} from {self.min_quantity}"
        if not 0 <= self.amount.amount < MOST:
            raise Invalid(
                "pricing.price", f"amount: {where} costs {self.amount.amount}; a price lies from 0 to {MOST:,}"
            )
        if not (self.min_quantity.is_finite() and 0 <= self.min_quantity < MOST):
            raise Invalid("pricing.price", f"min_quantity: {where}; a break begins at zero or more, below {MOST:,}")
        if self.until_at is not None and self.until_at <= self.from_at:
            raise Invalid("pricing.price", f"until: {where} ends before it begins, at {self.until_at:%Y-%m-%d %H:%M}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A price that may count for a line, with the list that it comes from."""

    price_list: str
    scope: Scope
    includes_tax: bool
    zone: str = "UTC"
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is known of a SKU: for promotions, for tax, and for the floor. `cost` is in the currency asked for."""

    category: str = ""
    product_type: str = ""
    tax_code: str = ""
    margin: Decimal | None = None
    cost: Decimal | None = None


class Rounding(StrEnum):
    """Where list amounts and percentages are rounded to the minor unit."""

    LINE = "line"  # each line by itself
    ORDER = "order"  # the sum of the lines, spread back over them


class Floor(StrEnum):
    """What happens to a discount that goes below the floor."""

    CUT = "cut"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRule:
    """How a quote is rounded, and the margin on the cost that no discount goes below; none without a margin."""

    name: str = "the default"
    rounding: Rounding = Rounding.LINE
    half: Half = Half.UP
    margin: Decimal | None = None
    floor: Floor = Floor.CUT
