"""`flask deliveries …`: work that stands, and the two ways out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TextIO

import click
from sqlalchemy import select

from app.commands.terminal import Commands, F, as_json, listed, one, tell, who
from app.infra.locate import locate
from app.infra.replay.again import dismiss, replay
from app.infra.replay.edits import check_edit, edit_payload, payload_of, put
from app.infra.replay.letters import MOST_AT_ONCE, behind, chosen
from app.infra.rows import STATES, AttemptRow, DeliveryRow
from app.infra.uow import UnitOfWork
from app.infra.web.wiring import hub

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
        row, fact = payload_of(uow, next(iter(locate(uow, [delivery_id])), (0, delivery_id)))
        tries = uow.session.scalars(
            select(AttemptRow).filter_by(event_id=row.event_id, delivery=row.id).order_by(AttemptRow.n)
        ).all()
    attempts = [
        {"n": t.n, "started_at": t.started_at, "outcome": t.outcome, "code": t.code, "said": t.said} for t in tries
    ]
    about = {"event": fact.type, "key": fact.key, "correlation_id": fact.correlation_id}
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


@deliveries.command("edit")
@click.argument("delivery_id", type=int)
@click.option("--file", "file", type=click.File(), help="The payload as JSON, `-` reads it from standard input.")
@click.option("--set", "pairs", multiple=True, metavar="FIELD=JSON", help="One field of it, several times.")
@click.option("--why", required=True, help="Kept with the payload before and after.")
@click.option("--no-replay", is_flag=True, help="Leave it set aside.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def edit(
    delivery_id: int, file: TextIO | None, pairs: tuple[str, ...], why: str, no_replay: bool, yes: bool,
    json_wanted: bool,
) -> None:  # fmt: skip
    """Let one set-aside delivery run with another payload. The fact stays as it was told, for every other step."""
    with hub().unit_of_work() as uow:
        key = next(iter(locate(uow, [delivery_id])), (0, delivery_id))
        row, fact = payload_of(uow, key)
        after = _payload(file, pairs, row.edited if row.edited is not None else fact.payload)
        shown = check_edit(uow, key, after)
    changes = [asdict(change) for change in shown.changes]
    if not yes and not json_wanted:
        listed(changes, ("path", "before", "after"), json_wanted=False, nothing="")
        click.confirm("Edit it so?" if no_replay else "Edit it so, and let it go again?", abort=True)
    with hub().unit_of_work() as uow:
        edit_payload(uow, key, after, who(), why, replays=not no_replay)
    tell(f"{len(changes)} fields edited.", {"delivery": delivery_id, "changes": changes}, json_wanted=json_wanted)


def _payload(file: TextIO | None, pairs: tuple[str, ...], before: Mapping[str, Any]) -> Any:
    """The payload that is meant: a whole document, or fields of the one that is there."""
    if (file is None) == (not pairs):
        raise click.UsageError("give the payload with --file, or fields of it with --set")
    try:
        if file is not None:
            return json.load(file)
        after = json.loads(json.dumps(dict(before)))
        for pair in pairs:
            path, _, value = pair.partition("=")
            put(after, path, json.loads(value))
        return after
    except (ValueError, LookupError, TypeError) as wrong:
        raise click.UsageError(f"{wrong}: give JSON, such as quantity=3 or lines.0.sku='\"TEE-M\"'") from wrong


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
    if not ids and len(found) == MOST_AT_ONCE:
        raise click.UsageError(f"{MOST_AT_ONCE} or more match: `flask replay start` takes up to 100,000, as a run")
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
        "code": row.code, "next_at": row.next_at, "done_at": row.done_at, "edited": row.edited is not None,
    }  # fmt: skip
