"""`flask connection …`: the systems that the hub speaks to."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from app import registry
from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.infra.connecting import (
    add_connection,
    all_connections,
    pause_connection,
    probe_connection,
    resume_connection,
    roles_of,
    rotate_secrets,
)
from app.infra.connections import ConnectionRow
from app.infra.draining import DRAINING, drain_connection, progress
from app.infra.setting_fields import secret_names, typed
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

WATCH_SECONDS = 1.0  # how often a person wants to read how far it is
connections = Commands("connection", help="The systems that the hub speaks to.")
secrets_option = click.option(
    "--secret", "secrets", multiple=True, metavar="KEY[=env:VAR|=file:PATH]",
    help="A secret: asked for, or read from a variable or a file. Never written on the command line.",
)  # fmt: skip
stdin_option = click.option("--secret-stdin", is_flag=True, help="Read secrets as KEY=VALUE lines from standard input.")


@connections.command("add")
@click.argument("name")
@click.option("--adapter", required=True, help="The kind of system; `flask connection adapters` lists them.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting, nested ones as accounts.tip.")
@secrets_option
@stdin_option
@click.option("--role", "roles", multiple=True, help="A role it plays, such as erp.")
@click.option("--title", default="", help="How the console calls it.")
@click.option("--company", default="", help="The company it belongs to.")
@as_json
def add(
    name: str, adapter: str, settings: tuple[str, ...], secrets: tuple[str, ...], secret_stdin: bool,
    roles: tuple[str, ...], title: str, company: str, json_wanted: bool,
) -> None:  # fmt: skip
    """Add the connection NAME."""
    schema = registry.adapter(adapter).settings()
    given = _pairs(settings)
    if wrong := sorted(given.keys() & secret_names(schema)):
        raise click.UsageError(f"{wrong[0]} is a secret: give it with --secret {wrong[0]}")
    given |= _secrets(secrets, secret_stdin)
    with hub().unit_of_work() as uow:
        add_connection(
            uow, name=name, adapter=adapter, settings=typed(schema, given), who=who(), title=title, company=company,
            roles=roles,
        )  # fmt: skip
    said = f"{name} is connected. `flask connection test {name}` tells whether it lets the hub in."
    tell(said, {"name": name, "adapter": adapter, "roles": list(roles)}, json_wanted=json_wanted)


@connections.command("rotate")
@click.argument("name")
@secrets_option
@stdin_option
@as_json
def rotate(name: str, secrets: tuple[str, ...], secret_stdin: bool, json_wanted: bool) -> None:
    """Give NAME new secrets; where it can, the old one stays valid beside the new."""
    fresh = _secrets(secrets, secret_stdin)
    with hub().unit_of_work() as uow:
        rotate_secrets(uow, name, fresh, who())
    tell(f"{name} uses the new secrets.", {"name": name, "rotated": sorted(fresh)}, json_wanted=json_wanted)


@connections.command("test")
@click.argument("name")
@as_json
def test(name: str, json_wanted: bool) -> None:
    """Call NAME and see: reachable, let in, well. Reads only; ends with status 1 where a probe fails."""
    probes = probe_connection(hub(), name, who())
    rows = [{"probe": probe.name, "passed": probe.passed, "said": probe.said} for probe in probes]
    listed(rows, ("probe", "passed", "said"), json_wanted=json_wanted, nothing="The adapter had nothing to try.")
    if not all(probe.passed for probe in probes):
        raise SystemExit(1)


@connections.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Every connection and whether it is called."""
    with hub().unit_of_work() as uow:
        roles = roles_of(uow)
        rows = [_facts(row, roles.get(row.name, [])) for row in all_connections(uow)]
    columns = ("name", "adapter", "title", "company", "roles", "state", "paused_by", "tested_at")
    listed(rows, columns, json_wanted=json_wanted, nothing="No connection yet; `flask connection add` makes one.")


