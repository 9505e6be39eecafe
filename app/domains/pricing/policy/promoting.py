"""Promotions on a basket: those on lines first, then those on the order, spread over the lines that may join them.

The higher priority comes first, then the larger discount on the basket, then the code. On a line, a promotion joins
those that it may stack with; where it may not, the one before it stays alone. Where two promotions of one priority
that work on single lines may not stack, each line has the one that takes more off it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domains.pricing.canonical.prices import QuoteRule
from app.domains.pricing.canonical.promotions import Kind, Level, Promotion
from app.domains.pricing.canonical.quote import Reason, Stage
from app.domains.pricing.policy.stacking import stack
from app.domains.pricing.policy.standing import Standing, cuts
from app.kernel.money import Money, spread, total

Worth = dict[str, dict[int, Money]]  # by promotion, by line: what it takes off there before any other


def promote(lines: Sequence[Standing], promotions: Iterable[Promotion], rule: QuoteRule) -> None:
    """Take every discount off the lines, and write down which promotion took it."""
    given = sorted(promotions, key=lambda one: one.code)
    _on_lines(lines, [one for one in given if one.level is Level.LINE], rule)
    _on_order(lines, [one for one in given if one.level is Level.ORDER], rule)


def _on_lines(lines: Sequence[Standing], promotions: Sequence[Promotion], rule: QuoteRule) -> None:
    fitting = {one.code: [n for n, line in enumerate(lines) if line.fits(one)] for one in promotions}
    worth: Worth = {}
    for one in promotions:
        places = fitting[one.code]
        if not _reached(one, [lines[n] for n in places]):
            continue
        if (off := cuts(one, [lines[n] for n in places], rule)) is not None:
            worth[one.code] = dict(zip(places, off, strict=True))
    live = [one for one in promotions if one.code in worth]
    live.sort(key=lambda one: (-one.stacking.priority, -sum(off.minor for off in worth[one.code].values())))
    for one in live:
        joined = [n for n in worth[one.code] if _joins(one, lines[n]) and not _beaten(one, n, live, lines, worth)]
        there = [lines[n] for n in joined]
        for line, part in zip(there, cuts(one, there, rule) or (), strict=False):
            _take(one, line, part, Stage.LINE_PROMOTION)


def _on_order(lines: Sequence[Standing], promotions: Sequence[Promotion], rule: QuoteRule) -> None:
    worth = {one.code: _off_order(one, _base(one, lines), rule) for one in promotions}
    live = [(off.minor, one) for one in promotions if (off := worth[one.code]) is not None]
    for _, one in sorted(live, key=lambda pair: (-pair[1].stacking.priority, -pair[0])):
        there = _base(one, lines)
        off = _off_order(one, there, rule)
        if not off or not _reached(one, [line for line in lines if line.fits(one)]):
            continue
        shares = spread(off, [line.amount.minor for line in there])
        for line, share in zip(there, shares, strict=True):
            _take(one, line, share, Stage.ORDER_PROMOTION)


def _base(promotion: Promotion, lines: Sequence[Standing]) -> list[Standing]:
    return [line for line in lines if line.fits(promotion) and _joins(promotion, line)]


def _off_order(promotion: Promotion, lines: Sequence[Standing], rule: QuoteRule) -> Money | None:
    """What an order promotion takes off these lines together; None of no lines."""
    if not lines:
        return None
    base = total((line.amount for line in lines), lines[0].amount.currency)
    if promotion.kind is Kind.AMOUNT:
        return min(Money.rounded(promotion.value, base.currency, rule.half), base)
    return Money.rounded(base.amount * promotion.value / 100, base.currency, rule.half)


def _reached(promotion: Promotion, lines: Sequence[Standing]) -> bool:
    """Whether the basket has as many of its items, worth as much, as it wants."""
    if not lines:
        return False
    worth = total((line.amount for line in lines), lines[0].amount.currency)
    return sum(line.quantity for line in lines) >= promotion.min_quantity and worth.amount >= promotion.min_amount


def _joins(promotion: Promotion, line: Standing) -> bool:
    return all(stack(promotion, other) for other in line.taken)


def _beaten(one: Promotion, place: int, live: Sequence[Promotion], lines: Sequence[Standing], worth: Worth) -> bool:
    """Whether another takes more off this line, where only one of the two may."""
    if one.kind is Kind.BUY_X_GET_Y:
        return False
    mine = (worth[one.code][place].minor, -live.index(one))
    for n, other in enumerate(live):
        if (
            other is not one
            and other.kind is not Kind.BUY_X_GET_Y
            and other.stacking.priority == one.stacking.priority
            and place in worth[other.code]
            and (worth[other.code][place].minor, -n) > mine
            and not stack(one, other)
            and _joins(other, lines[place])
        ):
            return True
    return False


def _take(promotion: Promotion, line: Standing, off: Money, stage: Stage) -> None:
    if off or promotion.kind is Kind.BUY_X_GET_Y:
        line.amount -= off
        line.taken.append(promotion)
        line.reasons.append(Reason(stage=stage, rule=promotion.code, said=promotion.words, amount=-off))
