"""What all commands share: who is at the terminal, output for people or as JSON, refusals in one sentence."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from flask.cli import AppGroup

from app.kernel.errors import HubError

F = TypeVar("F", bound=Callable[..., Any])
Row = Mapping[str, Any]
WIDEST = 60


class Commands(AppGroup):
    """A group whose commands end with one sentence and status 1 where the hub refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HubError as refused:
            raise click.ClickException(f"{refused.message} ({refused.code})") from refused


def as_json(command: F) -> F:
    """Give a command the switch `--json`."""
    return click.option("--json", "json_wanted", is_flag=True, help="Answer as JSON, for programs.")(command)


def who() -> str:
    """Who did it, for the audit: the name of the account at the terminal."""
    return f"terminal:{getpass.getuser()}"


def tell(said: str, facts: Row, *, json_wanted: bool) -> None:
    """Say what was done, or give it as one JSON object."""
    click.echo(json.dumps(dict(facts), default=_plain) if json_wanted else said)


def listed(rows: Sequence[Row], columns: Sequence[str], *, json_wanted: bool, nothing: str) -> None:
    """Print rows as a table of these columns, or all of them as JSON."""
    if json_wanted:
        click.echo(json.dumps([dict(row) for row in rows], default=_plain, indent=2))
        return
    if not rows:
        click.echo(nothing)
        return
    table = [[column.upper().replace("_", " ") for column in columns]]
    table += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [min(WIDEST, max(len(line[n]) for line in table)) for n in range(len(columns))]
    for line in table:
        cells = (cell[:width].ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def one(row: Row, *, json_wanted: bool) -> None:
    """Print one thing, a fact a line, or as JSON."""
    if json_wanted:
        click.echo(json.dumps(dict(row), default=_plain, indent=2))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {_cell(value)}")


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(part) for part in value)
    return json.dumps(value, default=_plain) if isinstance(value, dict) else str(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
