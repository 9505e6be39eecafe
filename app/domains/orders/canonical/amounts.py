"""Amounts in two currencies, and what is made of them on every row: discounts, taxes, duties."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.kernel.money import Money


class Side(StrEnum):
    """Which of the two currencies of an order an equation speaks of."""

    SHOP = "shop"
    PRESENTMENT = "presentment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One amount in the shop's currency and in the one the customer saw."""

    shop: Money
    presentment: Money

    def of(self, side: Side) -> Money:
        return self.shop if side is Side.SHOP else self.presentment


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Why there is a discount: code, automatic, manual or script."""

    kind: str
    label: str = ""  # the code, or the title
    target: str = ""  # line_item or shipping_line
    method: str = ""  # across, each or one
    value: str = ""
    value_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The part of a discount that fell on one line: the only source of discount amounts."""

    amount: Amount
    application: Application


class Liable(StrEnum):
    """Who owes a tax to the authority; `channel` is a marketplace facilitator."""

    MERCHANT = "merchant"
    CHANNEL = "channel"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    title: str
    amount: Amount
    rate: Decimal | None = None
    liable: Liable = Liable.UNKNOWN
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    price: Amount
    taxes: tuple[Tax, ...] = ()
    duty_id: str = ""
    hs_code: str = ""
    origin: str = ""
