"""What Business Central computes on a sales document: line amounts, invoice discount, tax by group, totals.

Source: BaseApp `VAT Amount Line`.UpdateLines and `Sales Line`.UpdateVATOnLines: tax is rounded once per tax identifier
and sign over the document and then spread over the lines, each share rounded, the rest carried to the next line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.sandbox.business_central.values import rounded

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a line brings in: its amount after line discount, its tax, and whether an invoice discount reaches it."""

    amount: Decimal
    group: str
    percent: Decimal
    discountable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """A line's amounts after tax and invoice discount: `net` + `tax` = `gross`."""

    net: Decimal
    tax: Decimal
    gross: Decimal
    invoice_discount: Decimal


def line_amount(quantity: Decimal, unit_price: Decimal, discount: Decimal, precision: Decimal) -> Decimal:
    """Return round(quantity x unit price) - discount."""
    return rounded(quantity * unit_price, precision) - discount


def tax_lines(
    lines: Sequence[Line], *, includes_tax: bool, invoice_discount: Decimal, precision: Decimal
) -> list[Taxed]:
    """Return each line's amounts. With `includes_tax` the gross total is exactly the sum of the line amounts."""
    discounts = _spread_discount(lines, invoice_discount, precision)
    amounts = [line.amount - discount for line, discount in zip(lines, discounts, strict=True)]
    taxes = [_ZERO] * len(lines)
    groups: dict[tuple[str, Decimal, bool], list[int]] = {}
    for place, line in enumerate(lines):
        groups.setdefault((line.group, line.percent, amounts[place] >= 0), []).append(place)
    for (_, percent, _), places in groups.items():
        total = sum((amounts[place] for place in places), _ZERO)
        tax = _group_tax(total, percent, includes_tax=includes_tax, precision=precision)
        for place, share in zip(places, _shares(tax, [amounts[place] for place in places], precision), strict=True):
            taxes[place] = share
    return [
        Taxed(
            net=amount - tax if includes_tax else amount,
            tax=tax,
            gross=amount if includes_tax else amount + tax,
            invoice_discount=discount,
        )
        for amount, tax, discount in zip(amounts, taxes, discounts, strict=True)
    ]


def _group_tax(total: Decimal, percent: Decimal, *, includes_tax: bool, precision: Decimal) -> Decimal:
    if not percent:
        return _ZERO
    if includes_tax:
        return total - rounded(total / (1 + percent / 100), precision)
    return rounded(total * percent / 100, precision)


def _spread_discount(lines: Sequence[Line], discount: Decimal, precision: Decimal) -> list[Decimal]:
    if not discount:
        return [_ZERO] * len(lines)
    weights = [line.amount if line.discountable else _ZERO for line in lines]
    return _shares(discount, weights, precision)


def _shares(amount: Decimal, weights: Sequence[Decimal], precision: Decimal) -> list[Decimal]:
    """Spread an amount: round each share and carry what is left; the last share that weighs takes the rest."""
    total = sum(weights, _ZERO)
    if not total or not amount:
        return [_ZERO] * len(weights)
    shares: list[Decimal] = []
    carried, given = _ZERO, _ZERO
    for weight in weights:
        exact = amount * weight / total + carried
        share = rounded(exact, precision)
        carried = exact - share
        given += share
        shares.append(share)
    last = max(place for place, weight in enumerate(weights) if weight)
    shares[last] += amount - given
    return shares
