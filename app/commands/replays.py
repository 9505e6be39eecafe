"""`flask replay …`: let all deliveries that match a filter go again, counted and sampled first, at a rate."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import Any

import click

from app.commands.runs import facts_of
from app.commands.terminal import Commands, F, as_json, listed, one, tell, who
from app.infra.replay.many import RATE, REPLAY, begin_replay, survived
from app.infra.replay.selection import MOST_REPLAYED, REPLAYABLE, SET_ASIDE, Filter, Preview, preview
from app.infra.runs.rows import runs as newest
from app.infra.runs.work import run_of
from app.infra.web.wiring import hub

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
FOUND = ("step", "connection", "state", "code", "count")
SAMPLE = ("event_id", "id", "state", "step", "connection", "code", "key", "at")

replay = Commands("replay", help="Replay by filter: up to 100,000 deliveries, as a run with progress and a stop.")


def _filtering(command: F) -> F:
    for option in (
        click.option("--state", "states", multiple=True, type=click.Choice(REPLAYABLE),
                     help="Of this state, several times; parked and rejected without."),
        click.option("--connection", default="", help="At this connection, or come from it."),
        click.option("--topic", default="", help="Of this event type, or this webhook topic."),
        click.option("--step", default="", help="For this step, such as order_to_cash.post_to_erp."),
        click.option("--code", default="", help="With this error code."),
        click.option("--key", default="", help="About this object, such as orders:<id>."),
        click.option("--since", type=MOMENT, help="Told at or after this time, in UTC."),
        click.option("--until", type=MOMENT, help="Told before this time, in UTC."),
        as_json,
    ):  # fmt: skip
        command = option(command)
    return command


@replay.command("preview")
@_filtering
def preview_all(json_wanted: bool, **given: Any) -> None:
    """Count what would go again, and show a sample. Changes nothing."""
    with hub().unit_of_work() as uow:
        found = preview(uow, _filter(given))
    if json_wanted:
        one({**asdict(found), "done_already": found.done_already, "too_many": found.too_many}, json_wanted=True)
        return
    _say(found)
    click.echo()
    listed(found.sample, SAMPLE, json_wanted=False, nothing="There is nothing to replay.")


@replay.command("start")
@_filtering
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), default=RATE, show_default=True, help="Deliveries a second."
)
@click.option("--unpaced", is_flag=True, help="As fast as it can, instead of --rate.")
@click.option("--why", default="", help="Kept in the audit.")
@click.option("--yes", is_flag=True, help="Do not ask.")  # fmt: skip
def start(rate: float, unpaced: bool, why: str, yes: bool, json_wanted: bool, **given: Any) -> None:
    """Let what matches go again. What had its effect is found at the other side, not repeated."""
    wanted = _filter(given)
    if not yes and not json_wanted:
        with hub().unit_of_work() as uow:
            found = preview(uow, wanted)
        _say(found)
        if found.count:
            click.confirm(f"Replay {found.count} deliveries?", abort=True)
    with hub().unit_of_work() as uow:
        run_id = begin_replay(uow, wanted, who(), why, rate=None if unpaced else rate)
        row = run_of(uow, run_id)
    tell(f"Run {run_id} replays {row.total} deliveries.", {"run": run_id, "total": row.total}, json_wanted=json_wanted)


@replay.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@as_json
def list_all(limit: int, json_wanted: bool) -> None:
    """Replays, the newest first."""
    with hub().unit_of_work() as uow:
        found = newest(uow, kind=REPLAY, most=limit)
    columns = ("id", "title", "state", "done", "total", "who", "created_at")
    listed([facts_of(row) for row in found], columns, json_wanted=json_wanted, nothing="No replay yet.")


@replay.command("show")
@click.argument("run_id", type=click.UUID)
@as_json
def show(run_id: object, json_wanted: bool) -> None:
    """What became of what RUN_ID has set going: ended, under way, or set aside again, by code."""
    with hub().unit_of_work() as uow:
        row, after = run_of(uow, str(run_id)), survived(uow, str(run_id))
    by = [{"state": state, "code": code, "count": count} for state, code, count in after.by]
    facts = {
        **facts_of(row), "released": after.released, "ended": after.ended, "under_way": after.under_way,
        "set_aside_again": after.set_aside,
    }  # fmt: skip
    if json_wanted:
        one({**facts, "by": by}, json_wanted=True)
        return
    one(facts, json_wanted=False)
    click.echo()
    listed(by, ("state", "code", "count"), json_wanted=False, nothing="It has set nothing going yet.")


def _filter(given: dict[str, Any]) -> Filter:
    since, until = (given[name].replace(tzinfo=UTC) if given[name] else None for name in ("since", "until"))
    words = {name: given[name] for name in ("connection", "topic", "step", "code", "key")}
    return Filter(states=tuple(given["states"]) or SET_ASIDE, since=since, until=until, **words)


def _say(found: Preview) -> None:
    rows = [asdict(group) for group in found.groups]
    listed(rows, FOUND, json_wanted=False, nothing="No delivery matches.")
    if found.done_already:
        click.echo(f"{found.done_already} of them had their effect: they are looked up, not repeated.")
    if found.too_many:
        click.echo(f"More than {MOST_REPLAYED:,} match: narrow the filter.")
