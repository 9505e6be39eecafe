"""`flask deadline …` and `flask flow …`: what is waited for, and where things stand in their lives."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.flows.lives import LIVES, census, count_again, life_of
from app.infra.deadlines import STATES, DeadlineRow, call_off, move
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound
from app.kernel.written import instant_of

deadlines = Commands("deadline", help="What is to happen by a time, and what is told unless it does.")
flows = Commands("flow", help="The lifecycles that things go through, and how many stand where.")


@deadlines.command("list")
@click.option("--state", type=click.Choice(STATES), default="waiting", show_default=True)
@click.option("--overdue", is_flag=True, help="Only what is past its time and was not told yet: is a relay running?")
@click.option("--name", default="", help="What is waited for, such as release.")
@click.option("--about", default="", help="Of one thing, such as orders:<id>.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
def list_all(state: str, overdue: bool, name: str, about: str, limit: int, json_wanted: bool) -> None:
    """What flows wait for, the soonest first; with --state how the rest ended."""
    statement = select(DeadlineRow).where(DeadlineRow.state == state).order_by(DeadlineRow.due_at).limit(limit)
    if overdue:
        statement = statement.where(DeadlineRow.due_at <= hub().clock.now())
    if name:
        statement = statement.where(DeadlineRow.name == name)
    if about:
        statement = statement.where(DeadlineRow.key == about)
    with hub().unit_of_work() as uow:
        rows = [_row(row) for row in uow.session.scalars(statement)]
    columns = ("id", "name", "part", "about", "state", "due_at", "turn", "overdue")
    listed(rows, columns, json_wanted=json_wanted, nothing="No such deadline.")


@deadlines.command("show")
@click.argument("deadline_id", type=click.UUID)
@as_json
def show(deadline_id: object, json_wanted: bool) -> None:
    """Everything about DEADLINE_ID, with the fact that is told unless it happens."""
    with hub().unit_of_work() as uow:
        row = uow.session.get(DeadlineRow, str(deadline_id))
        if row is None:
            raise NotFound("deadlines.unknown", f"there is no deadline {deadline_id}", about=str(deadline_id))
        found = {
            **_row(row), "flow": row.flow, "set_at": row.set_at, "moved_by": row.moved_by, "ended_at": row.ended_at,
            "ended_by": row.ended_by, "why": row.why, "fact": row.fact_type, "payload": row.payload,
        }  # fmt: skip
    one(found, json_wanted=json_wanted)


@deadlines.command("move")
@click.argument("deadline_id", type=click.UUID)
@click.argument("to")
@click.option("--why", required=True, help="Why it has another time; kept in the audit.")
@as_json
def give_time(deadline_id: object, to: str, why: str, json_wanted: bool) -> None:
    """Let DEADLINE_ID come due at TO instead, such as 2026-11-30T17:00-05:00; without a zone it is UTC."""
    instant = instant_of(to, "to", "deadlines.past")
    with hub().unit_of_work() as uow:
        row = _row(move(uow, str(deadline_id), instant, who(), why))
    tell(f"{row['name']} of {row['about']} is due {instant:%Y-%m-%d %H:%M %Z} now.", row, json_wanted=json_wanted)


@deadlines.command("cancel")
@click.argument("deadline_id", type=click.UUID)
@click.option("--why", required=True, help="Why nobody waits for it; kept in the audit.")
@as_json
def end(deadline_id: object, why: str, json_wanted: bool) -> None:
    """Wait for DEADLINE_ID no longer: nothing is told when its time comes."""
    with hub().unit_of_work() as uow:
        row = _row(call_off(uow, str(deadline_id), who(), why))
    tell(f"{row['name']} of {row['about']} is called off.", row, json_wanted=json_wanted)


@flows.command("list")
@as_json
def list_flows(json_wanted: bool) -> None:
    """Every lifecycle, with how many things of it were counted and when."""
    with hub().unit_of_work() as uow:
        found = [(life, census(uow, life)) for life in LIVES.values()]
    rows = [
        {
            "name": life.name, "states": len(life.lifecycle.states), "counted": sum(counted.counts.values()),
            "at": counted.at, "about": life.about,
        }
        for life, counted in found
    ]  # fmt: skip
    listed(rows, ("name", "states", "counted", "at"), json_wanted=json_wanted, nothing="No lifecycle.")


@flows.command("show")
@click.argument("name")
@as_json
def show_flow(name: str, json_wanted: bool) -> None:
    """The states of lifecycle NAME, how many stand there, and where each leads by which move."""
    life = life_of(name)
    with hub().unit_of_work() as uow:
        counted = census(uow, life)
    rows = [
        {
            "state": state.value, "count": counted.counts.get(state.value),
            "moves": [f"{move} → {after}" for before, after, move in life.lifecycle.arrows if before == state],
        }
        for state in life.lifecycle.states
    ]  # fmt: skip
    listed(rows, ("state", "count", "moves"), json_wanted=json_wanted, nothing="No state.")


@flows.command("count")
@as_json
def count(json_wanted: bool) -> None:
    """Count every lifecycle's things now, instead of at the next window."""
    with hub().unit_of_work() as uow:
        count_again(uow)
        facts = {life.name: dict(census(uow, life).counts) for life in LIVES.values()}
    tell("Counted.", facts, json_wanted=json_wanted)


def _row(row: DeadlineRow) -> dict[str, Any]:
    overdue = row.state == "waiting" and row.due_at <= hub().clock.now()
    return {
        "id": row.id, "name": row.name, "part": row.part, "about": row.key, "state": row.state, "due_at": row.due_at,
        "turn": row.turn, "overdue": overdue,
    }  # fmt: skip
