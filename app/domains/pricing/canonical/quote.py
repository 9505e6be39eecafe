"""The answer to a basket: every amount with the rule that gave it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domains.pricing.canonical.tax import LineTax
from app.kernel.money import Money, UnitPrice


class Stage(StrEnum):
    """The steps of a quote, in their order."""

    LIST_PRICE = "list_price"
    LINE_PROMOTION = "line_promotion"
    ORDER_PROMOTION = "order_promotion"
    FLOOR = "floor"
    SHIPPING = "shipping"
    TAX = "tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One amount and the rule that gave it: `rule` is its code, `said` is it in words. A discount is negative."""

    stage: Stage
    rule: str
    said: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """A line: `amount` is the list amount with discounts, net or gross as the list says; net plus tax is gross."""

    line_id: str
    sku: str
    unit: str
    quantity: Decimal
    unit_price: UnitPrice
    list_amount: Money
    discount: Money
    amount: Money
    net: Money
    tax: Money
    gross: Money
    taxes: LineTax
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedShipping:
    """The shipping charge as it was asked, with its tax."""

    amount: Money
    net: Money
    tax: Money
    gross: Money
    taxes: LineTax
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A basket's price. Lines and shipping add up to `net`, `tax` and `gross`, to the minor unit.

    `estimated` is true, with its `reason`, where tax is not the first choice's; `rounding` says how it was rounded.
    """

    currency: str
    at: datetime
    includes_tax: bool
    lines: tuple[QuotedLine, ...]
    shipping: QuotedShipping | None
    list_amount: Money
    discount: Money
    net: Money
    tax: Money
    gross: Money
    rounding: str
    tax_mode: str
    tax_source: str
    estimated: bool
    reason: str
