"""What channels call our SKUs, and which SKU of ours an unknown one may be."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.product.canonical import read_gtin
from app.infra.uow import UnitOfWork
from app.infra.value_maps import most_alike
from app.kernel.errors import Invalid

MOST_LIKELY = 6  # suggestions for one SKU: more is no help
MOST_TITLES = 300  # titles that are compared letter by letter
SIGNS = " -_./\\:#+*,;()&"  # what two spellings of one SKU may differ in, beside case


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """At `connection` the SKU `external` is our `sku` of `company`."""

    connection: str
    external: str
    sku: str
    company: str
    product_id: str
    chosen_by: str
    chosen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """A SKU of ours that an unknown one may be; `why` is gtin, sku, alias or title."""

    sku: str
    company: str
    product_id: str
    title: str
    why: str


MEANT = """
SELECT a.connection, a.external, v.sku
  FROM unnest(%(connections)s::text[], %(externals)s::text[]) g(connection, external)
  JOIN product.sku_alias a ON (a.connection, a.kind, a.external) = (g.connection, 'sku', g.external)
  JOIN product.variant v ON v.id = a.variant_id
 WHERE NOT EXISTS (SELECT FROM hub.value_map m WHERE (m.connection, m.kind, m.source) = (%(erp)s, 'item', a.external)
                      AND m.changed_at > a.chosen_at)
"""
CALLED = """
SELECT w.sku, coalesce(a.external, '')
  FROM unnest(%(skus)s::text[]) w(sku)
  LEFT JOIN LATERAL (
       SELECT a.external FROM product.variant v JOIN product.sku_alias a ON a.variant_id = v.id
        WHERE v.sku = w.sku AND (a.connection, a.kind) = (%(connection)s, 'sku')
        ORDER BY a.chosen_at DESC, a.external LIMIT 1) a ON true
 WHERE a.external IS NOT NULL OR EXISTS (
       SELECT FROM product.sku_alias t WHERE (t.connection, t.kind, t.external) = (%(connection)s, 'sku', w.sku))
"""
ALIASES = """
SELECT a.connection, a.external, v.sku, v.company, v.product_id::text, a.chosen_by, a.chosen_at
  FROM product.sku_alias a JOIN product.variant v ON v.id = a.variant_id
 WHERE a.kind = 'sku' AND %(connection)s IN ('', a.connection) AND (a.connection, a.external) > (%(at)s, %(after)s)
 ORDER BY a.connection, a.external LIMIT %(most)s
"""
OFFERED = "v.status <> 'retired' AND v.company IN ('', %(company)s)"
ROW = "v.sku, v.company, v.product_id::text, concat_ws(' ', p.title, nullif(v.title, p.title))"
BY_GTIN = f"""
SELECT {ROW} FROM product.variant v JOIN product.product p ON p.id = v.product_id
 WHERE {OFFERED} AND v.id IN (
       SELECT id FROM product.variant WHERE gtin = %(gtin)s AND gtin <> ''
       UNION SELECT variant_id FROM product.unit_conversion WHERE gtin = %(gtin)s AND gtin <> '')
 ORDER BY v.sku LIMIT %(most)s
"""
BY_SKU = f"""
SELECT {ROW} FROM product.variant v JOIN product.product p ON p.id = v.product_id
 WHERE {OFFERED} AND translate(lower(v.sku), %(signs)s, '') = translate(lower(%(word)s), %(signs)s, '')
 ORDER BY v.sku LIMIT %(most)s
"""
BY_ALIAS = f"""
SELECT {ROW} FROM product.variant v JOIN product.product p ON p.id = v.product_id
 WHERE {OFFERED} AND v.id IN (SELECT variant_id FROM product.sku_alias WHERE kind = 'sku'
       AND translate(lower(external), %(signs)s, '') = translate(lower(%(word)s), %(signs)s, ''))
 ORDER BY v.sku LIMIT %(most)s
