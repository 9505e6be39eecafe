"""Words of one system in the words of another: locations, carriers, units, tax codes. Data that operators edit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.db import Base
from app.infra.uow import UnitOfWork

# What the hub's own flows look up, and what each is for. Another kind may be mapped, too: an adapter may read it.
KINDS: Mapping[str, str] = {
    "item": "SKU to item number",
    "variant": "SKU to variant code",
    "unit": "SKU to unit of measure",
    "location": "location to location code",
    "shipment_method": "shipping method to shipment method code",
    "tax_code": "tax code to tax group",
    "status": "status to status",
    "payment_method": "payment gateway to payment method",
    "carrier": "carrier to shipping agent",
    "country": "country to country or region code",
}
OTHERS = "*"  # as our word: what every word that has no line of its own is there
LONGEST = 200  # signs of a word
LIKE_ENOUGH = 0.55  # below it two words share little more than an ending


class ValueMapRow(Base):
    """At `connection`, our word `source` of this kind is `target`."""

    __tablename__ = "value_map"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    changed_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


def translate(uow: UnitOfWork, connection: str, kind: str, source: str) -> str | None:
    """The connection's word for ours; None where nobody has said."""
    row = uow.session.get(ValueMapRow, (connection, kind, source))
    return row.target if row else None


TRANSLATIONS = """
SELECT kind, source, target FROM hub.value_map
 WHERE connection = %(c)s AND kind = ANY(%(kinds)s::text[]) AND source = ANY(%(sources)s::text[])
"""


def translations(
    uow: UnitOfWork, connection: str, kinds: Collection[str], sources: Collection[str]
) -> dict[str, dict[str, str]]:
    """Kind → our word → the connection's, for these words, in one statement."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    given = {"c": connection, "kinds": list(kinds), "sources": list(sources)}
    for kind, source, target in uow.sql(TRANSLATIONS, given):
        found[kind][source] = target
    return found


def mapped_kinds(uow: UnitOfWork, connection: str, kinds: Collection[str]) -> set[str]:
    """Those of these kinds of which a connection has any word."""
    rows = uow.sql(
        "SELECT k FROM unnest(%(kinds)s::text[]) k "
        "WHERE EXISTS (SELECT FROM hub.value_map WHERE connection = %(c)s AND kind = k)",
        {"c": connection, "kinds": sorted(kinds)},
    )
    return {row[0] for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of ours, `source`, and what it is at a connection, `target`."""

    kind: str
    source: str
    target: str
    changed_by: str = ""
    changed_at: datetime | None = None


COUNTS = "SELECT connection, kind, count(*) FROM hub.value_map GROUP BY 1, 2 ORDER BY 1, 2"
PAGE = """
SELECT kind, source, target, changed_by, changed_at FROM hub.value_map
 WHERE connection = %(connection)s AND %(kind)s IN ('', kind) AND (kind, source) > (%(after_kind)s, %(after)s)
   AND (%(find)s = '' OR position(lower(%(find)s) IN lower(source || ' ' || target)) > 0)
 ORDER BY kind, source LIMIT %(most)s
"""


def count_maps(uow: UnitOfWork) -> dict[tuple[str, str], int]:
    """(connection, kind) → how many words are mapped."""
    return {(connection, kind): count for connection, kind, count in uow.sql(COUNTS)}


def list_values(
    uow: UnitOfWork, connection: str, kind: str = "", *, find: str = "", after: tuple[str, str] = ("", ""),
    most: int = 200,
) -> list[Word]:  # fmt: skip
    """The words of a connection by kind and word, those behind `after`; `find` is a part of either word."""
    given = {"connection": connection, "kind": kind, "find": find, "after_kind": after[0], "after": after[1]}
    rows = uow.sql(PAGE, {**given, "most": most})
    return [Word(kind=row[0], source=row[1], target=row[2], changed_by=row[3], changed_at=row[4]) for row in rows]


