"""The floor: no discount takes the net amount of a line below its cost and the margin on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil

from app.domains.pricing.canonical.prices import Floor, QuoteRule
from app.domains.pricing.canonical.quote import Reason, Stage
from app.domains.pricing.canonical.tax import LineTax
from app.domains.pricing.policy.standing import Standing
from app.kernel.errors import Refused
from app.kernel.money import Money, exponent


def lowest(line: Standing, rule: QuoteRule) -> Money | None:
    """The least net amount of a line: cost x (1 + margin) x quantity, rounded up; None without a cost or a margin."""
    margin = rule.margin if line.item.margin is None else line.item.margin
    if margin is None or line.item.cost is None:
        return None
    exact = Fraction(line.item.cost) * (1 + Fraction(margin)) * line.quantity
    currency = line.amount.currency
    return Money(ceil(exact * 10 ** exponent(currency)), currency)


def untested(lines: Sequence[Standing], rule: QuoteRule) -> None:
    """Write down where a margin is wanted and no cost is known."""
    for line in lines:
        margin = rule.margin if line.item.margin is None else line.item.margin
        if margin is not None and line.item.cost is None:
            said = f"not tested: no cost of {line.listed.asked.sku} in {line.amount.currency} is known"
            line.reasons.append(
                Reason(stage=Stage.FLOOR, rule=rule.name, said=said, amount=Money.zero(line.amount.currency))
            )


def give_back(lines: Sequence[Standing], taxes: Mapping[str, LineTax], rule: QuoteRule) -> bool:
    """Take discounts back where a line's net amount lies below the floor; false where none does.

    Raises Refused(`pricing.below_floor`) where the rule refuses, or the list price itself is too low.
    """
    moved = False
    for line in lines:
        floor, net = lowest(line, rule), taxes[line.listed.asked.line_id].net
        if floor is None or floor <= net:
            continue
        missing = floor - net
        if rule.floor is Floor.REFUSE or not line.discount:
            raise _refused(line, floor, net, rule)
        more = ceil(Fraction(missing.minor * line.amount.minor, net.minor)) if net else missing.minor
        back = min(Money(max(more, missing.minor), missing.currency), line.discount)
        line.amount += back
        _write_down(line, back, floor, rule)
        moved = True
    return moved


def _write_down(line: Standing, back: Money, floor: Money, rule: QuoteRule) -> None:
    before = Money.zero(back.currency)
    if line.reasons and line.reasons[-1].stage is Stage.FLOOR:
        before = line.reasons.pop().amount
    said = f"discount cut: net {floor.text} is the least, cost and margin by {_of(line, rule)}"
    line.reasons.append(Reason(stage=Stage.FLOOR, rule=rule.name, said=said, amount=before + back))


def _refused(line: Standing, floor: Money, net: Money, rule: QuoteRule) -> Refused:
    sku = line.listed.asked.sku
    what = "the discounts go" if line.discount else "the list price itself is"
    return Refused(
        "pricing.below_floor",
        f"{sku}: {what} below the floor: net {net.text}, and {floor.text} is the least by {_of(line, rule)}; raise the "
        "price, end a promotion, or lower the margin",
        about=f"sku {sku}",
    )


def _of(line: Standing, rule: QuoteRule) -> str:
    return f"the margin of {line.listed.asked.sku}" if line.item.margin is not None else rule.name
