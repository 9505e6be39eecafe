"""What a basket costs, as Shopify computes it.

Discounts in the order they are given, each spread by largest remainder; tax rounded once per jurisdiction on the
order and spread over its rows. Each currency is computed by itself, so that both sides add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.kernel.money import Money, spread, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Something with a price: a line of goods, or a shipping rate. `price` is of one, in the shop's currency."""

    price: Decimal
    quantity: int = 1
    taxable: bool = True
    discountable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A discount application: `value` is a percentage or an amount in the shop's currency.

    `kind`, `method` (across, each, one), `target` (line_item, shipping_line) and `selection` are Shopify's words;
    `rows` are the positions entitled, none for all.
    """

    kind: str
    title: str
    value: Decimal
    percentage: bool
    target: str = "line_item"
    method: str = "across"
    selection: str = "all"
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax of a jurisdiction; `liable` is who pays it over: the merchant (False) or the channel (True)."""

    title: str
    rate: Decimal
    liable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """All that prices depend on: `lines` of goods, `shipping` rates, discounts and taxes."""

    lines: tuple[Row, ...]
    shipping: tuple[Row, ...] = ()
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    taxes_included: bool = False


@dataclass(slots=True)
class Priced:
    """One row's figures: `allocations` by position of the discount, `taxes` by position of the tax."""

    unit: Money
    net: Money
    allocations: dict[int, Money]
    taxes: dict[int, Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A basket's figures in one currency; lines and shipping rates as in the basket."""

    lines: list[Priced]
    shipping: list[Priced]
    taxes: list[Money]


def price(basket: Basket, currency: str, rate: Decimal = Decimal(1)) -> Side:
    """Compute a basket in a currency; `rate` is what one unit of the shop's currency is in it."""
    lines = [_undiscounted(row, currency, rate) for row in basket.lines]
    shipping = [_undiscounted(row, currency, rate) for row in basket.shipping]
    for position, discount in enumerate(basket.discounts):
        rows, priced = (basket.lines, lines) if discount.target == "line_item" else (basket.shipping, shipping)
        entitled = [n for n, row in enumerate(rows) if row.discountable and (not discount.rows or n in discount.rows)]
        _discount(position, discount, [(rows[n].quantity, priced[n]) for n in entitled], currency, rate)
    taxed = [
        figures
        for row, figures in zip((*basket.lines, *basket.shipping), (*lines, *shipping), strict=True)
        if row.taxable and figures.net
    ]
    return Side(lines=lines, shipping=shipping, taxes=_tax(basket, taxed, currency))


def _undiscounted(row: Row, currency: str, rate: Decimal) -> Priced:
    unit = Money.rounded(row.price * rate, currency)
    return Priced(unit=unit, net=unit * row.quantity, allocations={}, taxes={})


def _discount(
    position: int, discount: Discount, rows: Sequence[tuple[int, Priced]], currency: str, rate: Decimal
) -> None:
    for figures, amount in zip((priced for _, priced in rows), _shares(discount, rows, currency, rate), strict=False):
        if amount:
            figures.allocations[position] = amount
            figures.net = figures.net - amount


def _shares(discount: Discount, rows: Sequence[tuple[int, Priced]], currency: str, rate: Decimal) -> Sequence[Money]:
    """Return what a discount takes off each row, never more than is left of it."""
    if discount.method == "across":
        whole = total((priced.net for _, priced in rows), currency)
        if not whole.minor:
            return ()
        return spread(_off(discount, whole, currency, rate), [priced.net.minor for _, priced in rows])
    if discount.method == "one":
        return [_off(discount, rows[0][1].net, currency, rate)] if rows else ()
    return [
        _off(discount, priced.net, currency, rate)
        if discount.percentage
        else min(priced.net, _off(discount, priced.net, currency, rate) * quantity)
        for quantity, priced in rows
    ]


def _off(discount: Discount, base: Money, currency: str, rate: Decimal) -> Money:
    if discount.percentage:
        return min(base, Money.rounded(base.amount * discount.value / 100, currency))
    return min(base, Money.rounded(discount.value * rate, currency))


def _tax(basket: Basket, taxed: Sequence[Priced], currency: str) -> list[Money]:
    """Put each jurisdiction's tax on the rows, and return its sum on the order."""
    base = total((figures.net for figures in taxed), currency)
    if not base.minor:
        return [Money(0, currency) for _ in basket.taxes]
    sums = _included(basket, base, currency) if basket.taxes_included else _on_top(basket, base, currency)
    weights = [figures.net.minor for figures in taxed]
    for position, amount in enumerate(sums):
        for figures, share in zip(taxed, spread(amount, weights), strict=True):
            figures.taxes[position] = share
    return sums


def _on_top(basket: Basket, base: Money, currency: str) -> list[Money]:
    return [Money.rounded(base.amount * tax.rate, currency) for tax in basket.taxes]


def _included(basket: Basket, base: Money, currency: str) -> list[Money]:
    together = sum((Fraction(tax.rate) for tax in basket.taxes), Fraction(0))
    if not together:
        return [Money(0, currency) for _ in basket.taxes]
    inside = base - Money.rounded(Fraction(base.amount) / (1 + together), currency)
    return list(spread(inside, [tax.rate for tax in basket.taxes]))
