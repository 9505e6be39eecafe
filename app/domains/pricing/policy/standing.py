"""A line while its discounts are worked out, and what a promotion takes off lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from app.domains.pricing.canonical.prices import Item, QuoteRule
from app.domains.pricing.canonical.promotions import Kind, Promotion
from app.domains.pricing.canonical.quote import Reason
from app.domains.pricing.policy.choosing import Listed, rounded
from app.kernel.money import Money


@dataclass(slots=True, kw_only=True)
class Standing:
    """A line: its list price, what is left of it, what was taken off, and by which promotions."""

    listed: Listed
    item: Item
    amount: Money
    taken: list[Promotion] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def quantity(self) -> Fraction:
        return Fraction(self.listed.asked.quantity)

    @property
    def discount(self) -> Money:
        return self.listed.amount - self.amount

    def fits(self, promotion: Promotion) -> bool:
        return promotion.targets.cover(self.listed.asked.sku, self.item.category, self.item.product_type)


def cuts(promotion: Promotion, lines: Sequence[Standing], rule: QuoteRule) -> list[Money] | None:
    """What a line promotion takes off each of these lines, in their order; None where it does not apply at all."""
    if not lines:
        return None
    if promotion.kind is Kind.BUY_X_GET_Y:
        return _given(promotion, lines, rule)
    currency = lines[0].amount.currency
    if promotion.kind is Kind.PERCENTAGE:
        share = Fraction(promotion.value) / 100
        return _within(rounded([_exact(line) * share for line in lines], currency, rule), lines)
    each = rounded([Fraction(promotion.value) * line.quantity for line in lines], currency, rule)
    if promotion.kind is Kind.AMOUNT:
        return _within(each, lines)
    zero = Money.zero(currency)
    return [max(zero, line.amount - wanted) for line, wanted in zip(lines, each, strict=True)]


def _given(promotion: Promotion, lines: Sequence[Standing], rule: QuoteRule) -> list[Money] | None:
    """Per cent off the cheapest `get` of every `buy` + `get` whole units; of equal prices the last line's."""
    whole = [floor(line.quantity) for line in lines]
    times = sum(whole) // (promotion.buy + promotion.get)
    free = promotion.get * min(times, promotion.most_times or times)
    if not free:
        return None
    counts = [0] * len(lines)
    for n in sorted(range(len(lines)), key=lambda n: (_exact(lines[n]) / lines[n].quantity, -n)):
        counts[n] = min(free, whole[n])
        free -= counts[n]
    share = Fraction(promotion.value) / 100
    exact = [_exact(line) * count / line.quantity * share for line, count in zip(lines, counts, strict=True)]
    return _within(rounded(exact, lines[0].amount.currency, rule), lines)


def _within(wanted: Sequence[Money], lines: Sequence[Standing]) -> list[Money]:
    """No more than there is."""
    return [min(one, line.amount) for one, line in zip(wanted, lines, strict=True)]


def _exact(line: Standing) -> Fraction:
    return Fraction(line.amount.amount)
