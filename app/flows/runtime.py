"""How a step is declared. A step says what happens, never how it is carried: no broker, no HTTP, no Flask.

An inside step joins the transaction of its batch: `do=(uow, told)` or, where it earns it, `do_many=(uow, tolds)`. It
may return an outcome (`Ended`, `Later`); to raise costs more, since the whole batch is rolled back and run one by one.
An outside step is three functions: `plan` in a transaction, `call` in none, `record` in a transaction together with
the delivery's end. A plan that returns None has nothing to do. Where it earns it, `plan_many` and `record_many` do so
for all that one round claimed, or brought back, with statements over arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from app.infra.flags import FLAGS
from app.infra.outbox import QUEUES, Subscription
from app.infra.uow import Trail, UnitOfWork
from app.kernel.events import Fact

F = TypeVar("F", bound=Fact)
P = TypeVar("P")
A = TypeVar("A")
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
class Answered(Generic[F, P, A]):
    """What a call planned for one fact came back with."""

    told: Told[F]
    plan: P
    answer: A


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
    plan_many: Callable[[UnitOfWork, Sequence[Told[Any]]], Sequence[Any]] | None = None  # a plan, or None, for each
    record_many: Callable[[UnitOfWork, Sequence[Answered[Any, Any, Any]]], None] | None = None
    port: type | None = None  # what `call` asks the connection for; its capability says how a repeat is recognised
    happened: Callable[[Any, str], Any] | None = None  # the answer that a person's document number stands for

    def plans(self, uow: UnitOfWork, tolds: Sequence[Told[Any]]) -> Sequence[Any]:
        """What to call with for each, in their order; None where there is nothing to do."""
        if self.plan_many is not None:
            uow.trail = tolds[0].trail
            return self.plan_many(uow, tolds)
        assert self.plan is not None
        plans = []
        for told in tolds:
            uow.trail = told.trail
            plans.append(self.plan(uow, told))
        return plans

    def records(self, uow: UnitOfWork, answered: Sequence[Answered[Any, Any, Any]]) -> None:
        """Write down what came back, in its order."""
        if self.record_many is not None:
            uow.trail = answered[0].told.trail
            self.record_many(uow, answered)
            return
        assert self.record is not None
        for one in answered:
            uow.trail = one.told.trail
            self.record(uow, one.told, one.plan, one.answer)


@dataclass(slots=True)
class Steps:
    """Every step there is, by name and by the event it hears. Names live in the database: they never change."""

    by_name: dict[str, Step] = field(default_factory=dict)
    by_event: dict[str, list[Step]] = field(default_factory=dict)
    lanes: dict[str, tuple[str, str]] = field(default_factory=dict)
    retired: dict[str, str] = field(default_factory=dict)  # steps that are gone, and what does their work now

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
    plan_many: Callable[[UnitOfWork, Sequence[Told[F]]], Sequence[PlanT | None]] | None = None,
    record_many: Callable[[UnitOfWork, Sequence[Answered[F, PlanT, AnswerT]]], None] | None = None,
    port: type | None = None,
    happened: Callable[[PlanT, str], AnswerT] | None = None,
    domain: str = "",
    flag: str = "",
    reads: bool = False,
    steps: Steps = STEPS,
) -> Step:
    """Declare a step. `at` is a role, `at_fact` the fact's attribute that names a connection; neither means inside.

    With both, whom the fact names comes first. `domain` is the fact's own unless it is said; `flag` closes the step;
    one that only `reads` is called at a shadow as anywhere. `happened` makes the answer to record where a person says
    by its number that an unanswered call had its effect.
    """
    made = Step(
        name=name, event_type=on.event_type, fact=on, queue=queue, role=at, connection_from=at_fact,
        lane=(lane or name) if ordered else None, latest_only=latest_only, optional=optional, do=do, do_many=do_many,
        rows=rows, plan=plan, call=call, record=record, plan_many=plan_many, record_many=record_many, port=port,
        happened=happened, domain=domain or on.event_type.split(".", 1)[0], flag=flag, reads=reads,
    )  # fmt: skip
    _check(made, shares=bool(lane), ordered=ordered)
    return steps.add(made)


def _check(made: Step, *, shares: bool, ordered: bool) -> None:
    """Refuse a declaration that says two things, or not enough."""
    name = made.name
    planned = (made.plan is None) != (made.plan_many is None)
    recorded = (made.record is None) != (made.record_many is None)
    given = (planned, made.call is not None, recorded, made.port is not None)
    if made.outside and not all(given):
        raise TypeError(f"step {name} calls outside: it needs plan or plan_many, call, record or record_many, and port")
    if not made.outside and (any(given) or (made.do is None) == (made.do_many is None)):
        raise TypeError(f"step {name} is inside: it needs do or do_many, and nothing else")
    if made.latest_only and not made.outside:
        raise TypeError(f"step {name}: only outside steps can be latest_only")
    if not made.outside and shares:
        raise TypeError(f"step {name}: only outside steps share a lane")
    if made.flag and (made.flag not in FLAGS or not made.outside):
        raise TypeError(f"step {name}: {made.flag!r} is no flag, or nothing of it goes outside: {sorted(FLAGS)}")
    if not ordered and shares:
        raise TypeError(f"step {name}: an unordered step has no lane")


def retired(name: str, why: str, *, steps: Steps = STEPS) -> None:
    """Declare that a step is gone on purpose: what is still queued for it ends, where else it would be a case."""
    if name in steps.by_name:
        raise TypeError(f"step {name} is retired and declared")
    steps.retired[name] = why
