"""`flask deliveries …`: work that stands, and the two ways out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import select

from app.commands.terminal import Commands, F, as_json, listed, one, tell, who
from app.infra.letters import behind, chosen
from app.infra.replay import dismiss, replay
from app.infra.rows import STATES, AttemptRow, DeliveryRow, EventRow
from app.infra.uow import UnitOfWork
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

COLUMNS = ("id", "subscriber", "connection", "state", "attempt", "code", "next_at", "lane")

deliveries = Commands("deliveries", help="Work: what is due, running, waiting, parked or rejected.")


@deliveries.command("list")
@click.option("--state", type=click.Choice(STATES), help="Of one state; parked and rejected without.")
@click.option("--step", "subscriber", help="Of one step, such as order_to_cash.post_to_erp.")
@click.option("--connection", help="At one connection.")
@click.option("--code", help="With one error code.")
@click.option("--limit", type=click.IntRange(1, 5000), default=100, show_default=True)
@as_json
def list_all(
    state: str | None, subscriber: str | None, connection: str | None, code: str | None, limit: int, json_wanted: bool
) -> None:
    """Deliveries, oldest first; without --state those that need a person."""
    statement = select(DeliveryRow).order_by(DeliveryRow.id).limit(limit)
    statement = statement.where(DeliveryRow.state.in_([state] if state else ["parked", "rejected"]))
    given = {"subscriber": subscriber, "connection": connection, "code": code}
    for name, value in given.items():
        if value is not None:
            statement = statement.where(getattr(DeliveryRow, name) == value)
    with hub().unit_of_work() as uow:
        found = list(uow.session.scalars(statement))
    nothing = "No delivery is in that state." if state else "No dead letter: nothing is parked or rejected."
    listed([_facts(row) for row in found], COLUMNS, json_wanted=json_wanted, nothing=nothing)


@deliveries.command("show")
@click.argument("delivery_id", type=int)
@as_json
def show(delivery_id: int, json_wanted: bool) -> None:
    """One delivery with its fact and every attempt."""
    with hub().unit_of_work() as uow:
        row = uow.session.scalar(select(DeliveryRow).filter_by(id=delivery_id))
        if row is None:
            raise NotFound("deliveries.unknown", f"there is no delivery {delivery_id}", about=str(delivery_id))
        fact = uow.session.get(EventRow, row.event_id)
        tries = uow.session.scalars(
            select(AttemptRow).filter_by(event_id=row.event_id, delivery=row.id).order_by(AttemptRow.n)
        ).all()
    attempts = [
        {"n": t.n, "started_at": t.started_at, "outcome": t.outcome, "code": t.code, "said": t.said} for t in tries
    ]
    about = {"event": fact.type, "key": fact.key, "correlation_id": fact.correlation_id} if fact else {}
    if json_wanted:
        one({**_facts(row), **about, "attempts": attempts}, json_wanted=True)
        return
    one({**_facts(row), **about}, json_wanted=False)
    click.echo()
    listed(attempts, ("n", "started_at", "outcome", "code", "said"), json_wanted=False, nothing="No attempt is kept.")


def _choosing(command: F) -> F:
    """Single ids, or everything parked and rejected that matches."""
    for option in (
        click.argument("ids", type=int, nargs=-1),
        click.option("--step", "subscriber", help="All dead letters of one step."),
        click.option("--connection", help="All at one connection."),
        click.option("--code", help="All with one error code."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        as_json,
    ):
        command = option(command)
    return command


@deliveries.command("replay")
@_choosing
@click.option("--why", default="", help="Kept in the audit.")
def replay_chosen(ids: tuple[int, ...], why: str, yes: bool, json_wanted: bool, **by: str | None) -> None:
    """Let deliveries go again: IDS, or what the options match. What had its effect is found, not repeated."""
    _do("Replay", lambda uow, found: replay(uow, found, who(), why), ids, by, yes=yes, json_wanted=json_wanted)


@deliveries.command("dismiss")
@_choosing
@click.option("--why", required=True, help="Why they are not needed; kept in the audit.")
def dismiss_chosen(ids: tuple[int, ...], why: str, yes: bool, json_wanted: bool, **by: str | None) -> None:
    """End deliveries without running them: IDS, or what the options match. What waits behind them goes on."""
    _do("Dismiss", lambda uow, found: dismiss(uow, found, who(), why), ids, by, yes=yes, json_wanted=json_wanted)


def _do(
    verb: str,
    act: Callable[[UnitOfWork, list[int]], int],
    ids: tuple[int, ...],
    by: dict[str, str | None],
    *,
    yes: bool,
    json_wanted: bool,
) -> None:
    """Count first, ask, act."""
    if not ids and not any(by.values()):
        raise click.UsageError("name deliveries by id, or choose them with --step, --connection or --code")
    with hub().unit_of_work() as uow:
        found = list(ids) or chosen(uow, **by)
        waits = behind(uow, found) if found else 0
    if not found:
        tell("No dead letter matches.", {"count": 0}, json_wanted=json_wanted)
        return
    if not yes and not json_wanted:
        click.confirm(f"{verb} {len(found)} deliveries ({waits} wait behind them)?", abort=True)
    with hub().unit_of_work() as uow:
        count = act(uow, found)
    done = "set due again" if verb == "Replay" else "dismissed"
    tell(f"{count} deliveries {done}.", {"count": count, "asked": len(found)}, json_wanted=json_wanted)


def _facts(row: DeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id, "event_id": row.event_id, "subscriber": row.subscriber, "connection": row.connection,
        "queue": row.queue, "lane": row.lane, "state": row.state, "attempt": row.attempt, "in_doubt": row.in_doubt,
        "code": row.code, "next_at": row.next_at, "done_at": row.done_at,
    }  # fmt: skip
