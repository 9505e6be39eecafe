"""Mapping: a word that nobody has mapped is one case; once it is mapped, everything that waited for it goes on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.infra.replay.again import resolve_case
from app.infra.uow import UnitOfWork
from app.infra.value_maps import LONGEST, Word, list_values, most_alike, set_values, unset_value, words_there
from app.kernel.errors import Invalid, NotFound

# The cases that say that a word is missing: the kind of map, and how `about` begins before the word.
GAPS: Mapping[str, tuple[str, str]] = {
    "orders.sku_unmapped": ("item", "sku "),
    "erp.location_missing": ("location", "location "),
    "inventory.location_unmapped": ("location", "location "),
    "erp.shipment_method_missing": ("shipment_method", "shipment_method "),
    "erp.country_missing": ("country", "country "),
    "erp.payment_method_missing": ("payment_method", "payment_method "),
    "shipments.carrier_unmapped": ("carrier", "carrier "),
    "erp.variant_missing": ("variant", "variant "),
    "erp.unit_missing": ("unit", "unit "),
}
OPEN = """
SELECT c.id::text, c.code, c.connection, c.about, c.title, c.facts, c.opened_at,
       (SELECT count(DISTINCT i.key) FROM hub.case_item i LEFT JOIN hub.delivery d
            ON d.event_id = i.event_id AND d.id = i.delivery
         WHERE i.case_id = c.id AND (i.delivery = 0 OR d.state IN ('parked', 'rejected')))
  FROM hub.exception_case c
 WHERE c.state NOT IN ('resolved', 'dismissed') AND c.code = ANY(%(codes)s::text[])
   AND %(connection)s IN ('', c.connection)
 ORDER BY c.opened_at LIMIT 1000
"""
WERE = """
SELECT source, target FROM hub.value_map WHERE connection = %(connection)s AND kind = %(kind)s
   AND source = ANY(%(sources)s::text[])
"""
COLUMNS = ("kind", "source", "target")
MOST_ROWS = 20_000  # of one file: more is a catalogue, which the product import reads
MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A word of ours that a connection has nothing for; `waiting` is how many orders or other things stand for it."""

    case_id: str
    code: str
    connection: str
    kind: str
    word: str
    title: str
    waiting: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a change of a map did: words that are new or another, gaps that it closed, deliveries that go on."""

    changed: int
    gaps: int
    released: int
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file of words, read: rows to set, and (kind, word) to take out because their target is empty."""

    rows: tuple[Word, ...]
    removed: tuple[tuple[str, str], ...]


def gaps(uow: UnitOfWork, connection: str = "", kind: str = "") -> list[Gap]:
    """The words that something waits for, the longest first; at most a thousand."""
    found = []
    for row in uow.sql(OPEN, {"codes": list(GAPS), "connection": connection}):
        of, word = gap_of(row[1], row[3], row[5])
        if kind in ("", of) and word:
            found.append(
                Gap(
                    case_id=row[0], code=row[1], connection=row[2], kind=of, word=word, title=row[4],
                    waiting=row[7], opened_at=row[6],
                )
            )  # fmt: skip
    return found


