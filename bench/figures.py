"""What a figure is: a name, a goal, and a function that measures it against a baseline of the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement. `baseline` is what it was measured against, in its own unit, where there is one."""

    value: float
    baseline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A named figure. `at_least` says on which side of the goal it is met."""

    name: str
    unit: str
    goal: float
    at_least: bool

    def line(self, measured: Measured) -> str:
        """The figure as one JSON line."""
        met = measured.value >= self.goal if self.at_least else measured.value <= self.goal
        return json.dumps(
            {
                "name": self.name,
                "value": round(measured.value, 3),
                "unit": self.unit,
                "baseline": None if measured.baseline is None else round(measured.baseline, 3),
                "goal": self.goal,
                "met": met,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Some figures that one run measures together."""

    figures: tuple[Figure, ...]
    run: Callable[[], dict[str, Measured]]


def more(name: str, unit: str, goal: float) -> Figure:
    return Figure(name=name, unit=unit, goal=goal, at_least=True)


def less(name: str, unit: str, goal: float) -> Figure:
    return Figure(name=name, unit=unit, goal=goal, at_least=False)
