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

    @property
    def states(self) -> tuple[S, ...]:
        """Every state there is, as declared."""
        return tuple(type(self.start))

    @property
    def arrows(self) -> tuple[tuple[S, S, str], ...]:
        """Every move: from, to, trigger."""
        return tuple((before, after, name) for name, arrows in self.moves.items() for before, after in arrows.items())

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
        if missing := [state.value for state in states if state not in reached]:
            found = ", ".join(missing)
            raise TypeError(f"{self.name}: no move leads to {found}: add one, or drop the state")
        for trigger, where in self.late.items():
            if trigger not in self.moves:
                raise TypeError(f"{self.name}.{trigger}: late in {sorted(where)}, and no move has that name")
            if clash := where & self.moves[trigger].keys():
                raise TypeError(f"{self.name}.{trigger}: both a move and late in {sorted(clash)}")
