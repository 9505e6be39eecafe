"""Units of measure of one item, and exact conversion between them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.kernel.errors import Invalid
from app.kernel.quantity import PLACES, Quantity

WEIGHT_UNITS = ("g", "kg", "oz", "lb")
MOST = 2**63 - 1  # of a factor's numerator and denominator: what a bigint holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One `unit` holds numerator/denominator base units: a box of twelve is 12/1. Raises Invalid `product.unit_factor`.

    `gtin` is the unit's own, as of a case of goods.
    """

    unit: str
    numerator: int
    denominator: int = 1
    gtin: str = ""

    def __post_init__(self) -> None:
        if not self.unit.strip():
            raise Invalid("product.no_unit", "a unit has no name: give one such as box")
        if not (0 < self.numerator <= MOST and 0 < self.denominator <= MOST):
            raise Invalid(
                "product.unit_factor",
                f"one {self.unit} cannot hold {self.numerator}/{self.denominator}: give whole numbers above zero",
            )

    @property
    def factor(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)


def unit_of(name: str, holds: Decimal, *, gtin: str = "") -> Unit:
    """A unit that holds so many base units, as a decimal states it. Raises Invalid `product.unit_factor`."""
    if not holds.is_finite():
        raise Invalid("product.unit_factor", f"one {name} cannot hold {holds}: give a number above zero")
    numerator, denominator = holds.as_integer_ratio()
    return Unit(unit=name, numerator=numerator, denominator=denominator, gtin=gtin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The units in which one SKU is counted: its base unit, and what holds a number of them."""

    sku: str
    base: str
    others: tuple[Unit, ...] = ()

    def to_base(self, quantity: Quantity) -> Quantity:
        """The quantity in the base unit. Raises as `convert`."""
        return self.convert(quantity, self.base)

    def convert(self, quantity: Quantity, unit: str) -> Quantity:
        """The same goods in another unit, exactly.

        Raises Invalid `product.unknown_unit` for a unit that this SKU is not counted in, and `product.not_divisible`
        where the result has no exact writing in five decimals: ten pieces are no number of dozens.
        """
        there = Fraction(quantity.number) * self.factor(quantity.unit) / self.factor(unit)
        scaled = there * 10**PLACES
        if scaled.denominator != 1:
            raise Invalid(
                "product.not_divisible",
                f"{quantity.number} {quantity.unit} of {self.sku} is no exact number of {unit}: "
                f"use {quantity.unit} or {self.base}",
                about=f"sku {self.sku}",
            )
        return Quantity(Decimal(scaled.numerator).scaleb(-PLACES).normalize() + 0, unit)

    def factor(self, unit: str) -> Fraction:
        """How many base units one `unit` holds; upper and lower case are one. Raises Invalid `product.unknown_unit`."""
        wanted = unit.strip().casefold()
        if wanted == self.base.casefold():
            return Fraction(1)
        for other in self.others:
            if other.unit.casefold() == wanted:
                return other.factor
        names = ", ".join((self.base, *(other.unit for other in self.others)))
        raise Invalid(
            "product.unknown_unit",
            f"{self.sku} is not counted in {unit!r}; its units are {names}: correct the unit or add it to the product",
            about=f"sku {self.sku}",
            sku=self.sku, unit=unit,
        )  # fmt: skip


def check_units(base: str, units: tuple[Unit, ...]) -> None:
    """Raises Invalid `product.unit_twice` where two units have one name, or one has the base unit's."""
    seen = {base.casefold()}
    for unit in units:
        if unit.unit.casefold() in seen:
            raise Invalid("product.unit_twice", f"unit {unit.unit} is named twice: a unit has one factor")
        seen.add(unit.unit.casefold())
