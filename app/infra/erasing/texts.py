"""Rows in which a person is named, whatever table they are of: found in SQL, rewritten here, once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.infra.erasing.terms import Terms, scrubbed, scrubbed_document
from app.infra.uow import UnitOfWork

# Who of the house did it is not the buyer's data, though one of the house may buy.
OURS = frozenset({
    "who", "assignee", "closed_by", "paused_by", "changed_by", "added_by", "moved_by", "ended_by", "placed_by",
    "released_by", "decided_by", "undone_by", "asked_by",
})  # fmt: skip
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), EXISTS (
           SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY(i.indkey))
  FROM pg_attribute a WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = '' AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'jsonb'::regtype)
 ORDER BY a.attnum
"""
# Read whole, these tables' other columns hold codes and ids alone.
TELLING: Mapping[str, frozenset[str]] = {
    "event": frozenset({"payload"}),
    "delivery": frozenset({"edited"}),
    "attempt": frozenset({"said"}),
    "notice": frozenset({"headers", "remark"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that may name somebody. A text of a unique key keeps its distance from others when it is rewritten."""

    name: str
    json: bool
    unique: bool


def columns_of(uow: UnitOfWork, table: str) -> list[Column]:
    """The columns of a table, as `schema.name`, in which a person may be named."""
    rows = uow.sql(COLUMNS, {"table": table}).fetchall()
    found = [Column(name=name, json=kind == "jsonb", unique=unique) for name, kind, unique in rows if name not in OURS]
    only = TELLING.get(_kind(table))
    return found if only is None else [column for column in found if column.name in only]


def scrub(uow: UnitOfWork, table: str, where: str, given: Mapping[str, Any], terms: Terms, mark: str) -> int:
    """Rewrite what names the person in the rows that `where` chooses; returns how many rows did.

    `table` may be partitioned. The rows are locked in their order on disk.
    """
    columns = columns_of(uow, table)
    if not terms or not columns:
        return 0
    rows = uow.sql(_find(table, tuple(column.name for column in columns), where), {**given, "likes": terms.likes()})
    changed = 0
    for place, ctid, *values in rows.fetchall():
        made = {
            column.name: new
            for column, value in zip(columns, values, strict=True)
            if (new := _rewritten(column, value, terms, mark)) is not None
        }
        if made:
            sets = ", ".join(f"{name} = %({name})s" for name in made)
            uow.sql(f"UPDATE {place} SET {sets} WHERE ctid = %(ctid)s::tid", {**made, "ctid": ctid})
            changed += 1
    return changed


@cache
def _find(table: str, names: Sequence[str], where: str) -> str:
    hits = " OR ".join(f"lower(t.{name}::text) LIKE ANY(%(likes)s::text[])" for name in names)
    chosen = ", ".join(f"t.{name}" for name in names)
    place = "t.tableoid::regclass::text, t.ctid::text"
    return f"SELECT {place}, {chosen} FROM {table} t WHERE ({where}) AND ({hits}) FOR UPDATE"


def _rewritten(column: Column, value: Any, terms: Terms, mark: str) -> str | None:
    """The new text of a value; None where it stays."""
    if value is None:
        return None
    if column.json:
        made = scrubbed_document(value, terms)
        return None if made == value else json.dumps(made)
    text = scrubbed(value, terms, mark if column.unique else "")
    return None if text == value else text


def _kind(table: str) -> str:
    """hub.attempt_p1 is of kind attempt."""
    name = table.removeprefix("hub.") if table.startswith("hub.") else ""
    return next((kind for kind in TELLING if name == kind or name.startswith((f"{kind}_p", f"{kind}_2"))), name)
