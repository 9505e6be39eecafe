"""`flask route …`: which connection gets which work, today and from a day on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.infra.moving import move_work
from app.infra.rerouting import Change, carry_out, hold_routes, plan_add, plan_end, plan_remove, plan_switch, where
from app.infra.routes import read_routes
from app.infra.routing import LIVE, SHADOW, Asked, Route, Span, timeline
from app.infra.uow import UnitOfWork
from app.infra.web.wiring import hub

F = TypeVar("F", bound=Callable[..., Any])
SCOPE = {"channel": "Orders of this channel", "company": "Of this company", "domain": "Such as finance"}
DAY = click.DateTime(formats=["%Y-%m-%d"])
routes = Commands("route", help="Which connection gets which work: by role, domain, company, channel and day.")


def scoped(command: F) -> F:
    """Give a command the options that name a scope."""
    for name, said in (
        ("channel", "Orders of this channel"),
        ("company", "Of this company"),
        ("domain", "Such as finance"),
    ):
        command = click.option(f"--{name}", default="", help=f"{said}; any without.")(command)
    return click.option("--role", default="erp", show_default=True, help="What is played.")(command)


def previewed(command: F) -> F:
    """Give a command a reason and `--preview`."""
    command = click.option("--why", default="", help="Kept in the audit.")(command)
    return click.option("--preview", is_flag=True, help="Say what would go where from when; change nothing.")(command)


@routes.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Every route with its days, in its company's zone."""
    with hub().unit_of_work() as uow:
        found = read_routes(uow)
    rows = [
        {
            "id": route.id, "role": route.role, "connection": route.connection, "mode": route.mode,
            "share": route.share, "for": where(route), "from": _day(route.from_on), "until": _day(route.until_on),
            "zone": route.zone,
        }
        for route in found
    ]  # fmt: skip
    columns = ("id", "role", "connection", "mode", "share", "for", "from", "until", "zone")
    listed(rows, columns, json_wanted=json_wanted, nothing="No route: nothing leaves. `flask route add` makes one.")


@routes.command("show")
@scoped
@as_json
def show(role: str, domain: str, company: str, channel: str, json_wanted: bool) -> None:
    """What goes where from when, for one scope."""
    asked = Asked(role=role, domain=domain, company=company, channel=channel)
    with hub().unit_of_work() as uow:
        spans = timeline(read_routes(uow), asked)
    listed(_spans(spans), ("from", "until", "goes to"), json_wanted=json_wanted, nothing="Nobody plays this role.")


@routes.command("add")
@click.argument("connection")
@scoped
@click.option("--from", "start", type=DAY, help="The first day; since ever without.")
@click.option("--until", type=DAY, help="The first day on which it no longer holds.")
@click.option("--shadow", is_flag=True, help="Compute and compare; send nothing.")
@click.option(
    "--share", type=int, default=100, show_default=True, help="The percentage of orders it takes from others."
)
@click.option("--both", is_flag=True, help="A second live one is meant: both hold every order.")
@previewed
@as_json
def add(
    connection: str, role: str, domain: str, company: str, channel: str, start: datetime | None,
    until: datetime | None, shadow: bool, share: int, both: bool, why: str, preview: bool, json_wanted: bool,
) -> None:  # fmt: skip
    """Let CONNECTION play a role."""
    route = Route(
        role=role, connection=connection, domain=domain, company=company, channel=channel, from_on=_date(start),
        until_on=_date(until), mode=SHADOW if shadow else LIVE, share=share,
    )  # fmt: skip
    _carry_out(lambda uow: plan_add(uow, route, both=both), why, preview=preview, json_wanted=json_wanted)


