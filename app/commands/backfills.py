"""`flask backfill`, `flask gaps`, `flask subscription`: what a remote held, never told, and tells."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.commands.runs import COLUMNS, facts_of
from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.orders.service import Post
from app.flows import acceptance, gap_scan
from app.flows.backfill_wish import KIND, RANGE, RATE, Prepared, Wish, begin, begin_again, prepare
from app.flows.subscription_watch import address_of, look_after
from app.infra.remote.history import By
from app.infra.remote.spec import SubscriptionKeeper
from app.infra.runs.rows import runs as newest
from app.infra.watch import scans, subscriptions_of
from app.infra.web.wiring import hub
from app.kernel.errors import Refused
from app.kernel.written import instant_of

backfills = Commands("backfill", help="Take in what a connection held before, or while nobody listened.")
gaps = Commands("gaps", help="Look for what webhooks missed, and fetch it once.")
subscriptions = Commands("subscription", help="What remotes tell the hub by themselves, watched and mended.")
why_option = click.option("--why", default="", help="Kept in the audit.")
rate_option = click.option("--rate", type=float, default=RATE, show_default=True, help="Things a second, at most.")


@backfills.command("start")
@click.argument("connection")
@click.option("--kind", default="order", show_default=True, help="What to fetch.")
@click.option("--since", required=True, metavar="INSTANT", help="From then on: 2026-01-01, or 2026-01-01T08:00:00Z.")
@click.option("--until", default="", metavar="INSTANT", help="Before then; now, where it is left out.")
@click.option("--by", type=click.Choice([one.value for one in By]), default=By.CREATED.value, show_default=True)
@click.option(
    "--post", type=click.Choice([one.value for one in Post]), default=Post.OPEN.value, show_default=True,
    help="Which orders that are new to the hub are posted; the others are kept for the record.",
)  # fmt: skip
@click.option(
    "--history-before", default="", metavar="INSTANT",
    help="Orders placed before are never posted; the connection's live_from or its beginning, where it is left out.",
)  # fmt: skip
@click.option("--bulk/--paged", default=None, help="By the remote's bulk API or page by page; else the number decides.")
@rate_option
@why_option
@click.option("--dry-run", is_flag=True, help="Count and check only; nothing is begun.")
@as_json
def start(
    connection: str, kind: str, since: str, until: str, by: str, post: str, history_before: str, bulk: bool | None,
    rate: float, why: str, dry_run: bool, json_wanted: bool,
) -> None:  # fmt: skip
    """Fetch what CONNECTION holds of a range, as a run that can be stopped and resumed (`flask runs`)."""
    wish = Wish(
        connection=connection, kind=kind, by=By(by), since=instant_of(since, "since", RANGE),
        until=instant_of(until, "until", RANGE) if until else datetime.now(UTC), post=Post(post),
        history_before=instant_of(history_before, "history-before", RANGE) if history_before else None, bulk=bulk,
    )  # fmt: skip
    prepared = prepare(hub(), wish)
    facts = _facts(prepared)
    if dry_run:
        tell(_words(prepared) + " Nothing was begun.", facts, json_wanted=json_wanted)
        return
    with hub().unit_of_work() as uow:
        run_id = begin(uow, prepared, who=who(), why=why, rate=rate)
    said = f"{_words(prepared)} `flask runs show {run_id}` tells how far it is."
    tell(said, {"run": run_id, **facts}, json_wanted=json_wanted)


@backfills.command("again")
@click.argument("run_id", type=click.UUID)
@rate_option
@why_option
@as_json
def again(run_id: object, rate: float, why: str, json_wanted: bool) -> None:
    """Fetch once more what RUN_ID set aside."""
    with hub().unit_of_work() as uow:
        fresh = begin_again(uow, str(run_id), who=who(), why=why, rate=rate)
    tell(f"`flask runs show {fresh}` tells how far it is.", {"run": fresh}, json_wanted=json_wanted)


@backfills.command("list")
@as_json
def list_backfills(json_wanted: bool) -> None:
    """Backfills, the newest first."""
    with hub().unit_of_work() as uow:
        rows = [facts_of(row) for row in newest(uow, kind=KIND)]
    listed(rows, COLUMNS, json_wanted=json_wanted, nothing="No backfill yet.")


@backfills.command("take-up")
@click.argument("order_id", type=click.UUID)
@click.option("--why", required=True, help="Why an order of the past is posted after all.")
@as_json
def take_up(order_id: object, why: str, json_wanted: bool) -> None:
    """Let the historical order ORDER_ID go on as if it had just come in."""
    with hub().unit_of_work() as uow:
        acceptance.take_up(uow, str(order_id), who(), why)
    tell("The order goes on.", {"order": order_id}, json_wanted=json_wanted)


@gaps.command("scan")
@click.argument("connection")
@click.option("--since", default="", metavar="INSTANT", help="From then on; where the last scan ended, if left out.")
@why_option
@as_json
def scan(connection: str, since: str, why: str, json_wanted: bool) -> None:
    """Ask CONNECTION what changed, and fetch what it never told."""
    with hub().unit_of_work() as uow:
        gap_scan.ask(uow, connection, since=instant_of(since, "since", RANGE) if since else None, who=who(), why=why)
    said = "The scan is under way; `flask gaps list` shows what it found."
    tell(said, {"connection": connection, "since": since or None}, json_wanted=json_wanted)


@gaps.command("list")
@as_json
def list_gaps(json_wanted: bool) -> None:
    """Up to when each connection was scanned, and what was missing."""
    columns = ("connection", "kind", "read_until", "scanned_at", "listed", "missing", "missing_at", "missing_before")
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(row, name) for name in columns} for row in scans(uow)]
    listed(rows, columns, json_wanted=json_wanted, nothing="Nothing was scanned yet; it is every ten minutes.")


@subscriptions.command("list")
@click.argument("connection", default="")
@click.option("--now", "look_now", is_flag=True, help="Ask the remote now; changes nothing.")
@as_json
def list_subscriptions(connection: str, look_now: bool, json_wanted: bool) -> None:
    """What every connection, or CONNECTION, tells by itself, as it was at the last look."""
    columns = ("connection", "topic", "state", "said", "expires_at", "looked_at", "well_at", "mended", "mended_at")
    if look_now:
        rows = _looked(connection)
    else:
        with hub().unit_of_work() as uow:
            if connection:
                hub().connections.get(uow.session, connection)
            rows = [{name: getattr(row, name) for name in columns} for row in subscriptions_of(uow, connection)]
    listed(rows, columns, json_wanted=json_wanted, nothing="Nobody has looked yet; it is every quarter of an hour.")


@subscriptions.command("ensure")
@click.argument("connection")
@as_json
def ensure(connection: str, json_wanted: bool) -> None:
    """Have CONNECTION's subscriptions looked after now: created, corrected, renewed."""
    with hub().unit_of_work() as uow:
        look_after(uow, connection, who())
    said = f"They are looked after now; `flask subscription list {connection}` shows what was found."
    tell(said, {"connection": connection}, json_wanted=json_wanted)


