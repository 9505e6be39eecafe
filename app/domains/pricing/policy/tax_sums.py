"""Tax on amounts, exact: by line, by unit or by document and rate, from net or gross amounts.

Gross: net = round(gross / (1 + Σ shares)), tax = gross - net. What is rounded over several lines or rates is spread
back by largest remainder, so that lines always add up to the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import prod

from app.domains.pricing.policy.tax_table import Owed, Rates, TaxTable
from app.kernel.errors import Invalid
from app.kernel.money import Half, Money, spread, total


class TaxRounding(StrEnum):
    """What is rounded to the minor unit."""

    LINE = "line"  # each tax of each line
    UNIT = "unit"  # each tax of one unit, times the quantity
    DOCUMENT = "document"  # each tax of the whole document, spread back over its lines


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxMode:
    """How the system that will invoice rounds tax."""

    rounding: TaxRounding = TaxRounding.LINE
    half: Half = Half.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxable:
    """An amount to be taxed: a line's, or the shipping's. `key` comes back with its taxes."""

    key: str
    amount: Money
    quantity: Decimal = Decimal(1)
    rates: Rates = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """An amount with its taxes: `net` plus all of them is `gross`. A tax that a certificate frees of is zero."""

    key: str
    net: Money
    taxes: tuple[tuple[Owed, Money], ...]

    @property
    def tax(self) -> Money:
        return total((amount for _, amount in self.taxes), self.net.currency)

    @property
    def gross(self) -> Money:
        return self.net + self.tax


def taxed(given: Sequence[Taxable], mode: TaxMode, *, includes_tax: bool) -> tuple[Taxed, ...]:
    """Every amount with its taxes, in the order given; equal keys are one. Raises Invalid for a negative amount.

    Where amounts include tax, a freed tax is taken out of them: who owes none does not pay it.
    """
    for one in given:
        if one.amount.minor < 0 or one.quantity <= 0:
            raise Invalid(
                "pricing.amount_negative", f"{one.key}: {one.amount} for {one.quantity} cannot be taxed", about=one.key
            )
    if not includes_tax:
        nets = [one.amount for one in given]
        taxes = _on_nets(given, nets, mode)
    else:
        nets = _nets(given, mode)
        taxes = [_split(one.amount - net, one.rates) for one, net in zip(given, nets, strict=True)]
        freed = [place for place, one in enumerate(given) if any(rate.certificate for rate in one.rates)]
        owed = _on_nets([given[place] for place in freed], [nets[place] for place in freed], mode)
        for place, left in zip(freed, owed, strict=True):
            taxes[place] = left
    rows = [(one.key, net, owed_by) for one, net, owed_by in zip(given, nets, taxes, strict=True)]
    return _merged(rows)


def with_shipping(
    table: TaxTable, lines: Sequence[Taxable], codes: Sequence[str], shipping: Money, key: str
) -> list[Taxable]:
    """The shipping charge as amounts to be taxed: where it shares the goods' rates, one for each set of rates.

    `codes` are the lines' tax codes. Without goods of any value it is taxed as the first line is.
    """
    if not table.splits_shipping or not codes:
        return [Taxable(key=key, amount=shipping, rates=table.shipping_for(codes[0] if codes else ""))]
    weights: dict[Rates, int] = {}
    for line, code in zip(lines, codes, strict=True):
        rates = table.shipping_for(code)
        weights[rates] = weights.get(rates, 0) + line.amount.minor
    if not any(weights.values()):
        weights = {rates: int(place == 0) for place, rates in enumerate(weights)}
    shares = spread(shipping, list(weights.values()))
    return [Taxable(key=key, amount=share, rates=rates) for rates, share in zip(weights, shares, strict=True)]


def _whole(rates: Rates) -> Fraction:
    return 1 + sum((rate.share for rate in rates), Fraction(0))


def _nets(given: Sequence[Taxable], mode: TaxMode) -> list[Money]:
    """The net amounts of gross ones."""
    if mode.rounding is not TaxRounding.DOCUMENT:
        return [_net(one, mode) for one in given]
    groups: dict[Rates, list[int]] = {}
    for place, one in enumerate(given):
        groups.setdefault(one.rates, []).append(place)
    nets = [one.amount for one in given]
    for rates, places in groups.items():
        gross = total((given[place].amount for place in places), given[0].amount.currency)
        tax = gross - Money.rounded(_exact(gross) / _whole(rates), gross.currency, mode.half)
        for place, share in zip(places, _spread(tax, [given[place].amount for place in places]), strict=True):
            nets[place] = given[place].amount - share
    return nets


def _net(one: Taxable, mode: TaxMode) -> Money:
    whole, currency = _whole(one.rates), one.amount.currency
    if mode.rounding is TaxRounding.LINE:
        return Money.rounded(_exact(one.amount) / whole, currency, mode.half)
    quantity = Fraction(one.quantity)
    unit = Money.rounded(_exact(one.amount) / quantity * (whole - 1) / whole, currency, mode.half)
    return one.amount - Money.rounded(_exact(unit) * quantity, currency, mode.half)


def _on_nets(given: Sequence[Taxable], nets: Sequence[Money], mode: TaxMode) -> list[tuple[tuple[Owed, Money], ...]]:
    """The taxes of each net amount."""
    if mode.rounding is TaxRounding.DOCUMENT:
        return _on_document(given, nets, mode)
    return [
        tuple((rate, _tax(one, net, rate, mode)) for rate in one.rates) for one, net in zip(given, nets, strict=True)
    ]


def _tax(one: Taxable, net: Money, rate: Owed, mode: TaxMode) -> Money:
    if rate.certificate:
        return Money.zero(net.currency)
    if mode.rounding is TaxRounding.LINE:
        return Money.rounded(_exact(net) * rate.share, net.currency, mode.half)
    quantity = Fraction(one.quantity)
    unit = Money.rounded(_exact(net) / quantity * rate.share, net.currency, mode.half)
    return Money.rounded(_exact(unit) * quantity, net.currency, mode.half)


def _on_document(
    given: Sequence[Taxable], nets: Sequence[Money], mode: TaxMode
) -> list[tuple[tuple[Owed, Money], ...]]:
    owing: dict[Owed, list[int]] = {}
    for place, one in enumerate(given):
        for rate in one.rates:
            owing.setdefault(rate, []).append(place)
    shares: dict[tuple[int, Owed], Money] = {}
    for rate, places in owing.items():
        based = [nets[place] for place in places]
        net = total(based, based[0].currency)
        exact = Fraction(0) if rate.certificate else _exact(net) * rate.share
        parts = _spread(Money.rounded(exact, net.currency, mode.half), based)
        shares |= {(place, rate): part for place, part in zip(places, parts, strict=True)}
    return [tuple((rate, shares[place, rate]) for rate in one.rates) for place, one in enumerate(given)]


def _split(tax: Money, rates: Rates) -> tuple[tuple[Owed, Money], ...]:
    """A tax that gross amounts hold, by the rates that it is made of."""
    common = prod(rate.share.denominator for rate in rates)
    weights = [int(rate.share * common) for rate in rates]
    parts = spread(tax, weights) if any(weights) else [Money.zero(tax.currency) for _ in rates]
    return tuple(zip(rates, parts, strict=True))


def _spread(tax: Money, weights: Sequence[Money]) -> Sequence[Money]:
    if not any(weights):
        return [Money.zero(tax.currency) for _ in weights]
    return spread(tax, [weight.minor for weight in weights])


def _exact(amount: Money) -> Fraction:
    return Fraction(amount.amount)


def _merged(rows: Sequence[tuple[str, Money, tuple[tuple[Owed, Money], ...]]]) -> tuple[Taxed, ...]:
    """Rows of one key as one: nets and equal taxes added up."""
    found: dict[str, tuple[Money, dict[Owed, Money]]] = {}
    for key, net, taxes in rows:
        before, owed = found.get(key, (Money.zero(net.currency), {}))
        for rate, amount in taxes:
            owed[rate] = owed.get(rate, Money.zero(net.currency)) + amount
        found[key] = (before + net, owed)
    return tuple(Taxed(key=key, net=net, taxes=tuple(owed.items())) for key, (net, owed) in found.items())
