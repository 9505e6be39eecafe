"""The kinds of runs that flows declare, and the fact that turns them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.infra.runs.rows import RunRow
from app.kernel.errors import NotFound
from app.kernel.events import Fact, event


@event("hub.run_turned", version=1, key="run_id")
class RunTurned(Fact):
    """The next page of a run may be done. A turn that is not the run's present one has no effect."""

    run_id: str
    turn: int
    connection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKind:
    """A kind of run. `step` hears `fact`, which takes run_id, turn and connection; outside kinds have one of their own.

    `outside` kinds turn at the run's connection.
    """

    name: str
    title: str
    step: str
    fact: type[Any] = RunTurned
    outside: bool = False


KINDS: dict[str, RunKind] = {}


def declare(kind: RunKind) -> RunKind:
    """Make a kind of run known. Raises TypeError where its name is taken."""
    if KINDS.setdefault(kind.name, kind) != kind:
        raise TypeError(f"run kind {kind.name} is declared twice")
    return kind


def kind_of(row: RunRow) -> RunKind:
    """Raises NotFound(`runs.unknown_kind`) for a kind of another release."""
    return known_kind(row.kind)


def known_kind(kind: str) -> RunKind:
    """Raises NotFound(`runs.unknown_kind`)."""
    if kind not in KINDS:
        raise NotFound(
            "runs.unknown_kind", f"there is no kind of run {kind!r}; there are {', '.join(sorted(KINDS))}", about=kind
        )
    return KINDS[kind]


def lane_of(row: RunRow) -> str:
    """The lane in which a run's turns follow one another."""
    kind = kind_of(row)
    return f"{kind.step}|{row.connection if kind.outside else ''}|{kind.fact.event_type.split('.', 1)[0]}:{row.id}"