@routes.command("end")
@click.argument("route_id", type=click.UUID)
@click.option("--on", "day", type=DAY, required=True, help="The first day on which it no longer holds.")
@click.option("--gap", is_flag=True, help="Nobody need follow: what comes then waits.")
@previewed
@as_json
def end(route_id: object, day: datetime, gap: bool, why: str, preview: bool, json_wanted: bool) -> None:
    """End a route on a day. Its connection is still asked for what it holds, until the route is removed."""
    _carry_out(
        lambda uow: plan_end(uow, str(route_id), day.date(), gap=gap), why, preview=preview, json_wanted=json_wanted
    )


@routes.command("remove")
@click.argument("route_id", type=click.UUID)
@click.option("--gap", is_flag=True, help="Nobody need follow: what comes then waits.")
@previewed
@as_json
def remove(route_id: object, gap: bool, why: str, preview: bool, json_wanted: bool) -> None:
    """Take a route away: its connection is retired, and no more asked for what it holds."""
    _carry_out(lambda uow: plan_remove(uow, str(route_id), gap=gap), why, preview=preview, json_wanted=json_wanted)


@routes.command("switch")
@click.argument("old")
@click.argument("new")
@scoped
@click.option("--on", "day", type=DAY, required=True, help="The first day of the new one, in the company's zone.")
@click.option("--keep", type=click.Choice(["live", "shadow"]), help="What the old one does from that day on.")
@previewed
@as_json
def switch(
    old: str, new: str, role: str, domain: str, company: str, channel: str, day: datetime, keep: str | None, why: str,
    preview: bool, json_wanted: bool,
) -> None:  # fmt: skip
    """From a day on, let NEW take what OLD takes. What OLD was given before stays with it."""
    asked = Asked(role=role, domain=domain, company=company, channel=channel)
    _carry_out(
        lambda uow: plan_switch(uow, asked, old, new, day.date(), keep=keep or ""), why, preview=preview,
        json_wanted=json_wanted,
    )  # fmt: skip


@routes.command("move")
@click.argument("old")
@click.argument("new")
@click.option("--role", default="erp", show_default=True)
@click.option("--company", default="", help="Work of this company; any without.")
@click.option("--channel", default="", help="Work of this channel; any without.")
@click.option("--why", default="", help="Kept in the audit.")
@click.option("--preview", is_flag=True, help="Count; move nothing.")
@as_json
def move(old: str, new: str, role: str, company: str, channel: str, why: str, preview: bool, json_wanted: bool) -> None:
    """Give NEW the work that waits at OLD and has not begun there. What may have had its effect stays."""
    with hub().unit_of_work() as uow:
        moved = move_work(uow, role, old, new, who(), why, company=company, channel=channel, dry=preview)
    stay = "; ".join(f"{count} stay: {reason}" for reason, count in sorted(moved.stay.items()))
    verb = "would go" if preview else "went"
    said = f"{moved.moved} deliveries of {moved.lanes} lanes {verb} to {new}." + (f" {stay}." if stay else "")
    facts = {"moved": moved.moved, "lanes": moved.lanes, "stay": moved.stay, "preview": preview}
    tell(said, facts, json_wanted=json_wanted)


def _carry_out(plan: Callable[[UnitOfWork], Change], why: str, *, preview: bool, json_wanted: bool) -> None:
    with hub().unit_of_work() as uow:
        hold_routes(uow)
        change = plan(uow)
        adopted = 0 if preview else carry_out(uow, change, who(), why)
    rows = _spans(change.spans_after)
    if not json_wanted:
        click.echo(f"{'This would mean' if preview else 'Done'}: {change.said}.")
        if adopted:
            click.echo(f"{adopted} deliveries that found no route go on.")
        listed(rows, ("from", "until", "goes to"), json_wanted=False, nothing="")
        return
    facts = {"change": change.said, "preview": preview, "adopted": adopted, "spans": rows}
    tell("", facts, json_wanted=True)


def _spans(spans: tuple[Span, ...] | list[Span]) -> list[dict[str, str]]:
    return [{"from": _day(span.starts), "until": _day(span.ends), "goes to": span.text} for span in spans]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _date(given: datetime | None) -> date | None:
    return given.date() if given else None