def _looked(name: str) -> list[dict[str, object]]:
    with hub().unit_of_work() as uow:
        connection = hub().connections.get(uow.session, name)
        address = address_of(uow, name)
    if not connection.spec.offers(SubscriptionKeeper):
        raise Refused("subscriptions.none", f"{connection.spec.title} has no subscriptions to look after", about=name)
    found = connection.port(SubscriptionKeeper).look(address)
    return [
        {"connection": name, "topic": one.topic, "state": one.state, "said": one.said, "expires_at": one.expires_at}
        for one in found
    ]


def _facts(prepared: Prepared) -> dict[str, object]:
    wish = prepared.wish
    return {
        "connection": wish.connection, "kind": wish.kind, "by": wish.by.value, "since": wish.since,
        "until": wish.until, "expected": prepared.expected, "bulk": prepared.bulk, "post": wish.post.value,
        "history_before": prepared.history_before,
    }  # fmt: skip


def _words(prepared: Prepared) -> str:
    many = "an unknown number of" if prepared.expected is None else f"{prepared.expected:,}"
    way = "by the remote's bulk API" if prepared.bulk else "page by page"
    return (
        f"{many[0].upper()}{many[1:]} {prepared.wish.kind}s, {way}; those placed before "
        f"{prepared.history_before:%Y-%m-%d %H:%M} UTC are kept for the record."
    )
