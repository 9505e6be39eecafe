"""`flask retention …` and `flask storage …`: how long the record is kept, what leaves, and how the database grows."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.infra.acts import record_act
from app.infra.retention.ages import AGES, forgotten, prune
from app.infra.retention.leaving import GRACE, leave, put_back
from app.infra.retention.policy import plan, policies, set_policy
from app.infra.retention.storage import outlook, sample, sizes
from app.infra.retention_rows import KINDS, RetiredPartition
from app.infra.web.wiring import hub
from app.kernel.errors import Refused

MB = 1_000_000
HOUR = timedelta(hours=1)

retention = Commands("retention", help="How long messages, facts, deliveries and attempts are kept.")
storage = Commands("storage", help="What the database takes, and how it grows.")


@retention.command("policy")
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option("--days", type=click.IntRange(1, 3650), help="Keep it so many days.")
@click.option("--archive/--no-archive", default=None, help="Whether it is written to HUB_ARCHIVE before it is dropped.")
@as_json
def policy(kind: str | None, days: int | None, archive: bool | None, json_wanted: bool) -> None:
    """Show how long each kind is kept, or change it for KIND."""
    with hub().unit_of_work() as uow:
        kept = policies(uow)
        if kind and (days is not None or archive is not None):
            days = kept[kind].keep_days if days is None else days
            kept[kind] = set_policy(
                uow, kind, who(), keep_days=days, archive=kept[kind].archive if archive is None else archive
            )
        shown = [asdict(one) for name, one in kept.items() if kind in (None, name)]
    listed(shown, ("kind", "keep_days", "archive"), json_wanted=json_wanted, nothing="")


@retention.command("ages")
@as_json
def show_ages(json_wanted: bool) -> None:
    """Small records with an age of their own: for how long, why, and how many rows have gone so far."""
    with hub().unit_of_work() as uow:
        gone = forgotten(uow)
    rows = [
        {"table": one.table, "what": one.what, "hours": round(one.age / HOUR), "why": one.why,
         "forgotten": gone.get(one.table, 0)}
        for one in AGES
    ]  # fmt: skip
    listed(rows, ("table", "what", "hours", "forgotten", "why"), json_wanted=json_wanted, nothing="")


@retention.command("prune")
@as_json
def prune_now(json_wanted: bool) -> None:
    """Delete now what is past its age; a relay does so every five minutes."""
    gone = prune(hub(), threading.Event())
    if gone is None:
        raise Refused("retention.running", "another process prunes at this moment; nothing is left to do")
    rows = [{"table": table, "rows": rows} for table, rows in gone.items()]
    listed(rows, ("table", "rows"), json_wanted=json_wanted, nothing="Nothing is past its age.")


@retention.command("plan")
@as_json
def show_plan(json_wanted: bool) -> None:
    """What would leave now, what not yet, and why. Changes nothing."""
    with hub().unit_of_work() as uow:
        found = plan(uow)
        rows = [{**asdict(one), "goes": one.goes, "mb": round(one.bytes / MB, 1)} for one in found]
    columns = ("kind", "name", "mb", "rows", "newest_at", "goes_on", "goes", "why_not")
    listed(rows, columns, json_wanted=json_wanted, nothing="Nothing is full or past: every partition is in use.")
    if not json_wanted:
        going = [one for one in found if one.goes]
        click.echo(f"\n{len(going)} would leave now, {sum(one.bytes for one in going) / MB:,.1f} MB.")


@retention.command("run")
@click.option("--hours", type=click.FloatRange(0.01, 24), default=4.0, show_default=True, help="Stop after so long.")
@click.option("--at-once", is_flag=True, help="Drop what is detached without waiting for the next night.")
@as_json
def run(hours: float, at_once: bool, json_wanted: bool) -> None:
    """Let leave what policies say, piece by piece, while the hub works on; Ctrl-C stops after the piece in hand."""
    until = hub().clock.now() + timedelta(hours=hours)
    done = leave(hub(), threading.Event(), until, grace=timedelta(0) if at_once else GRACE)
    if done is None:
        raise Refused("retention.running", "another process lets partitions leave at this moment; try again later")
    with hub().unit_of_work() as uow:
        facts = {"pieces": len(done), "at_once": at_once}
        record_act(uow, who(), "ran retention", kind="retention", key="run", facts=facts)
    rows = [asdict(piece) for piece in done if piece.did != "thinned"]
    listed(rows, ("did", "kind", "name", "bytes", "said"), json_wanted=json_wanted, nothing="Nothing was to leave.")
    if any(piece.did == "failed" for piece in done):
        raise SystemExit(1)


@retention.command("left")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
def left(limit: int, json_wanted: bool) -> None:
    """What has left, and where its archive lies."""
    statement = select(RetiredPartition).order_by(RetiredPartition.marked_at.desc()).limit(limit)
    with hub().unit_of_work() as uow:
        rows = [_facts(row) for row in uow.session.scalars(statement)]
    columns = ("name", "state", "rows", "bytes", "newest_at", "dropped_at", "file", "sha256")
    listed(rows, columns, json_wanted=json_wanted, nothing="Nothing has left yet.")


@retention.command("restore")
@click.argument("name")
@as_json
def restore(name: str, json_wanted: bool) -> None:
    """Attach the detached partition NAME to its table again, while it is not dropped."""
    with hub().unit_of_work() as uow:
        kind = put_back(uow, name)
        record_act(uow, who(), "put a partition back", kind="retention", key=name)
    tell(f"{name} is part of {kind} again.", {"name": name, "kind": kind}, json_wanted=json_wanted)


@storage.command("show")
@as_json
def show(json_wanted: bool) -> None:
    """The largest tables, their growth, and the days until HUB_STORAGE_GB is reached."""
    with hub().unit_of_work() as uow:
        whole, found = outlook(uow), sizes(uow)
    rows: list[dict[str, Any]] = [
        {**asdict(s), "mb": round(s.bytes / MB, 1), "mb_a_day": round(s.growth / MB, 2)} for s in found
    ]
    facts = {
        "bytes": whole.bytes, "limit": whole.limit or None, "bytes_a_day": round(whole.growth),
        "days_left": None if whole.days is None else round(whole.days, 1), "filling": whole.filling,
    }  # fmt: skip
    if json_wanted:
        one({**facts, "tables": rows}, json_wanted=True)
        return
    one(facts, json_wanted=False)
    click.echo()
    listed(rows, ("name", "mb", "mb_a_day", "rows", "partitions"), json_wanted=False, nothing="No table yet.")


@storage.command("sample")
@as_json
def take_sample(json_wanted: bool) -> None:
    """Keep today's sizes now; a relay does so by the hour."""
    taken = sample(hub())
    said = "Sampled." if taken else "Another process is sampling at this moment."
    tell(said, {"sampled": taken}, json_wanted=json_wanted)


def _facts(row: RetiredPartition) -> dict[str, Any]:
    names = (
        "name", "kind", "state", "low", "high", "rows", "bytes", "newest_at", "marked_at", "detached_at",
        "archived_at", "dropped_at", "file", "sha256",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}