def unset_value(uow: UnitOfWork, connection: str, kind: str, source: str, who: str, why: str = "") -> bool:
    """Take a word out of a map; False where it was not there."""
    row = uow.session.get(ValueMapRow, (connection, kind, source), with_for_update=True)
    if row is None:
        return False
    was = row.target
    uow.session.delete(row)
    facts = {"was": was}
    record_act(
        uow,
        who,
        "took out a mapped value",
        kind=f"value_map.{kind}",
        key=f"{connection}:{source}",
        why=why,
        facts=facts,
    )
    return True


def most_alike(word: str, candidates: Collection[str], most: int = 3) -> list[str]:
    """The candidates that look most like a word, the likest first; letters' case and signs between do not count."""
    wanted = _plain(word)
    if not wanted:
        return []
    match = SequenceMatcher(autojunk=False)
    match.set_seq2(wanted)
    scored: list[tuple[float, str]] = []
    for candidate in candidates:
        match.set_seq1(_plain(candidate))
        if match.real_quick_ratio() >= LIKE_ENOUGH and match.quick_ratio() >= LIKE_ENOUGH:
            scored.append((match.ratio(), candidate))
    best = sorted((one for one in scored if one[0] >= LIKE_ENOUGH), key=lambda one: (-one[0], one[1]))
    return [candidate for _, candidate in best[:most]]


def _plain(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum())


TARGETS = """
SELECT DISTINCT word FROM (
    SELECT target AS word FROM hub.value_map WHERE connection = %(connection)s AND kind = %(kind)s
    UNION ALL
    SELECT coalesce(nullif(number, ''), external_id) FROM hub.binding
     WHERE connection = %(connection)s AND kind = %(kind)s) w
 WHERE lower(left(word, 2)) = %(begins)s ORDER BY 1 LIMIT 2000
"""


def words_there(uow: UnitOfWork, connection: str, kind: str, like: str) -> list[str]:
    """Words of a kind that a connection is known to have and that begin with the same two signs; 2,000 at most."""
    given = {"connection": connection, "kind": kind, "begins": like[:2].casefold()}
    return [row[0] for row in uow.sql(TARGETS, given)]


SET_MANY = """
INSERT INTO hub.value_map (connection, kind, source, target, changed_by, changed_at)
SELECT %(connection)s, kind, source, target, %(who)s, now()
  FROM unnest(%(kinds)s::text[], %(sources)s::text[], %(targets)s::text[]) g(kind, source, target) ORDER BY 2, 3
    ON CONFLICT (connection, kind, source) DO UPDATE
   SET target = excluded.target, changed_by = excluded.changed_by, changed_at = excluded.changed_at
 WHERE hub.value_map.target <> excluded.target
RETURNING 1
"""


def set_values(uow: UnitOfWork, connection: str, rows: Sequence[Word], who: str, why: str = "") -> int:
    """Say what many words of ours are at a connection, each once; returns how many were new or are another now."""
    given = {
        "connection": connection, "who": who, "kinds": [row.kind for row in rows],
        "sources": [row.source for row in rows], "targets": [row.target for row in rows],
    }  # fmt: skip
    changed = uow.sql(SET_MANY, given).rowcount if rows else 0
    if changed:
        facts: dict[str, object] = {"rows": len(rows), "changed": changed}
        if len(rows) == 1:
            facts = {"to": rows[0].target}
        kinds = sorted({row.kind for row in rows})
        key = f"{connection}:{rows[0].source}" if len(rows) == 1 else connection
        record_act(
            uow, who, "mapped a value" if len(rows) == 1 else "mapped values",
            kind=f"value_map.{kinds[0]}" if len(kinds) == 1 else "value_map", key=key, why=why, facts=facts,
        )  # fmt: skip
    return changed


def set_value(uow: UnitOfWork, connection: str, kind: str, source: str, target: str, who: str) -> None:
    """Say what a word of ours is at a connection."""
    given = {"target": target, "changed_by": who, "changed_at": text("now()")}
    uow.session.execute(
        insert(ValueMapRow)
        .values(connection=connection, kind=kind, source=source, **given)
        .on_conflict_do_update(index_elements=["connection", "kind", "source"], set_=given)
    )
    record_act(uow, who, "mapped a value", kind=f"value_map.{kind}", key=f"{connection}:{source}", facts={"to": target})
