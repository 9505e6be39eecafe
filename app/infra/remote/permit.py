"""What one call may use of its connection's quotas, and what it used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from app.infra.remote.quota import Grant, Settled
from app.infra.remote.quotas import Report

PATIENCE_SECONDS = 2.0  # a call under way waits no longer for its quota, all its requests together


@dataclass(slots=True)
class _Part:
    at: float
    granted: dict[str, float]


@dataclass(slots=True)
class Permit:
    """What one call may use. Belongs to one thread at a time."""

    purpose: str
    probe: bool = False
    parts: list[_Part] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    settled_before: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    patience: float = PATIENCE_SECONDS
    wrote: bool = False
    refused: bool = False
    after: float = 0.0

    def add(self, grant: Grant, amounts: Mapping[str, float]) -> None:
        """Take in what was granted for one call or request."""
        self.parts.append(_Part(grant.at, dict(amounts)))
        for name, amount in amounts.items():
            self.left[name] = self.left.get(name, 0.0) + amount

    def draw(self, amounts: Mapping[str, float]) -> bool:
        """Use so much of what is left, or nothing."""
        if any(self.left.get(name, 0.0) < amount - 1e-9 for name, amount in amounts.items()):
            return False
        for name, amount in amounts.items():
            self.left[name] -= amount
            used = self.settled_before.get(name, 0.0) + self.spent.get(name, 0.0)
            self.peak[name] = max(self.peak.get(name, 0.0), used + amount)
        return True

    def took(self, drawn: Mapping[str, float], spent: Mapping[str, float]) -> None:
        """A request is over: what it did not need is left again."""
        for name, amount in drawn.items():
            used = spent.get(name, 0.0)
            self.left[name] += amount - used
            self.spent[name] = self.spent.get(name, 0.0) + used

    @property
    def begun(self) -> bool:
        return bool(self.spent or self.settled_before)

    def cut(self, kept: frozenset[str]) -> list[Settled]:
        """Settle what was used so far before more is taken, but for what the whole call holds: else a call could wait
        for what it holds itself."""
        over = [
            replace(one, granted=_without(one.granted, kept), spent=_without(one.spent, kept)) for one in self.settled()
        ]
        for name, amount in self.spent.items():
            self.settled_before[name] = self.settled_before.get(name, 0.0) + amount
        self.spent, self.left, self.reports = {}, {}, {}
        self.parts = [
            _Part(part.at, held)
            for part in self.parts
            if (held := {name: amount for name, amount in part.granted.items() if name in kept})
        ]
        return over

    def settled(self) -> Iterator[Settled]:
        """What became of each part; the last one carries what is over, and what the remote said."""
        rest = dict(self.spent)
        for number, part in enumerate(self.parts):
            last = number == len(self.parts) - 1
            spent = {n: rest.get(n, 0.0) if last else min(a, rest.get(n, 0.0)) for n, a in part.granted.items()}
            for name, amount in spent.items():
                rest[name] = rest.get(name, 0.0) - amount
            made = Settled(purpose=self.purpose, at=part.at, granted=part.granted, spent=spent)
            yield replace(made, reports=self.reports, refused=self.refused, after=self.after) if last else made


def _without(amounts: Mapping[str, float], names: frozenset[str]) -> dict[str, float]:
    return {name: amount for name, amount in amounts.items() if name not in names}
