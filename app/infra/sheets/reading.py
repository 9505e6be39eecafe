"""Reading a CSV file piece by piece: RFC 4180 in a told encoding, each record with the line that it begins on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.infra.sheets.layout import Header, Layout, read_header
from app.kernel.errors import Invalid

ENCODINGS = ("utf-8", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
MARK = b"\xef\xbb\xbf"  # what Excel writes before UTF-8
BLOCK = 256 * 1024  # what is read at once: small enough for the processor's caches, a third faster than a megabyte
LONGEST_RECORD = 1024 * 1024  # bytes after which an open quote is taken for a forgotten one

Read = Callable[[int, int], bytes]  # (from byte, so many): fewer only at the end of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a file is written. `delimiter` '' is found in the header: the one by which it names the layout's columns."""

    encoding: str = "utf-8"
    delimiter: str = ""
    decimal_mark: str = "."

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise Invalid("sheets.option", f"encoding is {self.encoding!r}; give one of {', '.join(ENCODINGS)}")
        if self.delimiter not in ("", *DELIMITERS):
            raise Invalid("sheets.option", f"delimiter is {self.delimiter!r}; give a comma, semicolon, tab or bar")
        if self.decimal_mark not in (".", ","):
            raise Invalid("sheets.option", f"decimal mark is {self.decimal_mark!r}; give a point or a comma")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Records that lie together. `lines` are the numbers of the lines they begin on, from 1; `end` the next byte."""

    records: Sequence[list[str]]
    lines: Sequence[int]
    plain: bool  # one line for each record, and no sign that a staging table would read as its own
    end: int
    next_line: int


def header_of(layout: Layout, dialect: Dialect, read: Read) -> tuple[Header, Dialect, Block]:
    """The header of a file, the dialect with its delimiter, and where the records begin.

    Raises Invalid `sheets.header`, `sheets.empty`, and what `blocks` raises.
    """
    start = len(MARK) if dialect.encoding == "utf-8" and read(0, len(MARK)) == MARK else 0
    first = read(start, LONGEST_RECORD)
    line, ended, _ = first.partition(b"\n")
    if not first.strip():
        raise Invalid("sheets.empty", "the file is empty; its first line names the columns")
    text = decoded(line, dialect.encoding, 1)
    found: list[Invalid] = []
    for delimiter in (dialect.delimiter,) if dialect.delimiter else DELIMITERS:
        try:
            header = read_header(layout, next(csv.reader([text.rstrip("\r")], delimiter=delimiter), []))
        except Invalid as wrong:
            found.append(wrong)
            continue
        told = Dialect(encoding=dialect.encoding, delimiter=delimiter, decimal_mark=dialect.decimal_mark)
        end = start + len(line) + len(ended)
        return header, told, Block(records=(), lines=(), plain=True, end=end, next_line=2)
    raise found[0]


def blocks(dialect: Dialect, read: Read, start: int, line: int) -> Iterator[Block]:
    """The records from a byte on at which one begins, and the number of its line.

    Raises Invalid with the line: `sheets.encoding`, `sheets.quotes`, `sheets.not_text`.
    """
    while body := _whole_lines(read, start):
        text = decoded(body, dialect.encoding, line)
        if "\0" in text:
            at = line + text.count("\n", 0, text.index("\0"))
            raise Invalid("sheets.not_text", f"line {at} holds a zero byte: this is no CSV file in {dialect.encoding}")
        block = _parsed(text, dialect.delimiter, line, start + len(body))
        yield block
        start, line = block.end, block.next_line


def decoded(body: bytes, encoding: str, line: int) -> str:
    """The text of whole lines. Raises Invalid `sheets.encoding` naming the line and the byte."""
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as wrong:
        at = line + body.count(b"\n", 0, wrong.start)
        other = next(one for one in ENCODINGS if one != encoding)
        raise Invalid(
            "sheets.encoding",
            f"line {at}: byte 0x{body[wrong.start]:02x} is no {encoding}; save the file as {encoding}, or say {other}",
        ) from wrong


def read_ahead(read: Read, start: int, size: int) -> Read:
    """A reader of so much of a file from a byte on, read at once."""
    body = read(start, size)
    return lambda begin, many: body[begin - start : begin - start + many]


def _whole_lines(read: Read, start: int) -> bytes:
    """So many whole lines that no quote is left open, if one can be closed within the longest record."""
    size = BLOCK
    while True:
        body = read(start, size)
        if len(body) < size:
            return body
        whole = body[: body.rfind(b"\n") + 1]
        if (whole and whole.count(b'"') % 2 == 0) or size >= BLOCK + LONGEST_RECORD:
            return whole or body
        size += BLOCK


def _parsed(text: str, delimiter: str, line: int, end: int) -> Block:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records = list(reader)
        plain = reader.line_num == len(records) and "\\" not in text and (delimiter == "\t" or "\t" not in text)
        lines: Sequence[int] = range(line, line + len(records))
        if reader.line_num != len(records):
            lines = _beginnings(text, delimiter, line)
    except csv.Error as wrong:
        raise Invalid(
            "sheets.quotes",
            f"line {line + max(reader.line_num - 1, 0)}: {wrong}; put a cell that holds a quote or a line's end "
            "in quotes, with each quote in it doubled",
        ) from wrong
    return Block(records=records, lines=lines, plain=plain, end=end, next_line=line + reader.line_num)


def _beginnings(text: str, delimiter: str, line: int) -> list[int]:
    """The line that each record begins on, where some take several."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found, begins = [], line
    for _ in reader:
        found.append(begins)
        begins = line + reader.line_num
    return found
