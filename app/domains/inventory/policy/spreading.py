"""What a channel is offered in all, spread over the places that it sells from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from app.domains.inventory.policy.offering import floor


def spread(total: int, lying: Mapping[str, Decimal]) -> dict[str, int]:
    """So many whole units over places by what lies there; their sum is `total`, and every place has an entry.

    Less than lies there is cut by shares, rounded down, the rest to the largest remainders. More than lies there,
    which buyers wait for, is added where most lies. Ties go by the name of the place.
    """
    whole = {place: int(floor(max(Decimal(0), quantity))) for place, quantity in lying.items()}
    there = sum(whole.values())
    fullest = sorted(whole, key=lambda place: (-whole[place], place))
    if total >= there:
        return {place: whole[place] + (total - there if place == fullest[0] else 0) for place in whole}
    shares = {place: divmod(total * quantity, there) for place, quantity in whole.items()}
    parts = {place: share for place, (share, _) in shares.items()}
    rest = total - sum(parts.values())
    for place in sorted(shares, key=lambda place: (-shares[place][1], place))[:rest]:
        parts[place] += 1
    return parts
