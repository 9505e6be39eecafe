"""How a kind of run is declared: its flow says what one page does; the runtime turns it, page after page.

An inside kind is one function in the transaction of its turn. An outside kind is plan, call and record, as any outside
step; a plan of None ends the run. Whatever a page raises is settled as for any delivery: a passing failure is tried
again, and what needs a person sets the turn aside with a case, until the run is resumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.flows.runtime import STEPS, Connected, Steps, Told, step
from app.infra.runs.kinds import RunKind, RunTurned, declare
from app.infra.runs.work import Page, Run, begin_turn, end_turn, holds_turn
from app.infra.uow import UnitOfWork

PlanT = TypeVar("PlanT")
AnswerT = TypeVar("AnswerT")
INSIDE = "runs.turn"
PAGES: dict[str, Callable[[UnitOfWork, Run], Page]] = {}


def turn(uow: UnitOfWork, told: Told[RunTurned]) -> None:
    """One page of an inside run. A turn that is not the run's present one has no effect."""
    run = begin_turn(uow, told.fact)
    if run is not None:
        end_turn(uow, run.id, run.turn, PAGES[run.kind](uow, run))


def declare_turns(steps: Steps) -> None:
    """Declare the step that turns every inside run."""
    step(INSIDE, on=RunTurned, queue="bulk", do=turn, steps=steps)


declare_turns(STEPS)


def inside_run(name: str, *, title: str, page: Callable[[UnitOfWork, Run], Page]) -> RunKind:
    """Declare a kind of run whose pages are done in the hub's own database."""
    PAGES[name] = page
    return declare(RunKind(name=name, title=title, step=INSIDE))


def outside_run(
    name: str,
    *,
    title: str,
    fact: type[Any],
    port: type,
    plan: Callable[[UnitOfWork, Run], PlanT | None],
    call: Callable[[Connected, PlanT], AnswerT],
    record: Callable[[UnitOfWork, Run, PlanT, AnswerT], Page],
    steps: Steps = STEPS,
) -> RunKind:
    """Declare a kind of run whose pages come from its connection.

    `fact` is an event of the flow's own, with key `run_id` and the fields run_id, turn and connection, as RunTurned.
    """

    def plan_turn(uow: UnitOfWork, told: Told[Any]) -> tuple[Run, PlanT] | None:
        run = begin_turn(uow, told.fact, lock=False)
        if run is None:
            return None
        planned = plan(uow, run)
        if planned is None:
            end_turn(uow, run.id, run.turn, Page(checkpoint=run.checkpoint, finished=True))
            return None
        return run, planned

    def call_turn(connection: Connected, planned: tuple[Run, PlanT]) -> AnswerT:
        return call(connection, planned[1])

    def record_turn(uow: UnitOfWork, told: Told[Any], planned: tuple[Run, PlanT], answer: AnswerT) -> None:
        run, given = planned
        if holds_turn(uow, run):
            end_turn(uow, run.id, run.turn, record(uow, run, given, answer))

    step(
        f"{name}.turn", on=fact, queue="bulk", at_fact="connection", port=port, plan=plan_turn, call=call_turn,
        record=record_turn, steps=steps,
    )  # fmt: skip
    return declare(RunKind(name=name, title=title, step=f"{name}.turn", fact=fact, outside=True))