def gap_of(code: str, about: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """The kind of map and the word that a case of one of GAPS misses; the word is '' where it names none."""
    kind, prefix = GAPS[code]
    if code == "orders.sku_unmapped" and facts.get("sku"):
        return kind, str(facts["sku"])
    return kind, about.removeprefix(prefix) if about.startswith(prefix) else ""


def suggest(uow: UnitOfWork, connection: str, kind: str, word: str) -> list[str]:
    """Up to three words of the other side that look most like ours, the likest first."""
    return most_alike(word, words_there(uow, connection, kind, word))


def map_values(uow: UnitOfWork, connection: str, rows: Sequence[Word], who: str, why: str = "") -> Done:
    """Say what words of ours are at a connection; what waited for one of them goes on by itself.

    Raises NotFound for a connection that is not there, Invalid for a word that cannot be one.
    """
    uow.hub.connections.get(uow.session, connection)
    for row in rows:
        check(row)
    unique = {(row.kind, row.source): row for row in rows}
    closing = _closed_by(uow, connection, unique)
    changed = set_values(uow, connection, [unique[key] for key in sorted(unique)], who, why)
    released = sum(resolve_case(uow, gap.case_id, who, f"mapped {gap.kind} {gap.word}") for gap in closing)
    return Done(changed=changed, gaps=len(closing), released=released)


def _closed_by(uow: UnitOfWork, connection: str, rows: Mapping[tuple[str, str], Word]) -> list[Gap]:
    """The gaps that these words close: they name the word itself, or what it was mapped to without success."""
    closing = []
    were: dict[str, set[str]] = {}
    for gap in gaps(uow, connection) if rows else ():
        if gap.connection != connection:
            continue
        if (gap.kind, gap.word) not in rows:
            if gap.kind not in were:
                sources = [source for kind, source in rows if kind == gap.kind]
                given = {"connection": connection, "kind": gap.kind, "sources": sources}
                were[gap.kind] = {
                    target for source, target in uow.sql(WERE, given) if rows[gap.kind, source].target != target
                }
            if gap.word not in were[gap.kind]:
                continue
        closing.append(gap)
    return closing


def unmap(uow: UnitOfWork, connection: str, kind: str, source: str, who: str, why: str = "") -> None:
    """Take a word out of a map. Raises NotFound (`value_maps.unknown`)."""
    if not unset_value(uow, connection, kind, source, who, why):
        raise NotFound("value_maps.unknown", f"{connection} has no {kind} for {source!r}", about=source)


def check(row: Word) -> None:
    """Raises Invalid (`value_maps.word`) naming the field where a row cannot be one of a map."""
    for name in COLUMNS:
        value = getattr(row, name)
        if not value.strip() or value != value.strip() or len(value) > LONGEST or not value.isprintable():
            said = f"{name} {value[:60]!r}: give 1 to {LONGEST} signs without blanks around them"
            raise Invalid("value_maps.word", said, about=name)
    if not row.kind.replace("_", "").isalnum() or row.kind != row.kind.lower():
        said = f"kind {row.kind!r}: give a name in small letters such as item or location"
        raise Invalid("value_maps.word", said, about="kind")


def read_sheet(text: str, kind: str = "") -> Sheet:
    """A CSV file with the columns kind, source and target, kind only where none is given; an empty target takes out.

    Raises Invalid (`value_maps.sheet`) with each bad line, its field and rule in `errors`: nothing of it is used.
    """
    if len(text.encode()) > MOST_BYTES:
        raise Invalid("value_maps.sheet", f"the file is larger than {MOST_BYTES // 1_000_000} MB: cut it in two")
    lines = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    wanted = set(COLUMNS) - ({"kind"} if kind else set())
    if lacking := wanted - set(lines.fieldnames or ()):
        raise Invalid("value_maps.sheet", f"the first line lacks {', '.join(sorted(lacking))}: name the columns there")
    rows: dict[tuple[str, str], Word] = {}
    removed: dict[tuple[str, str], int] = {}
    errors: list[dict[str, object]] = []
    for number, line in enumerate(lines, 2):
        row = Word(
            kind=(line.get("kind") or kind).strip(), source=(line["source"] or "").strip(),
            target=(line["target"] or "").strip(),
        )  # fmt: skip
        wrong = _wrong(row, kind, seen=(row.kind, row.source) in rows or (row.kind, row.source) in removed)
        if wrong is not None:
            errors.append({"line": number, "field": wrong.about, "said": wrong.message})
        elif row.target:
            rows[row.kind, row.source] = row
        else:
            removed[row.kind, row.source] = number
    if len(rows) + len(removed) > MOST_ROWS:
        raise Invalid("value_maps.sheet", f"the file has more than {MOST_ROWS:,} lines: cut it in two")
    if errors:
        first = errors[0]
        said = f"{len(errors)} lines are wrong, the first is line {first['line']}: {first['said']}"
        raise Invalid("value_maps.sheet", said, errors=errors)
    return Sheet(rows=tuple(rows.values()), removed=tuple(removed))


def _wrong(row: Word, kind: str, *, seen: bool) -> Invalid | None:
    if seen:
        return Invalid("value_maps.word", f"source {row.source!r} is in the file twice: keep one line", about="source")
    if kind and row.kind != kind:
        return Invalid("value_maps.word", f"kind {row.kind!r}: this is the map of {kind}", about="kind")
    try:
        check(row if row.target else Word(kind=row.kind, source=row.source, target="-"))
    except Invalid as wrong:
        return wrong
    return None


def take_sheet(uow: UnitOfWork, connection: str, sheet: Sheet, who: str, why: str = "") -> Done:
    """Carry out a file of words, all of it or nothing."""
    done = map_values(uow, connection, sheet.rows, who, why)
    removed = sum(unset_value(uow, connection, kind, source, who, why) for kind, source in sheet.removed)
    return Done(changed=done.changed, gaps=done.gaps, released=done.released, removed=removed)


def write_sheet(uow: UnitOfWork, connection: str, kind: str = "") -> Iterator[str]:
    """The map of a connection as a CSV file that `read_sheet` reads, in pieces of a thousand lines."""
    after = ("", "")
    while True:
        rows = list_values(uow, connection, kind, after=after, most=1000)
        piece = io.StringIO()
        writer = csv.writer(piece, lineterminator="\r\n")
        if after == ("", ""):
            writer.writerow(COLUMNS)
        writer.writerows((row.kind, row.source, row.target) for row in rows)
        yield piece.getvalue()
        if len(rows) < 1000:
            return
        after = (rows[-1].kind, rows[-1].source)
