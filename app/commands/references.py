"""`flask reference …`: whose id is what at which system, and changes of that, previewed before they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.infra import references as deeds
from app.infra.references import Change
from app.infra.uow import UnitOfWork
from app.infra.web.wiring import hub

F = TypeVar("F", bound=Callable[..., Any])
references = Commands("reference", help="Whose id is what at which system.")


def previewed(command: F) -> F:
    """Give a command a reason, `--preview` and `--json`."""
    command = click.option("--why", default="", help="Kept in the audit; needed unless it is a preview.")(command)
    return as_json(click.option("--preview", is_flag=True, help="Say what would follow; change nothing.")(command))


@references.command("find")
@click.argument("words")
@as_json
def find(words: str, json_wanted: bool) -> None:
    """Ties that have WORDS as key, id or number, and those that had it."""
    with hub().unit_of_work() as uow:
        ties, past = deeds.found(uow, words)
        rows = [_row(one.connection, one.kind, one.key, one.external_id, one.number, "now", "") for one in ties]
        rows += [
            _row(one.connection, one.kind, one.key, one.external_id, one.number, one.did, str(one.id)) for one in past
        ]
    columns = ("connection", "kind", "key", "external_id", "number", "standing", "past")
    listed(rows, columns, json_wanted=json_wanted, nothing="nothing carries this")


@references.command("link")
@click.argument("connection")
@click.argument("kind")
@click.argument("key")
@click.argument("external_id")
@click.option("--number", default="", help="What people call it there.")
@previewed
def link(
    connection: str, kind: str, key: str, external_id: str, number: str, why: str, preview: bool, json_wanted: bool
) -> None:
    """At CONNECTION our KEY of this KIND is EXTERNAL_ID."""
    _do(lambda uow: deeds.plan_link(uow, connection, kind, key, external_id, number), why, preview, json_wanted)


@references.command("unlink")
@click.argument("connection")
@click.argument("kind")
@click.argument("key")
@previewed
def unlink(connection: str, kind: str, key: str, why: str, preview: bool, json_wanted: bool) -> None:
    """Part our KEY and what it is tied to at CONNECTION: they are not the same thing."""
    _do(lambda uow: deeds.plan_unlink(uow, connection, kind, key), why, preview, json_wanted)


@references.command("forget")
@click.argument("connection")
@click.argument("kind")
@click.argument("key")
@previewed
def forget(connection: str, kind: str, key: str, why: str, preview: bool, json_wanted: bool) -> None:
    """It was deleted at CONNECTION: the next send makes it anew."""
    _do(lambda uow: deeds.plan_forget(uow, connection, kind, key), why, preview, json_wanted)


@references.command("move")
@click.argument("connection")
@click.argument("kind")
@click.argument("key")
@click.argument("to")
@previewed
def move(connection: str, kind: str, key: str, to: str, why: str, preview: bool, json_wanted: bool) -> None:
    """What KEY is tied to at CONNECTION belongs to our key TO."""
    _do(lambda uow: deeds.plan_move(uow, connection, kind, key, to), why, preview, json_wanted)


@references.command("merge")
@click.argument("kind")
@click.argument("key")
@click.argument("into")
@previewed
def merge(kind: str, key: str, into: str, why: str, preview: bool, json_wanted: bool) -> None:
    """Our KEY is INTO: its ties go there, at every system."""
    _do(lambda uow: deeds.plan_merge(uow, kind, key, into), why, preview, json_wanted)


@references.command("restore")
@click.argument("past", type=int)
@previewed
def restore(past: int, why: str, preview: bool, json_wanted: bool) -> None:
    """Bring back the PAST tie of this number, as `find` shows it."""
    _do(lambda uow: deeds.plan_restore(uow, past), why, preview, json_wanted)


def _do(plan: Callable[[UnitOfWork], Change], why: str, preview: bool, json_wanted: bool) -> None:
    with hub().unit_of_work() as uow:
        change = plan(uow)
        if not preview:
            deeds.carry_out(uow, change, who(), why)
    facts = {"did": change.did, "goes": len(change.goes), "comes": len(change.comes), "preview": preview}
    said = [*(["This would follow:"] if preview else []), *change.follows]
    tell("\n".join(said), {**facts, "follows": list(change.follows)}, json_wanted=json_wanted)


def _row(
    connection: str, kind: str, key: str, external_id: str, number: str, standing: str, past: str
) -> dict[str, str]:  # fmt: skip
    named = {"connection": connection, "kind": kind, "key": key, "external_id": external_id, "number": number}
    return {**named, "standing": standing, "past": past}
