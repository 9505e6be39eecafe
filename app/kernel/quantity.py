"""Quantities in a unit of measure, converted by explicit factors only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.kernel.errors import Refused

PLACES = 5


@dataclass(frozen=True, slots=True)
class Quantity:
    """So many of a unit; at most five decimals."""

    number: Decimal
    unit: str

    def __post_init__(self) -> None:
        places = -int(self.number.as_tuple().exponent) if self.number.is_finite() else PLACES + 1
        if places > PLACES:
            raise Refused("quantity.too_precise", f"{self.number} {self.unit}: at most {PLACES} decimals")

    def __add__(self, other: Quantity) -> Quantity:
        if self.unit != other.unit:
            raise Refused("quantity.mixed_units", f"{self.unit} and {other.unit}: convert first")
        return Quantity(self.number + other.number, self.unit)

    def to(self, unit: str, factor: Decimal) -> Quantity:
        """The same quantity in another unit; `factor` is how many of `unit` one of ours holds.

        Refused when the result is finer than five decimals: a conversion that loses goods is no conversion.
        """
        return Quantity((self.number * factor).normalize() + 0, unit)
