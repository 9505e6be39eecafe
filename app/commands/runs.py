"""`flask runs …`: long work that goes on page by page, and how to stop it, resume it and pace it."""

from __future__ import annotations

from typing import Any

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.infra.runs.rows import RUN_STATES, RunRow, items_of
from app.infra.runs.rows import runs as newest
from app.infra.runs.work import change_rate, resume_run, run_of, stop_run, turn_of
from app.infra.web.wiring import hub

COLUMNS = ("id", "kind", "title", "state", "done", "total", "set_aside", "rate", "who", "created_at")
MOST_SHOWN = 1000  # of what a run set aside

runs = Commands("runs", help="Runs: replays, imports and other long work, with progress, stop and resume.")


@runs.command("list")
@click.option("--kind", default="", help="Of one kind, such as replay.")
@click.option("--state", type=click.Choice(RUN_STATES), default=None, help="Of one state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@as_json
def list_all(kind: str, state: str | None, limit: int, json_wanted: bool) -> None:
    """Runs, the newest first."""
    with hub().unit_of_work() as uow:
        found = newest(uow, kind=kind, state=state or "", most=limit)
    listed([facts_of(row) for row in found], COLUMNS, json_wanted=json_wanted, nothing="No run yet.")


@runs.command("show")
@click.argument("run_id", type=click.UUID)
@as_json
def show(run_id: object, json_wanted: bool) -> None:
    """One run: what it is to do, how far it is, and what it set aside."""
    with hub().unit_of_work() as uow:
        row = run_of(uow, str(run_id))
        turn = turn_of(uow, row)
        items = [
            {"key": item.key, "outcome": item.outcome, "code": item.code, "said": item.said, "at": item.at}
            for item in items_of(uow, row.id, most=MOST_SHOWN)
        ]
    facts = {**facts_of(row), "turn": turn}
    if json_wanted:
        one({**facts, "items": items}, json_wanted=True)
        return
    one(facts, json_wanted=False)
    click.echo()
    listed(items, ("key", "outcome", "code", "said"), json_wanted=False, nothing="It set nothing aside.")


@runs.command("stop")
@click.argument("run_id", type=click.UUID)
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def stop(run_id: object, why: str, json_wanted: bool) -> None:
    """Stop RUN_ID: at once, or after the call that it has under way. What is done stays done."""
    with hub().unit_of_work() as uow:
        state = stop_run(uow, str(run_id), who(), why)
    tell(f"The run is {state}.", {"id": run_id, "state": state}, json_wanted=json_wanted)


@runs.command("resume")
@click.argument("run_id", type=click.UUID)
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def resume(run_id: object, why: str, json_wanted: bool) -> None:
    """Let RUN_ID go on at its checkpoint: one that was stopped, failed, or whose turn was set aside."""
    with hub().unit_of_work() as uow:
        resume_run(uow, str(run_id), who(), why)
    tell("The run goes on.", {"id": run_id, "state": "waiting"}, json_wanted=json_wanted)


@runs.command("pace")
@click.argument("run_id", type=click.UUID)
@click.option("--rate", type=float, help="Things a second; without it as fast as it can.")
@as_json
def pace(run_id: object, rate: float | None, json_wanted: bool) -> None:
    """Let RUN_ID go faster or slower from its next turn on."""
    with hub().unit_of_work() as uow:
        change_rate(uow, str(run_id), rate, who())
    said = f"{rate:g} a second." if rate else "As fast as it can."
    tell(said, {"id": run_id, "rate": rate}, json_wanted=json_wanted)


def facts_of(row: RunRow) -> dict[str, Any]:
    """A run as lists and programs see it."""
    names = (
        "id", "kind", "title", "state", "connection", "spec", "total", "done", "set_aside", "counts", "checkpoint",
        "rate", "who", "why", "said", "created_at", "started_at", "ended_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}
