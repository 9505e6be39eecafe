"""`flask import …`: files of products, prices and counts taken in, how far they are, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.flows.sheet_wish import IMPORTERS, Wish, format_of, receive
from app.infra.sheets.faults import by_rule, error_file
from app.infra.sheets.keeping import sheet_of, sheets
from app.infra.sheets.reading import ENCODINGS, Dialect
from app.infra.sheets.rows import STATES, SheetRow
from app.infra.sheets.staging import UNNAMED
from app.infra.web.wiring import hub

COLUMNS = ("id", "kind", "name", "state", "lines", "wrong_lines", "counts", "who", "received_at")
SEPARATORS = {"": "", "comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}

P = ParamSpec("P")
imports = Commands(
    "import", help="Products, prices and counts from CSV and XLSX files: checked whole, in force together."
)


def file_given(take: Callable[P, None]) -> Callable[P, None]:
    """The file of a command that hands one in, and how it is written and to be taken."""
    for option in reversed((
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option("--source", default=UNNAMED, show_default=True, help="Whose word it is: a connection, or a name."),
        click.option("--encoding", type=click.Choice(ENCODINGS), default="utf-8", show_default=True),
        click.option("--separator", type=click.Choice([*SEPARATORS][1:]), help="Else as the header has it."),
        click.option("--decimal-comma", is_flag=True, help="Numbers are written 1,25."),
        click.option("--leave-out", is_flag=True, help="Leave wrong lines out; else one refuses the file."),
        click.option("--dry-run", is_flag=True, help="Check only; nothing is changed."),
        click.option("--again", is_flag=True, help="Take in a file that was taken in before."),
        click.option("--why", default="", help="Kept in the audit."),
        as_json,
    )):  # fmt: skip
        take = option(take)
    return take


@imports.command("products")
@click.option("--company", default="", help="Whose products they are.")
@file_given
def take_products(company: str, **given: Any) -> None:
    """Hand FILE in; the workers read, check and apply it (`flask import show` tells how far they are)."""
    _take_in("products", company=company, **given)


@imports.command("prices")
@file_given
def take_prices(**given: Any) -> None:
    """Hand FILE in: of every SKU that it names in a list, all the prices that the SKU has there."""
    _take_in("prices", **given)


@imports.command("stock")
@file_given
def take_stock(**given: Any) -> None:
    """Hand FILE in: what lies at locations as of an instant. --source says who counted."""
    _take_in("stock", **given)


def _take_in(
    kind: str, *, file: Path, source: str, encoding: str, separator: str | None, decimal_comma: bool, leave_out: bool,
    dry_run: bool, again: bool, why: str, json_wanted: bool, company: str = "",
) -> None:  # fmt: skip
    dialect = Dialect(
        encoding=encoding, delimiter=SEPARATORS[separator or ""], decimal_mark="," if decimal_comma else "."
    )
    wish = Wish(
        kind=kind, name=file.name, format=format_of(file.name), company=company, source=source, dialect=dialect,
        strict=not leave_out, dry=dry_run, again=again,
    )  # fmt: skip
    with file.open("rb") as opened:
        sheet_id = receive(hub(), opened, wish, who=who(), why=why)
    with hub().unit_of_work() as uow:
        run_id = sheet_of(uow, sheet_id).run_id
    said = f"{file.name} is kept; `flask import show {sheet_id}` tells how far it is."
    tell(said, {"id": sheet_id, "run": run_id}, json_wanted=json_wanted)


@imports.command("list")
@click.option("--state", type=click.Choice(STATES), default=None)
@click.option("--kind", type=click.Choice([*IMPORTERS]), default=None)
@as_json
def list_all(state: str | None, kind: str | None, json_wanted: bool) -> None:
    """Files that were handed in, the newest first."""
    with hub().unit_of_work() as uow:
        rows = [facts_of(row) for row in sheets(uow, kinds=[kind] if kind else [], state=state or "")]
    listed(rows, COLUMNS, json_wanted=json_wanted, nothing="No file was handed in yet.")


@imports.command("show")
@click.argument("sheet_id", type=click.UUID)
@as_json
def show(sheet_id: object, json_wanted: bool) -> None:
    """One file: how far it is, what it did, and which rules its lines break."""
    with hub().unit_of_work() as uow:
        facts = facts_of(sheet_of(uow, str(sheet_id)))
        rules = [{"rule": code, "field": field, "lines": n} for code, field, n in by_rule(uow, str(sheet_id))]
    if json_wanted:
        one({**facts, "rules": rules}, json_wanted=True)
        return
    one(facts, json_wanted=False)
    click.echo()
    listed(rules, ("rule", "field", "lines"), json_wanted=False, nothing="No line is wrong.")


@imports.command("errors")
@click.argument("sheet_id", type=click.UUID)
def errors(sheet_id: object) -> None:
    """What is wrong in a file, line by line, as CSV."""
    with hub().unit_of_work() as uow:
        sheet_of(uow, str(sheet_id))
    for part in error_file(hub(), str(sheet_id)):
        click.echo(part, nl=False)


def facts_of(row: SheetRow) -> dict[str, Any]:
    """A sheet as lists and programs see it."""
    names = (
        "id", "kind", "name", "company", "source", "state", "strict", "dry", "encoding", "delimiter", "size", "sha256",
        "lines", "wrong_lines", "counts", "said", "who", "run_id", "received_at", "checked_at", "ended_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}
