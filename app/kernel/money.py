"""Money: whole minor units of a currency, exact, rounded in this file only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
)
from enum import StrEnum
from fractions import Fraction

from app.kernel.errors import Refused

# ISO 4217: currencies whose minor unit is not two decimals.
_EXPONENTS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3,
    "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}  # fmt: skip
UNIT_PRICE_PLACES = 6
MOST_DIGITS = 30
# The usual 28 digits would cut a longer number off without a word, and let it pass for one that has fewer decimals.
_EXACT = Context(prec=2 * MOST_DIGITS, traps=[InvalidOperation, DivisionByZero, Inexact])
_WIDE = Context(prec=2 * MOST_DIGITS)


class Half(StrEnum):
    """What happens to exactly one half of a minor unit."""

    UP = "up"  # away from zero
    EVEN = "even"
    DOWN = "down"  # cut off whatever is beyond the unit


_ROUNDING = {Half.UP: ROUND_HALF_UP, Half.EVEN: ROUND_HALF_EVEN, Half.DOWN: ROUND_DOWN}


def exponent(currency: str) -> int:
    """Decimals of the currency's minor unit by ISO 4217."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor unit of its currency. There is no float on the road to it."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Read a decimal amount; refuse one that is finer than the currency's minor unit."""
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
            raise Refused("money.unknown_currency", f"{currency!r} is not an ISO 4217 code")
        if type(amount) is str and (minor := _plain_minor(amount, exponent(currency))) is not None:
            return cls(minor, currency)
        try:
            scaled = Decimal(amount).scaleb(exponent(currency), _EXACT)
            if scaled.adjusted() > MOST_DIGITS:
                raise ValueError("an integer of so many digits would take for ever")
            whole = int(scaled)
        except (ArithmeticError, ValueError, TypeError) as wrong:
            raise Refused("money.not_a_number", f"{amount!r} is not an amount") from wrong
        if scaled != whole:
            raise Refused("money.too_precise", f"{amount} is finer than the minor unit of {currency}")
        return cls(whole, currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def rounded(cls, amount: Decimal | Fraction, currency: str, half: Half = Half.UP) -> Money:
        """Round an exact amount to the minor unit by a named rule."""
        if isinstance(amount, Fraction):
            return cls(_round_fraction(amount * 10 ** exponent(currency), half), currency)
        scaled = amount.scaleb(exponent(currency), _WIDE)
        return cls(int(scaled.quantize(Decimal(1), rounding=_ROUNDING[half], context=_WIDE)), currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    @property
    def amount(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency), _WIDE)

    @property
    def text(self) -> str:
        """The amount with as many decimals as the currency has, for example `-0.05`."""
        places = exponent(self.currency)
        if not places:
            return str(self.minor)
        digits = str(abs(self.minor)).rjust(places + 1, "0")
        return f"{'-' if self.minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Refused("money.mixed_currencies", f"{self.currency} and {other.currency} in one sum")


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """A price of one unit: up to six decimals, not yet money."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        places = -int(self.amount.as_tuple().exponent) if self.amount.is_finite() else UNIT_PRICE_PLACES + 1
        if places > UNIT_PRICE_PLACES:
            raise Refused("money.too_precise", f"a unit price has at most {UNIT_PRICE_PLACES} decimals")

    def times(self, quantity: Decimal, half: Half = Half.UP) -> Money:
        return Money.rounded(_WIDE.multiply(self.amount, quantity), self.currency, half)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts of one currency; zero of it when there are none."""
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise Refused("money.mixed_currencies", f"{currency} and {amount.currency} in one sum")
        minor += amount.minor
    return Money(minor, currency)


def spread(amount: Money, weights: Sequence[int | Decimal]) -> tuple[Money, ...]:
    """Split an amount over weights: floor each share, then one unit each by largest remainder, ties by order.

    The shares always add up to the amount; a negative amount is split as its mirror.
    """
    whole = sum((Fraction(weight) for weight in weights), Fraction(0))
    if any(weight < 0 for weight in weights) or whole <= 0:
        raise Refused("money.no_weights", "an amount is spread over weights that are not negative and not all zero")
    exact = [abs(amount.minor) * Fraction(weight) / whole for weight in weights]
    shares = [share.numerator // share.denominator for share in exact]
    order = sorted(range(len(shares)), key=lambda n: (shares[n] - exact[n], n))
    for n in order[: abs(amount.minor) - sum(shares)]:
        shares[n] += 1
    sign = -1 if amount.minor < 0 else 1
    return tuple(Money(sign * share, amount.currency) for share in shares)


def _plain_minor(amount: str, places: int) -> int | None:
    """Minor units of a plain decimal such as `-12.30`, in a fifth of Decimal's time; None asks for a closer look."""
    whole, _, part = amount.partition(".")
    digits = whole[1:] if whole[:1] == "-" else whole
    if len(part) > places or not amount.isascii() or not digits.isdigit() or not (part.isdigit() or not part):
        return None
    minor = int(digits + part.ljust(places, "0"))
    return -minor if digits is not whole else minor


def _round_fraction(value: Fraction, half: Half) -> int:
    sign = -1 if value < 0 else 1
    size = abs(value)
    whole, rest = divmod(size.numerator, size.denominator)
    twice = 2 * rest - size.denominator
    up = half is not Half.DOWN and (twice > 0 or (twice == 0 and (half is Half.UP or whole % 2 == 1)))
    return sign * (whole + up)
