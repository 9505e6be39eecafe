"""What a kind of sheet holds: its columns, and how a header names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.kernel.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a sheet. `number` cells are decimals, written with the sheet's decimal mark; `moment` cells are
    days or times, which a workbook may hold as numbers.
    """

    name: str
    said: str
    required: bool = False
    number: bool = False
    moment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of a kind of sheet, and the table that its lines are staged in, which has a column for each.

    `families` are prefixes of columns that a sheet may name as it likes: with family `attribute` and its staging column
    `attributes`, the cells of `attribute:Colour` and `attribute:Fabric` are staged as one JSON object.
    """

    kind: str
    title: str
    counted: str  # what a sheet creates and changes, in the words of a person
    table: str
    keys: str  # the staging columns that lines are joined and grouped by
    columns: tuple[Column, ...]
    families: Mapping[str, str] = field(default_factory=dict)
    by_company: bool = False  # whether a sheet says whose its lines are

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a sheet as the layout reads it: for each cell a column's name, or `family:key`."""

    fields: tuple[str, ...]

    def plain(self, layout: Layout) -> list[tuple[int, str]]:
        return [(n, name) for n, name in enumerate(self.fields) if ":" not in name]

    def family(self, name: str) -> list[tuple[int, str]]:
        """The cells of a family, each with its key as the file writes it."""
        prefix = f"{name}:"
        return [(n, name[len(prefix) :]) for n, name in enumerate(self.fields) if name.startswith(prefix)]


def read_header(layout: Layout, cells: Sequence[str]) -> Header:
    """Match a first line with a layout; upper and lower case are one, and a blank is an underscore.

    Raises Invalid `sheets.header` for a column that the layout does not know, one named twice, or one that is missing.
    """
    last = max((n for n, cell in enumerate(cells, 1) if cell.strip()), default=0)
    fields = [_field(layout, cell) for cell in cells[:last]]  # programs write empty cells after the last column
    for n, name in enumerate(fields):
        if not name:
            known = ", ".join((*layout.names, *(f"{family}:<name>" for family in layout.families)))
            raise Invalid(
                "sheets.header",
                f"line 1: column {n + 1} is called {cells[n]!r}; name it one of {known}, or take it out",
            )
        if name in fields[:n]:
            raise Invalid("sheets.header", f"line 1: column {name} is there twice; leave one of them")
    if missing := [name for name in layout.required if name not in fields]:
        raise Invalid(
            "sheets.header", f"line 1: column {', '.join(missing)} is missing; the first line names the columns"
        )
    return Header(fields=tuple(fields))


def _field(layout: Layout, cell: str) -> str:
    """What a header's cell stands for; '' for nothing that is known."""
    written = cell.strip()
    family, colon, key = written.partition(":")
    if colon and (found := family.strip().lower()) in layout.families and key.strip():
        return f"{found}:{key.strip()}"
    name = written.lower().replace(" ", "_")
    return name if name in layout.names else ""
