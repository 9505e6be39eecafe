"""Amounts as the shop keeps them: each in the shop's currency and in the one the customer was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from app.kernel.money import Half, Money


@dataclass(frozen=True, slots=True)
class Pair:
    """One amount on both sides."""

    shop: Money
    presentment: Money

    @classmethod
    def zero(cls, shop: str, presentment: str) -> Pair:
        """Return nothing, in both currencies."""
        return cls(Money(0, shop), Money(0, presentment))

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Pair:
        """Read a `…_set`."""
        shop, presentment = written["shop_money"], written["presentment_money"]
        return cls(
            Money.parse(str(shop["amount"]), shop["currency_code"]),
            Money.parse(str(presentment["amount"]), presentment["currency_code"]),
        )

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Pair) -> Pair:
        return Pair(self.shop - other.shop, self.presentment - other.presentment)

    def __mul__(self, times: int) -> Pair:
        return Pair(self.shop * times, self.presentment * times)

    def __neg__(self) -> Pair:
        return Pair(-self.shop, -self.presentment)

    def __bool__(self) -> bool:
        return bool(self.shop) or bool(self.presentment)

    def part(self, share: Fraction) -> Pair:
        """Return a share of the amount, rounded half up on each side."""
        return Pair(_part(self.shop, share), _part(self.presentment, share))

    @property
    def none(self) -> Pair:
        """Return nothing in the same currencies."""
        return self * 0

    @property
    def text(self) -> str:
        """The amount in the shop's currency, as REST documents write it beside the set."""
        return self.shop.text

    @property
    def set(self) -> dict[str, dict[str, str]]:
        """The amount as a REST `…_set`."""
        return {
            "shop_money": {"amount": self.shop.text, "currency_code": self.shop.currency},
            "presentment_money": {"amount": self.presentment.text, "currency_code": self.presentment.currency},
        }


def together(pairs: Iterable[Pair], none: Pair) -> Pair:
    """Add amounts up; `none` gives the currencies."""
    whole = none
    for pair in pairs:
        whole = whole + pair
    return whole


def _part(amount: Money, share: Fraction) -> Money:
    return Money.rounded(Fraction(amount.minor) * share / 10 ** _places(amount), amount.currency, Half.UP)


def _places(amount: Money) -> int:
    return len(Money(0, amount.currency).text.partition(".")[2])