"""
BY_TITLE = f"""
SELECT {ROW} FROM product.product p JOIN product.variant v ON v.product_id = p.id
 WHERE {OFFERED} AND lower(p.title) LIKE ANY(%(parts)s::text[])
 ORDER BY (SELECT count(*) FROM unnest(%(parts)s::text[]) part WHERE lower(p.title || ' ' || v.title) LIKE part) DESC,
       v.sku LIMIT %(titles)s
"""


def meant(uow: UnitOfWork, pairs: Collection[tuple[str, str]], erp: str = "") -> dict[tuple[str, str], str]:
    """(connection, SKU there) → our SKU, where somebody has said so; in one statement.

    What an operator said later of the same SKU at `erp`, in its item map, is left to that map.
    """
    if not pairs:
        return {}
    ordered = sorted(pairs)
    given = {"connections": [at for at, _ in ordered], "externals": [word for _, word in ordered], "erp": erp}
    return {(connection, external): sku for connection, external, sku in uow.sql(MEANT, given)}


def called(uow: UnitOfWork, connection: str, skus: Collection[str]) -> dict[str, str]:
    """Our SKU → its name at a channel, the last that somebody said; '' where the word is another SKU of ours there.

    SKUs that nobody spoke of are left out: they are called there as here.
    """
    given = {"connection": connection, "skus": sorted(skus)}
    return dict(uow.sql(CALLED, given).fetchall()) if skus else {}


def aliases(
    uow: UnitOfWork, connection: str = "", *, after: tuple[str, str] = ("", ""), most: int = 200
) -> list[Alias]:
    """What channels call our SKUs, by channel and their SKU; those behind `after`."""
    given = {"connection": connection, "at": after[0], "after": after[1], "most": most}
    names = Alias.__dataclass_fields__
    return [Alias(**dict(zip(names, row, strict=True))) for row in uow.sql(ALIASES, given)]


def likely(uow: UnitOfWork, word: str, *, title: str = "", company: str = "") -> list[Likely]:
    """SKUs of ours that an unknown one may be, the likeliest first, each once.

    First an equal GTIN, then the same SKU but for case and signs, then what any channel's alias of it means, then
    titles that look alike.
    """
    given = {
        "word": word, "company": company, "signs": SIGNS, "most": MOST_LIKELY, "gtin": _gtin(word),
        "titles": MOST_TITLES, "parts": [f"%{part}%" for part in _words(title)],
    }  # fmt: skip
    found: dict[tuple[str, str], Likely] = {}
    for why, statement in (("gtin", BY_GTIN), ("sku", BY_SKU), ("alias", BY_ALIAS), ("title", BY_TITLE)):
        if not _asks(why, given):
            continue
        rows = uow.sql(statement, given).fetchall()
        for row in _alike(title, rows) if why == "title" else rows:
            one = Likely(sku=row[0], company=row[1], product_id=row[2], title=row[3], why=why)
            found.setdefault((one.sku, one.company), one)
    return list(found.values())[:MOST_LIKELY]


def _asks(why: str, given: dict[str, object]) -> bool:
    """Whether there is anything to look for: a GTIN, words of a title, a sign that counts."""
    if why in ("gtin", "title"):
        return bool(given["gtin" if why == "gtin" else "parts"])
    return bool(str(given["word"]).strip(SIGNS))


def _alike(title: str, rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    by_title: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        by_title.setdefault(row[3], []).append(row)
    return [row for one in most_alike(title, by_title, MOST_LIKELY) for row in by_title[one]]


def _words(title: str) -> list[str]:
    """The words of a title that tell something: three letters or more, the longest eight."""
    words = set(re.findall(r"[^\W_]{3,}", title.lower()))
    return sorted(words, key=lambda word: (-len(word), word))[:8]


def _gtin(word: str) -> str:
    try:
        return read_gtin(word)
    except Invalid:
        return ""
