"""Alignment: what a source holds compared with what the hub has, difference by difference. It repairs nothing.

A reading of the whole marks what it shows; what was shown before and is not any more, is missing there. A difference
that is not found again is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.product import queries
from app.domains.product.canonical import Product, ProductDraft, Variant, VariantDraft
from app.infra.uow import UnitOfWork

SIGHT = """
INSERT INTO product.sighting AS s (connection, company, sku, seen_at)
SELECT DISTINCT %(connection)s, %(company)s, sku, %(now)s FROM unnest(%(skus)s::text[]) g(sku) ORDER BY sku
ON CONFLICT (connection, company, sku) DO UPDATE SET seen_at = excluded.seen_at WHERE s.seen_at < excluded.seen_at
"""
KEEP = """
INSERT INTO product.drift AS d (connection, company, sku, kind, field, ours, theirs, found_at, seen_at)
SELECT %(connection)s, %(company)s, sku, kind, field, ours, theirs, %(now)s, %(now)s
  FROM unnest(%(skus)s::text[], %(kinds)s::text[], %(fields)s::text[], %(ours)s::text[], %(theirs)s::text[])
       g(sku, kind, field, ours, theirs) ORDER BY sku, field
ON CONFLICT (connection, company, sku, field) DO UPDATE
   SET kind = excluded.kind, ours = excluded.ours, theirs = excluded.theirs, seen_at = excluded.seen_at,
       found_at = CASE WHEN d.gone_at IS NULL THEN d.found_at ELSE excluded.found_at END, gone_at = NULL
"""
VANISHED = """
INSERT INTO product.drift AS d (connection, company, sku, kind, ours, found_at, seen_at)
SELECT s.connection, s.company, s.sku, 'missing_there', v.status, %(now)s, %(now)s
  FROM product.sighting s JOIN product.variant v ON (v.sku, v.company) = (s.sku, s.company)
 WHERE s.connection = %(connection)s AND s.company = %(company)s AND s.seen_at < %(since)s AND v.status <> 'retired'
 ORDER BY s.sku
ON CONFLICT (connection, company, sku, field) DO UPDATE
   SET kind = excluded.kind, ours = excluded.ours, theirs = '', seen_at = excluded.seen_at,
       found_at = CASE WHEN d.gone_at IS NULL THEN d.found_at ELSE excluded.found_at END, gone_at = NULL
"""
GONE = """
UPDATE product.drift SET gone_at = %(now)s
 WHERE connection = %(connection)s AND company = %(company)s AND gone_at IS NULL AND seen_at < %(since)s
"""
OPEN = """
SELECT kind, count(*) FROM product.drift
 WHERE connection = %(connection)s AND company = %(company)s AND gone_at IS NULL GROUP BY kind
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not alike: `field` of a product code or SKU, '' where one side lacks it altogether."""

    sku: str
    kind: str  # missing_here, missing_there, differs
    field: str = ""
    ours: str = ""
    theirs: str = ""


def sight(uow: UnitOfWork, connection: str, company: str, skus: Sequence[str]) -> None:
    """Mark SKUs as shown by a source now."""
    if skus:
        given = {"connection": connection, "company": company, "skus": list(skus), "now": uow.hub.clock.now()}
        uow.sql(SIGHT, given)


def compare(uow: UnitOfWork, connection: str, company: str, drafts: Sequence[ProductDraft]) -> int:
    """Keep how a page of a source differs from the hub; returns in how many things it does."""
    skus = [variant.sku for draft in drafts for variant in draft.variants]
    sight(uow, connection, company, skus)
    places = queries.places(uow, skus, company=company)
    products = queries.products(uow, {place.product_id for place in places.values()})
    under = {variant.sku: (one, variant) for one in products.values() for variant in one.variants}
    found = [one for draft in drafts for one in differences(draft, under)]
    keep_drift(uow, connection, company, found)
    return len(found)


def keep_drift(uow: UnitOfWork, connection: str, company: str, found: Sequence[Difference]) -> None:
    """Keep differences until they are not found again."""
    if found:
        given = {
            "connection": connection, "company": company, "now": uow.hub.clock.now(),
            "skus": [one.sku for one in found], "kinds": [one.kind for one in found],
            "fields": [one.field for one in found], "ours": [one.ours for one in found],
            "theirs": [one.theirs for one in found],
        }  # fmt: skip
        uow.sql(KEEP, given)


def finish_alignment(uow: UnitOfWork, connection: str, company: str, *, since: datetime) -> dict[str, int]:
    """After a reading of the whole that began at `since`: what vanished there, what is alike again.

    Returns how many differences are open, by kind.
    """
    given = {"connection": connection, "company": company, "since": since, "now": uow.hub.clock.now()}
    uow.sql(VANISHED, given)
    uow.sql(GONE, given)
    return dict(uow.sql(OPEN, given).fetchall())


def differences(draft: ProductDraft, under: dict[str, tuple[Product, Variant]]) -> list[Difference]:
    """How a draft differs from what is known of its SKUs, by field; what it does not tell differs from nothing."""
    found: list[Difference] = []
    whole = False
    for told in draft.variants:
        if told.sku not in under:
            found.append(Difference(sku=told.sku, kind="missing_here", theirs=draft.title or ""))
            continue
        product, variant = under[told.sku]
        if product.code == draft.code and not whole:
            whole = True
            found += _fields(draft, product, ("title", "product_type", "tax_code", "status"), draft.code)
        elif product.code != draft.code:
            found += _fields(draft, variant, ("title", "tax_code"), told.sku)
        found += _fields(told, variant, ("gtin", "uom"), told.sku)
        if product.code != draft.code or draft.code != told.sku:
            found += _fields(told, variant, ("status",), told.sku)
    return found


def _fields(
    told: ProductDraft | VariantDraft, known: Product | Variant, names: Sequence[str], sku: str
) -> list[Difference]:
    return [
        Difference(sku=sku, kind="differs", field=name, ours=ours, theirs=theirs)
        for name in names
        if (theirs := getattr(told, name, None)) is not None and (ours := getattr(known, name)) != theirs
    ]
