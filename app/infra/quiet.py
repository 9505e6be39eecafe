"""When silence is unusual: what is heard now against the same hours of the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import exp
from statistics import median

WEEKS = 8  # to compare with: old habits of a trade say little
FEWEST_WEEKS = 3  # a usual rate of less is no habit
LOOKS = (1, 3, 12, 24)  # whole hours back: a busy trade is missed within one, a small one within a day
CHANCE = 1e-4  # how likely the silence may be by itself; 24 looks a day then alarm falsely once in a year
SHARE = 0.1  # of the usual: traffic comes in bursts, so that chance alone is too strict


def usual(heard: Mapping[datetime, int], hour: datetime) -> float | None:
    """How much is usual in an hour of the week: the median of the weeks before. None before there is a habit."""
    before = [heard[at] for n in range(1, WEEKS + 1) if (at := hour - timedelta(weeks=n)) in heard]
    return float(median(before)) if len(before) >= FEWEST_WEEKS else None


def silence(heard: Mapping[datetime, int], now: datetime) -> tuple[int, float, int] | None:
    """(hours, usual, heard) of the shortest look back that is unusually quiet; None where nothing is unusual."""
    last = now.replace(minute=0, second=0, microsecond=0)
    for hours in LOOKS:
        span = [last - timedelta(hours=n) for n in range(1, hours + 1)]
        expected = [usual(heard, hour) for hour in span]
        if any(hour not in heard for hour in span) or None in expected:
            continue
        came, wanted = sum(heard[hour] for hour in span), sum(one or 0.0 for one in expected)
        if came <= SHARE * wanted and at_most(came, wanted) < CHANCE:
            return hours, wanted, came
    return None


def at_most(count: int, expected: float) -> float:
    """How likely at most so many are where so many are expected (Poisson)."""
    if expected > 700:  # exp underflows; a tenth of this is beyond any chance
        return 1.0 if count >= expected else 0.0
    term = total = exp(-expected)
    for n in range(1, count + 1):
        term *= expected / n
        total += term
    return total
