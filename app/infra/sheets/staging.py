"""Records on their way into a staging table: COPY in PostgreSQL's text form, an empty cell as NULL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from app.infra.foreign import Foreign
from app.infra.ownership import HUB
from app.infra.sheets.books import moment_of
from app.infra.sheets.layout import Header, Layout
from app.infra.sheets.reading import Block
from app.infra.uow import UnitOfWork

ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
COMMA = str.maketrans({".": "'", ",": "."})  # a point in a number with a decimal comma makes it no number
UNNAMED = "sheet"  # the source of a sheet of which nobody said whose word it is
SHOWN = 100  # signs of a wrong value that are shown
Change = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in one line: the field, the rule's code, what was found and how to mend it."""

    line: int
    field: str
    code: str
    said: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet whose lines are staged: its header, whose lines they are, whose word, and who handed it in."""

    id: str
    header: Header
    company: str
    source: str
    who: str

    @property
    def speaks_for(self) -> str:
        """The system whose word the sheet is, as rules of ownership name it; the hub's own where nobody named one."""
        return HUB if self.source == UNNAMED else self.source


@dataclass(slots=True)
class Imported:
    """What a sheet did; `faults` are what was found wrong only in the light of what is known already.

    `foreign` is what it says of what another system owns, refused or held.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Staging:
    """Takes blocks of one sheet into its table. `staged` counts its lines, `faults` are those with other cells.

    `serials` says that days and times may be numbers, as in a workbook.
    """

    layout: Layout
    header: Header
    sheet_id: str
    decimal_mark: str
    serials: bool = False
    staged: int = 0
    faults: list[Fault] = field(default_factory=list)

    def copy(self, uow: UnitOfWork, blocks: Iterable[Block]) -> None:
        """Stage blocks in one COPY. They must not be read from the database: COPY holds the line to it."""
        columns = [name for _, name in self.header.plain(self.layout)]
        columns += [self.layout.families[name] for name in self._families()]
        names = ", ".join(f'"{name}"' for name in ("sheet_id", "line", *columns))
        change = self._change()
        with uow.driver.cursor().copy(f"COPY {self.layout.table} ({names}) FROM STDIN (FORMAT text, NULL '')") as copy:
            for block in blocks:
                copy.write(self._written(block, change))

    def _written(self, block: Block, change: Change | None) -> bytes:
        width, begin = len(self.header.fields), f"{self.sheet_id}\t"
        lines: Sequence[int] = block.lines
        records: Sequence[list[str]] = block.records
        if any(len(cells) != width or not any(cells) for cells in records):
            lines, records = self._sorted_out(block)
        self.staged += len(records)
        if change is not None:
            records = [change(cells) for cells in records]
        if change is not None or not block.plain:
            records = [[cell.translate(ESCAPES) for cell in cells] for cells in records]
        rows = [f"{begin}{line}\t" + "\t".join(cells) for line, cells in zip(lines, records, strict=True)]
        return ("\n".join(rows) + "\n").encode() if rows else b""

    def _sorted_out(self, block: Block) -> tuple[list[int], list[list[str]]]:
        """The lines of a block with as many cells as the header; empty ones are left out, others become faults."""
        width, good = len(self.header.fields), list[tuple[int, list[str]]]()
        for line, cells in zip(block.lines, block.records, strict=True):
            if not any(cells):
                continue
            if len(cells) == width or (len(cells) > width and not any(cells[width:])):
                good.append((line, cells[:width]))
                continue
            said = f"the line has {len(cells)} cells and the header {width}: a cell with a separator in it needs quotes"
            self.faults.append(
                Fault(line=line, field="", code="sheets.cells", said=said, value=" | ".join(cells)[:SHOWN])
            )
        return [line for line, _ in good], [cells for _, cells in good]

    def _families(self) -> list[str]:
        return [name for name in self.layout.families if self.header.family(name)]

    def _change(self) -> Change | None:
        """What is done with the cells of each record; None where they go in as they are."""
        numbers = {column.name for column in self.layout.columns if column.number and self.decimal_mark == ","}
        moments = {column.name for column in self.layout.columns if column.moment and self.serials}
        swapped = [n for n, name in self.header.plain(self.layout) if name in numbers]
        dated = [n for n, name in self.header.plain(self.layout) if name in moments]
        plain = [n for n, _ in self.header.plain(self.layout)]
        families = [self.header.family(name) for name in self._families()]
        if not swapped and not dated and not families:
            return None

        def change(cells: list[str]) -> list[str]:
            for n in swapped:
                cells[n] = cells[n].translate(COMMA)
            for n in dated:
                cells[n] = moment_of(cells[n])
            kept = [cells[n] for n in plain]
            for family in families:
                told = {key: cells[n] for n, key in family if cells[n]}
                kept.append(json.dumps(told, ensure_ascii=False) if told else "")
            return kept

        return change