@connections.command("show")
@click.argument("name")
@as_json
def show(name: str, json_wanted: bool) -> None:
    """One connection with its open settings; secrets are never shown."""
    with hub().unit_of_work() as uow:
        row = uow.session.get(ConnectionRow, name)
        if row is None:
            raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
        roles = roles_of(uow).get(name, [])
    kept = "encrypted" if row.secrets else "none"
    one(_facts(row, roles) | {"settings": row.settings, "secrets": kept, "probes": row.probes}, json_wanted=json_wanted)


@connections.command("pause")
@click.argument("name")
@click.option("--why", required=True, help="Somebody else will find it paused.")
@as_json
def pause(name: str, why: str, json_wanted: bool) -> None:
    """Stop calling NAME; what is due waits."""
    with hub().unit_of_work() as uow:
        pause_connection(uow, name, who(), why)
    tell(f"{name} is paused; what is due waits.", {"name": name, "state": "paused"}, json_wanted=json_wanted)


@connections.command("drain")
@click.argument("name")
@click.option("--why", default="", help="Somebody else will find it draining.")
@click.option("--wait", is_flag=True, help="Say how far it is until it is empty.")
@as_json
def drain(name: str, why: str, wait: bool, json_wanted: bool) -> None:
    """Let NAME finish what it has and begin nothing new; webhooks are kept. Without --why, how far it is."""
    if why:
        with hub().unit_of_work() as uow:
            drain_connection(uow, name, who(), why)
    while True:
        with hub().unit_of_work() as uow:
            found = progress(uow, name)
        if not wait or found.is_empty or found.state != DRAINING:
            break
        click.echo(f"{found.running} running, {found.ready} ready, {found.later} back off", err=True)
        threading.Event().wait(WATCH_SECONDS)
    state = "is empty" if found.is_empty else f"has {found.running + found.ready + found.later} to finish"
    said = f"{name} {state if found.state == DRAINING else f'does not drain, it is {found.state}'}; {found.new} wait"
    said += f", {found.aside} need a person." if found.aside else "."
    tell(said, {"name": name, "empty": found.is_empty, **asdict(found)}, json_wanted=json_wanted)


@connections.command("resume")
@click.argument("name")
@as_json
def resume(name: str, json_wanted: bool) -> None:
    """Call NAME again; what waited goes out in its order."""
    with hub().unit_of_work() as uow:
        resume_connection(uow, name, who())
    tell(f"{name} is called again.", {"name": name, "state": "on"}, json_wanted=json_wanted)


@connections.command("adapters")
@as_json
def adapters(json_wanted: bool) -> None:
    """The kinds of systems that can be connected."""
    found = [registry.adapter(name) for name in registry.names()]
    rows = [{"name": s.name, "title": s.title, "api_version": s.api_version, "contract": s.contract} for s in found]
    listed(
        rows, ("name", "title", "api_version", "contract"), json_wanted=json_wanted, nothing="No adapter is installed."
    )


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    """KEY=VALUE, each once."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{text!r} is not KEY=VALUE")
        pairs[key] = value
    return pairs


def _secrets(asked: Iterable[str], stdin: bool) -> dict[str, str]:
    found = _pairs(line.rstrip("\n") for line in sys.stdin if line.strip()) if stdin else {}
    for text in asked:
        key, equals, source = text.partition("=")
        found[key] = _from(key, source) if equals else click.prompt(key, hide_input=True)
    return found


def _from(key: str, source: str) -> str:
    kind, _, place = source.partition(":")
    if kind == "env" and place:
        if place not in os.environ:
            raise click.UsageError(f"the variable {place} is not set")
        return os.environ[place]
    if kind == "file" and place:
        return Path(place).read_text(encoding="utf-8").strip()
    raise click.UsageError(f"give {key} as {key}=env:VAR or {key}=file:PATH, or alone to be asked for it")


def _facts(row: ConnectionRow, roles: list[str]) -> dict[str, object]:
    return {
        "name": row.name, "adapter": row.adapter, "title": row.title, "company": row.company, "roles": roles,
        "state": row.state, "paused_by": row.paused_by, "paused_reason": row.paused_reason, "tested_at": row.tested_at,
        "created_at": row.created_at,
    }  # fmt: skip
