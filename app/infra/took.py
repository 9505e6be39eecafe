"""How long steps took after their facts, rolled up by policy and hour: what a promise is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.uow import UnitOfWork

TALLY = "took"  # tallies of this name are folded here, not into the counters
KEPT_DAYS = 35  # five weeks, so that a month can be compared with the same weekdays


class TookRow(Base):
    """So many steps of a policy ended within `bound` seconds, and not within the bound below, in this hour."""

    __tablename__ = "took"
    __table_args__ = ({"schema": "hub"},)

    policy: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    bound: Mapped[float] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a promise was kept over some hours. `p95` is the bound that 95 of 100 stayed under; None for no step."""

    steps: int
    within: float
    p95: float | None
    late: int
    hours: tuple[int, ...] = ()  # late ones, oldest hour first


SINCE = "SELECT policy, hour, bound, n FROM hub.took WHERE hour >= %(since)s ORDER BY policy, hour, bound"


def kept_since(uow: UnitOfWork, targets: Mapping[str, float], now: datetime, hours: int = 24) -> dict[str, Kept]:
    """For each policy how it was kept in the last so many hours, this one included. Reads the roll-up alone."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    found: dict[str, list[tuple[datetime, float, int]]] = {}
    for policy, hour, bound, n in uow.sql(SINCE, {"since": first}):
        found.setdefault(policy, []).append((hour, bound, n))
    moments = [first + timedelta(hours=n) for n in range(hours)]
    return {policy: judged(found.get(policy, []), target, moments) for policy, target in targets.items()}


def judged(counts: Sequence[tuple[datetime, float, int]], target: float, hours: Sequence[datetime]) -> Kept:
    """Counts as (hour, bound, how many) against a target in seconds; a target between two bounds counts as broken."""
    steps = sum(n for _, _, n in counts)
    late = sum(n for _, bound, n in counts if bound > target)
    by_bound: dict[float, int] = {}
    for _, bound, n in counts:
        by_bound[bound] = by_bound.get(bound, 0) + n
    below, p95 = 0, None
    for bound in sorted(by_bound):
        below += by_bound[bound]
        if p95 is None and below >= 0.95 * steps:
            p95 = bound
    by_hour = dict.fromkeys(hours, 0)
    for hour, bound, n in counts:
        if bound > target and hour in by_hour:
            by_hour[hour] += n
    return Kept(
        steps=steps, within=1.0 - late / steps if steps else 1.0, p95=p95 if steps else None, late=late,
        hours=tuple(by_hour.values()),
    )  # fmt: skip
