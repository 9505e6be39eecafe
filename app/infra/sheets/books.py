"""Reading the first sheet of an XLSX workbook (ECMA-376 part 1, SpreadsheetML) row by row; only its texts are kept."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO
from xml.parsers import expat

from app.infra.sheets.layout import Header, Layout, read_header
from app.infra.sheets.reading import Block
from app.kernel.errors import Invalid

MOST_UNPACKED = 1024 * 1024 * 1024  # bytes; a sheet of a million rows is half of it
MOST_PACKED = 200  # times that a part may grow: sheets grow tenfold, what is made to fill a disk a thousandfold
CHUNK = 256 * 1024
AT_ONCE = 2000  # rows of one block
PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# ECMA-376 part 1, 18.17.4.1: serial dates; before March 1900 they differ between programs, and no price is that old.
SERIAL = re.compile(r"[0-9]{3,6}(\.[0-9]+)?")
FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's clock has no zone
Row = tuple[int, list[str]]
Attributes = Mapping[str, str]


def rows_of(file: IO[bytes]) -> Iterator[Row]:
    """The rows of a workbook's first sheet with their numbers, as texts; empty rows are left out.

    Raises Invalid `sheets.book` for what is no workbook, `sheets.too_large`, `sheets.formula` naming the cell.
    """
    try:
        with zipfile.ZipFile(file) as book:
            _check_size(book)
            names = set(book.namelist())
            texts = _texts(book) if "xl/sharedStrings.xml" in names else []
            yield from _Sheet(texts).rows(book, _first_sheet(book))
    except (zipfile.BadZipFile, KeyError, expat.ExpatError, EOFError, NotImplementedError, RuntimeError) as wrong:
        raise Invalid(
            "sheets.book", f"this is no XLSX workbook that can be read ({wrong}): save it again, without a password"
        ) from wrong


def header_of_book(layout: Layout, file: IO[bytes]) -> tuple[Header, Iterator[Row]]:
    """The header of a workbook, and the rows that follow it. Raises Invalid as `rows_of`, and `sheets.empty`."""
    rows = rows_of(file)
    first = next(rows, None)
    if first is None:
        raise Invalid("sheets.empty", "the first sheet is empty; its first line names the columns")
    return read_header(layout, first[1]), rows


def blocks_of(rows: Iterator[Row], width: int) -> Iterator[Block]:
    """Rows as blocks of records, each as wide as the header where cells are missing at its end."""
    while some := [row for row, _ in zip(rows, range(AT_ONCE), strict=False)]:
        records = [cells + [""] * (width - len(cells)) for _, cells in some]
        last = some[-1][0]
        yield Block(records=records, lines=[n for n, _ in some], plain=False, end=last, next_line=last + 1)


def moment_of(cell: str) -> str:
    """A day or time that a workbook holds as days since the end of 1899, as ISO 8601 text; any other text as it is."""
    if SERIAL.fullmatch(cell) is None:
        return cell
    days = Decimal(cell)
    at = FIRST_DAY + timedelta(seconds=int((days * 86400).to_integral_value()))
    return at.date().isoformat() if days == days.to_integral_value() else at.isoformat()


def _check_size(book: zipfile.ZipFile) -> None:
    unpacked = sum(part.file_size for part in book.infolist())
    packed = sum(part.compress_size for part in book.infolist())
    if unpacked > MOST_UNPACKED or unpacked > MOST_PACKED * max(packed, CHUNK):
        raise Invalid(
            "sheets.too_large", f"the workbook unpacks to {unpacked:,} bytes: save the sheet as CSV, or in parts"
        )


def _first_sheet(book: zipfile.ZipFile) -> str:
    """The name of the part that holds the first sheet, by the workbook's relations."""
    found: list[str] = []
    places: dict[str, str] = {}

    def sheet(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            found.extend(value for key, value in attributes.items() if key.rpartition(":")[2] == "id")

    def relation(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            places[attributes["Id"]] = attributes["Target"]

    _parse(book, "xl/workbook.xml", sheet)
    _parse(book, "xl/_rels/workbook.xml.rels", relation)
    target = places[found[0]] if found else "worksheets/sheet1.xml"
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _texts(book: zipfile.ZipFile) -> list[str]:
    """The shared texts; what is said for reading aloud (rPh) is no part of them."""
    texts: list[str] = []
    parts: list[str] = []
    inside: list[str] = []

    def start(name: str, attributes: Attributes) -> None:
        inside.append(name)
        if name == "si":
            parts.clear()

    def end(name: str) -> None:
        inside.pop()
        if name == "si":
            texts.append("".join(parts))

    def text(said: str) -> None:
        if inside and inside[-1] == "t" and "rPh" not in inside:
            parts.append(said)

    _parse(book, "xl/sharedStrings.xml", start, end, text)
    return texts


def _parse(
    book: zipfile.ZipFile, part: str, start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None, text: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    for _ in _parsing(book, part, start, end, text):
        pass


def _parsing(
    book: zipfile.ZipFile, part: str, start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None, text: Callable[[str], None] | None = None,
) -> Iterator[None]:  # fmt: skip
    """Parse a part, chunk by chunk. A document type is refused: entities could grow without end."""
    parser = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        ending = end
        parser.EndElementHandler = lambda name: ending(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_type
    with book.open(part) as opened:
        while chunk := opened.read(CHUNK):
            parser.Parse(chunk, False)
            yield
    parser.Parse(b"", True)
    yield


def _refuse_type(*given: object) -> None:
    raise Invalid("sheets.book", "the workbook declares a document type, which no spreadsheet program writes")


class _Sheet:
    """Takes the events of one sheet and gives its rows."""

    def __init__(self, texts: list[str]) -> None:
        self._texts, self._done = texts, list[Row]()
        self._cells: list[str] = []
        self._row, self._place, self._kind, self._said, self._within = 0, "", "n", list[str](), ""

    def rows(self, book: zipfile.ZipFile, part: str) -> Iterator[Row]:
        for _ in _parsing(book, part, self._start, self._end, self._text):
            yield from self._done
            self._done = []

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._cells = []
        elif name == "c":
            self._place, self._kind, self._said = attributes.get("r", ""), attributes.get("t", "n"), []
        elif name == "f":
            raise Invalid(
                "sheets.formula", f"line {self._row}: cell {self._place} is a formula: paste its value instead"
            )
        self._within = name

    def _text(self, said: str) -> None:
        if self._within in ("v", "t"):
            self._said.append(said)

    def _end(self, name: str) -> None:
        self._within = ""
        if name == "c" and self._said:
            column = _column(self._place, len(self._cells))
            self._cells.extend([""] * (column - len(self._cells)))
            self._cells.append(self._value("".join(self._said)))
        elif name == "row" and any(self._cells):
            self._done.append((self._row, self._cells))

    def _value(self, said: str) -> str:
        if self._kind == "s":
            return self._texts[int(said)] if said.isdigit() and int(said) < len(self._texts) else ""
        if self._kind == "n":
            return _number(said)
        return said


def _column(place: str, otherwise: int) -> int:
    """The index of a cell's column: A is 0, AA is 26."""
    found = PLACE.fullmatch(place)
    if found is None:
        return otherwise
    index = 0
    for letter in found[1]:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _number(said: str) -> str:
    """A number as a person sees it: programs store 1.1 as 1.1000000000000001."""
    try:
        plain = Decimal(said)
        shortest = Decimal(repr(float(plain))) if plain.adjusted() < 15 and len(said) > 15 else plain
    except (InvalidOperation, OverflowError):
        return said
    return format(shortest.normalize() if shortest == shortest.to_integral_value() else shortest, "f")
