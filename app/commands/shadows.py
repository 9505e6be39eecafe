"""`flask shadow …` and `flask cutover …`: what would be sent beside what was, and two ERPs field by field."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.domains.orders.queries.cut_over import cut_overs, report, table
from app.flows import cut_over
from app.infra.shadow import pairs, switch
from app.infra.web.wiring import hub

DAY = click.DateTime(formats=["%Y-%m-%d"])
shadows = Commands("shadow", help="Compute and compare, send nothing.")
cutovers = Commands("cutover", help="What an old and a new ERP hold of the same orders.")


@shadows.command("on")
@click.argument("connection")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def begin(connection: str, why: str, json_wanted: bool) -> None:
    """Make CONNECTION a shadow: whatever is to be sent to it is only recorded."""
    with hub().unit_of_work() as uow:
        switch(uow, connection, who(), why, on=True)
    said = f"{connection} is a shadow: no write leaves; what it would be is kept."
    tell(said, {"connection": connection, "shadow": True}, json_wanted=json_wanted)


@shadows.command("off")
@click.argument("connection")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def finish(connection: str, why: str, json_wanted: bool) -> None:
    """Let CONNECTION send again. What it was given as a shadow is never sent."""
    with hub().unit_of_work() as uow:
        switch(uow, connection, who(), why, on=False)
    tell(f"{connection} sends again.", {"connection": connection, "shadow": False}, json_wanted=json_wanted)


@shadows.command("report")
@click.option("--connection", default="", help="Of this shadow; all without.")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True)
@click.option("--different", is_flag=True, help="Only what is not equal.")
@as_json
def show(connection: str, days: int, different: bool, json_wanted: bool) -> None:
    """What shadows would have sent, compared with what was sent for the same fact; the newest thousand."""
    with hub().unit_of_work() as uow:
        found = pairs(uow, connection, hub().clock.now() - timedelta(days=days))
    counts = Counter(pair.verdict for pair in found)
    rows = [
        {
            "verdict": pair.verdict, "key": pair.key, "step": pair.subscriber, "shadow": pair.shadow.connection,
            "live": pair.live.connection if pair.live else "", "code": pair.shadow.code,
            "differences": [{"field": d.field, "live": d.live, "shadow": d.shadow} for d in pair.differences],
        }
        for pair in found
        if not (different and pair.verdict == "equal")
    ]  # fmt: skip
    if json_wanted:
        tell("", {"counts": dict(counts), "pairs": rows}, json_wanted=True)
        return
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()) or "Nothing yet.")
    columns = ("verdict", "key", "step", "shadow", "live", "code", "differences")
    listed(rows, columns, json_wanted=False, nothing="Nothing to show.")


@cutovers.command("begin")
@click.argument("old")
@click.argument("new")
@click.option("--from", "start", type=DAY, required=True, help="Orders placed from this day on (UTC).")
@click.option("--until", type=DAY, required=True, help="Up to before this day.")
@click.option("--company", default="")
@click.option("--channel", default="")
@as_json
def begin_report(
    old: str, new: str, start: datetime, until: datetime, company: str, channel: str, json_wanted: bool
) -> None:
    """Ask OLD and NEW what they hold of the orders that were placed in a period."""
    with hub().unit_of_work() as uow:
        made, count = cut_over.begin(
            uow, old, new, start.replace(tzinfo=UTC), until.replace(tzinfo=UTC), who(), company=company,
            channel=channel,
        )  # fmt: skip
    said = f"{count} orders are asked for at both; `flask cutover show {made}` tells how far it is."
    tell(said, {"id": made, "orders": count}, json_wanted=json_wanted)


@cutovers.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """The newest reports."""
    with hub().unit_of_work() as uow:
        rows = [
            {"id": row.id, "old": row.old, "new": row.new, "orders": row.orders, "started_at": row.started_at}
            for row in cut_overs(uow)
        ]
    listed(rows, ("id", "old", "new", "orders", "started_at"), json_wanted=json_wanted, nothing="No report yet.")


@cutovers.command("show")
@click.argument("report_id", type=click.UUID)
@click.option("--csv", "as_csv", is_flag=True, help="Every field of every order as CSV.")
@as_json
def show_report(report_id: object, as_csv: bool, json_wanted: bool) -> None:
    """One report: how many orders are equal, different, or on one side only; field by field with --csv."""
    with hub().unit_of_work() as uow:
        found = report(uow, str(report_id))
    if as_csv:
        csv.writer(sys.stdout).writerows(table(found))
        return
    row = found.cut_over
    facts = {
        "id": row.id, "old": row.old, "new": row.new, "orders": row.orders, "done": found.is_done,
        **dict(sorted(found.counts.items())),
        "differences": [
            {"order": order.name, "field": cell.field, "old": cell.old, "new": cell.new}
            for order in found.orders
            for cell in order.differences
        ],
    }  # fmt: skip
    one(facts, json_wanted=json_wanted)
