"""Products as lists show them, page by page, and looked up by their codes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.product.canonical import read_gtin
from app.domains.product.queries.whole import unknown
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid

MOST = 200  # products of one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which products: `find` is a GTIN or what a code or SKU begins with."""

    company: str | None = None
    status: str = ""
    find: str = ""
    changed_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A product in a list."""

    product_id: str
    company: str
    code: str
    title: str
    status: str
    version: int
    variants: int
    sku: str  # of its first variant
    changed_at: datetime


ROW = """
SELECT p.id::text, p.company, p.code, p.title, p.status, p.version, coalesce(v.n, 0), coalesce(v.sku, ''), p.changed_at
  FROM product.product p LEFT JOIN LATERAL (
       SELECT count(*) AS n, min(sku) AS sku FROM product.variant v WHERE v.product_id = p.id) v ON true
"""
# upper bound of everything that begins with a text: the highest code point there is, behind it
_BEGINS = "{0} >= %(find)s AND {0} < %(find)s || U&'\\+10FFFF'"


def page(uow: UnitOfWork, wanted: Filter, *, after: tuple[str, str] | None = None, most: int = 50) -> list[Listed]:
    """Products by code and company, those behind `after`."""
    rules, given = ["true"], dict[str, object]()
    if wanted.company is not None:
        rules.append("p.company = %(company)s")
    if wanted.status:
        rules.append("p.status = %(status)s")
    if wanted.changed_since is not None:
        rules.append("p.changed_at >= %(since)s")
    if wanted.find:
        rules.append("p.id = ANY(%(found)s::uuid[])")
        given["found"] = matching(uow, wanted.find)
    if after is not None:
        rules.append("(p.code, p.company) > (%(code)s, %(last)s)")
        given |= {"code": after[0], "last": after[1]}
    statement = f"{ROW} WHERE {' AND '.join(rules)} ORDER BY p.code, p.company LIMIT %(most)s"
    given |= {
        "company": wanted.company, "status": wanted.status, "since": wanted.changed_since, "most": min(most, MOST)
    }  # fmt: skip
    return [_listed(row) for row in uow.sql(statement, given)]


def matching(uow: UnitOfWork, find: str) -> list[str]:
    """Ids of products whose code or one of whose SKUs begins so, the first thousand of each, or with this GTIN."""
    text = find.strip()
    gtin = _gtin(text)
    statement = f"""
        (SELECT p.id::text FROM product.product p WHERE {_BEGINS.format("p.code")}
          ORDER BY p.code LIMIT 1000)
        UNION (SELECT v.product_id::text FROM product.variant v WHERE {_BEGINS.format("v.sku")}
               ORDER BY v.sku LIMIT 1000)
        UNION (SELECT v.product_id::text FROM product.variant v WHERE v.gtin = %(gtin)s AND v.gtin <> '')
        UNION (SELECT v.product_id::text FROM product.unit_conversion u JOIN product.variant v ON v.id = u.variant_id
                WHERE u.gtin = %(gtin)s AND u.gtin <> '')"""
    return [row[0] for row in uow.sql(statement, {"find": text, "gtin": gtin})]


def _gtin(text: str) -> str:
    try:
        return read_gtin(text)
    except Invalid:
        return ""


def _listed(row: Sequence[object]) -> Listed:
    names = ("product_id", "company", "code", "title", "status", "version", "variants", "sku", "changed_at")
    return Listed(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a SKU lies."""

    product_id: str
    variant_id: str
    sku: str
    company: str
    status: str


def place(uow: UnitOfWork, sku: str, *, company: str = "") -> Place:
    """Where one SKU lies. Raises NotFound `product.unknown`."""
    found = places(uow, [sku], company=company).get(sku)
    if found is None:
        raise unknown(sku)
    return found


def places(uow: UnitOfWork, skus: Collection[str], *, company: str = "") -> dict[str, Place]:
    """Where each SKU lies; those that are not known are left out."""
    rows = uow.sql(
        "SELECT v.product_id::text, v.id::text, v.sku, v.company, v.status FROM product.variant v "
        "WHERE v.sku = ANY(%(skus)s::text[]) AND v.company = %(company)s",
        {"skus": sorted(skus), "company": company},
    )
    return {
        sku: Place(product_id=product_id, variant_id=variant_id, sku=sku, company=found, status=status)
        for product_id, variant_id, sku, found, status in rows
    }


def counts(uow: UnitOfWork) -> dict[str, int]:
    """How many products stand in each status."""
    return dict(uow.sql("SELECT status, count(*) FROM product.product GROUP BY status").fetchall())
