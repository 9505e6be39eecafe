"""State as a table: one place to read, checked when the module is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from app.kernel.errors import Refused

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Move(Generic[S]):
    """Where a trigger leads. `moved` is False for a late or repeated message: nothing to do and nothing wrong."""

    state: S
    moved: bool


class Lifecycle(Generic[S]):
    """A transition table with three outcomes: move, late, refused (`<name>.illegal_move`)."""

    def __init__(
        self,
        name: str,
        *,
        start: S,
        moves: Mapping[str, Mapping[S, S]],
        late: Mapping[str, frozenset[S]],
    ) -> None:
        self.name, self.start, self.moves, self.late = name, start, moves, late
        self._check(type(start))

    def step(self, state: S, trigger: str) -> Move[S]:
        if target := self.moves[trigger].get(state):
            return Move(target, moved=True)
        if state in self.late.get(trigger, frozenset()):
            return Move(state, moved=False)
        raise Refused(f"{self.name}.illegal_move", f"{trigger} while {state}", state=str(state), trigger=trigger)

    def _check(self, states: type[S]) -> None:
        reached, frontier = {self.start}, [self.start]
        while frontier:
            here = frontier.pop()
            for arrows in self.moves.values():
                if (there := arrows.get(here)) and there not in reached:
                    reached.add(there)
                    frontier.append(there)
        if missing := set(states) - reached:
            raise TypeError(f"{self.name}: unreachable {sorted(missing)}")
        for trigger, where in self.late.items():
            if clash := where & self.moves[trigger].keys():
                raise TypeError(f"{self.name}.{trigger}: both a move and late in {sorted(clash)}")
