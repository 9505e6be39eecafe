"""What Business Central will make of a document's tax, predicted, and the line that closes the gap.

Source: BaseApp VATAmountLine.UpdateLines: tax is rounded once per VAT identifier and sign over the document; with
prices that include tax the total is the sum of the line amounts. The identifier is taken to be the rate; where a
company's set-up says otherwise the read-back shows it and the line is put right.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from app.adapters.business_central.mapping.plan import PlannedLine
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money, total


def predicted_total(lines: Iterable[PlannedLine], currency: str, *, includes_tax: bool) -> Money | None:
    """The total Business Central will arrive at; None where a rate is not known."""
    amounts = [(line.rate, line.amount(currency)) for line in lines if line.line_type != "Comment"]
    whole = total((amount for _, amount in amounts), currency)
    if includes_tax:
        return whole
    groups: dict[tuple[Decimal, bool], Money] = {}
    for rate, amount in amounts:
        if rate is None:
            return None
        if rate:
            group = (rate, amount.minor >= 0)
            groups[group] = groups.get(group, Money.zero(currency)) + amount
    taxes = (Money.rounded(amount.amount * rate, currency) for (rate, _), amount in groups.items())
    return total((whole, *taxes), currency)


def groups_of(lines: Iterable[PlannedLine]) -> int:
    """How many VAT groups the document has."""
    return len({line.rate for line in lines if line.rate})


def within(difference: Money, halves: int) -> bool:
    """Whether a difference is at most so many halves of a minor unit."""
    return 2 * abs(difference.minor) <= halves


def too_far(planned: Money, expected: Money, halves: int, about: str) -> NeedsAttention:
    return NeedsAttention(
        "erp.total_differs",
        f"{about}: the lines come to {planned}, the order says {expected}; rounding explains at most "
        f"{halves}/2 of a minor unit, so nothing was posted",
        about=about,
        differences=[{"field": "total", "planned": str(expected), "found": str(planned)}],
    )
