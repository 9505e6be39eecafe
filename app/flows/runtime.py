"""How a step is declared. A step says what happens, never how it is carried: no broker, no HTTP, no Flask.

An inside step joins the transaction of its batch: `do=(uow, told)` or, where it earns it, `do_many=(uow, tolds)`. It
may return an outcome (`Ended`, `Later`); to raise costs more, since the whole batch is rolled back and run one by one.
An outside step is three functions: `plan` in a transaction, `call` in none, `record` in a transaction together with
the delivery's end. A plan that returns None has nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from app.infra.outbox import QUEUES, Subscription
from app.infra.uow import Trail, UnitOfWork
from app.kernel.events import Fact

F = TypeVar("F", bound=Fact)
P = TypeVar("P")
PlanT = TypeVar("PlanT")
AnswerT = TypeVar("AnswerT")


class Connected(Protocol):
    """A connection as a call sees it: its name and the ports its adapter offers."""

    @property
    def name(self) -> str: ...

    def port(self, wanted: type[P]) -> P: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Generic[F]):
    """One fact as delivered to one step."""

    fact: F
    trail: Trail
    event_id: int
    delivery_id: int
    connection: str = ""
    attempt: int = 1
    again: bool = False  # an earlier call may have had its effect: look before writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An inside step's word that its fact has no effect: older than what is known, or an echo."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """An inside step's word that a parent is not known yet; it runs again in so many seconds, no attempt counted."""

    code: str
    seconds: float


Outcome = Ended | Later
Row = tuple[str, str]  # (table, key): what a batch locks before its first effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Subscription):
    """A subscription with what it does."""

    fact: type[Fact]
    do: Callable[[UnitOfWork, Any], Outcome | None] | None = None
    do_many: Callable[[UnitOfWork, Sequence[Told[Any]]], Mapping[int, Outcome] | None] | None = None  # by delivery id
    rows: Callable[[UnitOfWork, Sequence[Told[Any]]], Iterable[Row]] | None = None
    plan: Callable[[UnitOfWork, Told[Any]], Any] | None = None
    call: Callable[[Connected, Any], Any] | None = None
    record: Callable[[UnitOfWork, Told[Any], Any, Any], None] | None = None
    port: type | None = None  # what `call` asks the connection for; its capability says how a repeat is recognised


@dataclass(slots=True)
class Steps:
    """Every step there is, by name and by the event it hears. Names live in the database: they never change."""

    by_name: dict[str, Step] = field(default_factory=dict)
    by_event: dict[str, list[Step]] = field(default_factory=dict)
    lanes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, step: Step) -> Step:
        if step.name in self.by_name:
            raise TypeError(f"step {step.name} is declared twice")
        if step.queue not in QUEUES:
            raise TypeError(f"step {step.name}: no queue {step.queue!r}; there are {', '.join(QUEUES)}")
        if step.lane is not None:
            where = (step.queue, step.fact.event_type.split(".", 1)[0])
            if self.lanes.setdefault(step.lane, where) != where:
                raise TypeError(f"step {step.name}: steps that share lane {step.lane!r} share queue and key")
        self.by_name[step.name] = step
        self.by_event.setdefault(step.event_type, []).append(step)
        return step


STEPS = Steps()


def step(
    name: str,
    *,
    on: type[F],
    queue: str,
    at: str = "",
    at_fact: str = "",
    ordered: bool = True,
    lane: str = "",
    latest_only: bool = False,
    optional: bool = False,
    do: Callable[[UnitOfWork, Told[F]], Outcome | None] | None = None,
    do_many: Callable[[UnitOfWork, Sequence[Told[F]]], Mapping[int, Outcome] | None] | None = None,
    rows: Callable[[UnitOfWork, Sequence[Told[F]]], Iterable[Row]] | None = None,
    plan: Callable[[UnitOfWork, Told[F]], PlanT | None] | None = None,
    call: Callable[[Connected, PlanT], AnswerT] | None = None,
    record: Callable[[UnitOfWork, Told[F], PlanT, AnswerT], None] | None = None,
    port: type | None = None,
    steps: Steps = STEPS,
) -> Step:
    """Declare a step. `at` is a role, `at_fact` the fact's attribute that names a connection; neither means inside."""
    outside = bool(at or at_fact)
    given = (plan is not None, call is not None, record is not None, port is not None)
    if outside and not all(given):
        raise TypeError(f"step {name} calls outside: it needs plan, call, record and port")
    if not outside and (any(given) or (do is None) == (do_many is None)):
        raise TypeError(f"step {name} is inside: it needs do or do_many, and nothing else")
    if latest_only and not outside:
        raise TypeError(f"step {name}: only outside steps can be latest_only")
    if not outside and lane:
        raise TypeError(f"step {name}: only outside steps share a lane")
    if not ordered and lane:
        raise TypeError(f"step {name}: an unordered step has no lane")
    return steps.add(
        Step(
            name=name, event_type=on.event_type, fact=on, queue=queue, role=at, connection_from=at_fact,
            lane=(lane or name) if ordered else None, latest_only=latest_only, optional=optional,
            do=do, do_many=do_many, rows=rows, plan=plan, call=call, record=record, port=port,
        )
    )  # fmt: skip
