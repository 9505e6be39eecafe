"""`flask map …`: the words of one system in the words of another, what is missing, and files of them."""

from __future__ import annotations

from typing import TextIO

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.flows import mapping
from app.infra.uow import UnitOfWork
from app.infra.value_maps import Word, count_maps, list_values
from app.infra.web.wiring import hub

maps = Commands("map", help="The words of one system in the words of another.")


@maps.command("set")
@click.argument("connection")
@click.argument("kind")
@click.argument("source")
@click.argument("target")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def set_map(connection: str, kind: str, source: str, target: str, why: str, json_wanted: bool) -> None:
    """At CONNECTION our SOURCE of this KIND (item, location, unit, variant, shipment_method …) is TARGET."""
    with hub().unit_of_work() as uow:
        row = Word(kind=kind, source=source, target=target)
        done = mapping.map_values(uow, connection, [row], who(), why)
    facts = {"connection": connection, "kind": kind, "source": source, "target": target, "released": done.released}
    more = f"; {done.released} deliveries that waited for it go on" if done.released else ""
    tell(f"at {connection} the {kind} {source} is {target}{more}", facts, json_wanted=json_wanted)


@maps.command("remove")
@click.argument("connection")
@click.argument("kind")
@click.argument("source")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def remove(connection: str, kind: str, source: str, why: str, json_wanted: bool) -> None:
    """Forget what our SOURCE of this KIND is at CONNECTION."""
    with hub().unit_of_work() as uow:
        mapping.unmap(uow, connection, kind, source, who(), why)
    facts = {"connection": connection, "kind": kind, "source": source}
    tell(f"at {connection} the {kind} {source} is mapped no more", facts, json_wanted=json_wanted)


@maps.command("list")
@click.argument("connection", required=False, default="")
@click.option("--kind", default="", help="Of one kind, such as item.")
@as_json
def list_maps(connection: str, kind: str, json_wanted: bool) -> None:
    """Every mapped word, of one CONNECTION or of all."""
    with hub().unit_of_work() as uow:
        names = [connection] if connection else sorted({name for name, _ in count_maps(uow)})
        found = [
            {"connection": name, "kind": row.kind, "source": row.source, "target": row.target}
            for name in names
            for row in _all(uow, name, kind)
        ]
    listed(found, ["connection", "kind", "source", "target"], json_wanted=json_wanted, nothing="nothing is mapped")


@maps.command("gaps")
@click.argument("connection", required=False, default="")
@as_json
def list_gaps(connection: str, json_wanted: bool) -> None:
    """Words that something waits for, with what looks like them at the other side."""
    with hub().unit_of_work() as uow:
        found = [
            {
                "connection": gap.connection, "kind": gap.kind, "source": gap.word, "waiting": gap.waiting,
                "opened_at": gap.opened_at, "case": gap.case_id,
                "like": mapping.suggest(uow, gap.connection, gap.kind, gap.word),
            }
            for gap in mapping.gaps(uow, connection)
        ]  # fmt: skip
    columns = ["connection", "kind", "source", "waiting", "opened_at", "like"]
    listed(found, columns, json_wanted=json_wanted, nothing="no gap: nothing waits for a word")


@maps.command("export")
@click.argument("connection")
@click.option("--kind", default="", help="Of one kind; all without.")
def export(connection: str, kind: str) -> None:
    """Write the words of CONNECTION as CSV, as `import` reads them."""
    with hub().unit_of_work() as uow:
        hub().connections.get(uow.session, connection)
        for piece in mapping.write_sheet(uow, connection, kind):
            click.echo(piece, nl=False)


@maps.command("import")
@click.argument("connection")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--kind", default="", help="Where the file has no column of that name.")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def import_file(connection: str, file: TextIO, kind: str, why: str, json_wanted: bool) -> None:
    """Take over FILE, a CSV of kind, source and target: all of it or nothing. An empty target takes a word out."""
    sheet = mapping.read_sheet(file.read(), kind)
    with hub().unit_of_work() as uow:
        done = mapping.take_sheet(uow, connection, sheet, who(), why)
    facts = {"changed": done.changed, "removed": done.removed, "gaps": done.gaps, "released": done.released}
    said = f"{done.changed} words are new or another, {done.removed} taken out; {done.released} deliveries go on"
    tell(said, facts, json_wanted=json_wanted)


def _all(uow: UnitOfWork, connection: str, kind: str) -> list[Word]:
    return list_values(uow, connection, kind, most=mapping.MOST_ROWS)
