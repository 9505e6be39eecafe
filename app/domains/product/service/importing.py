"""Products from a sheet: new ones by a few statements over all lines, known ones as any source's word.

All of it is one transaction: the catalogue shows a sheet whole or not at all.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import psycopg

from app.domains.product.canonical import ProductDraft, VariantDraft
from app.domains.product.events import CatalogueChanged
from app.domains.product.service.importing_rules import components_of, faults_in, images_of, units_of
from app.domains.product.service.importing_statements import (
    ADD_PRODUCTS,
    ADD_VARIANTS,
    CHANGED,
    COUNT_KNOWN,
    KNOWN,
    ONLY_NEW,
    POSITION,
    SAME,
    TOLD,
)
from app.domains.product.service.upserting import Tell, upsert_many
from app.infra.ids import new_id
from app.infra.sheets.layout import Column, Header, Layout
from app.infra.sheets.staging import Fault, Imported, Sheet
from app.infra.uow import UnitOfWork
from app.kernel.errors import Transient

MOST = 1000  # products of one fact, and lines of known products at once
# Joins of a whole sheet with a whole catalogue: hashed in memory, whatever the planner knows of rows just written.
ROOM = ("SET LOCAL work_mem = '64MB'", "SET LOCAL enable_nestloop = off")

LAYOUT = Layout(
    kind="products",
    title="Products",
    counted="Products",
    table="product.sheet_line",
    keys="sheet_id, sku, product",
    columns=(
        Column(name="sku", said="What is ordered, stocked and priced. Each SKU is in one line.", required=True),
        Column(name="product", said="The code of the product that the SKU is a variant of; empty: the SKU itself."),
        Column(name="title", said="The product's title."),
        Column(name="description", said="The product's description."),
        Column(name="vendor", said="Its maker or brand."),
        Column(name="product_type", said="Its type or category."),
        Column(name="status", said="draft, active or retired. A new product without one is a draft."),
        Column(name="tax_code", said="How it is taxed, in the hub's words."),
        Column(name="gtin", said="GTIN-8, -12, -13 or -14 with its check digit."),
        Column(name="weight", said="Of one base unit, with weight_unit.", number=True),
        Column(name="weight_unit", said="g, kg, oz or lb."),
        Column(name="unit", said="The base unit in which stock is counted; piece where nothing is said."),
        Column(name="units", said="Other units and what they hold: box=12; pallet=480."),
        Column(name="components", said="What a bundle holds: TENT=1; PEG=12."),
        Column(name="images", said="Addresses of pictures, with a blank between."),
    ),
    families={"option": "options", "attribute": "attributes"},
    by_company=True,
)
# The groups of fields that each column or family tells of.
_GROUPS = {
    "title": "text", "description": "text", "vendor": "class", "product_type": "class", "tax_code": "tax",
    "status": "status", "gtin": "gtin", "weight": "weight", "unit": "units", "images": "images",
    "option": "structure", "attribute": "attributes",
}  # fmt: skip


def check_sheet(uow: UnitOfWork, sheet: Sheet) -> Iterator[Fault]:
    """What is wrong in the staged lines of a sheet."""
    return faults_in(uow, sheet.id, sheet.header)


def apply_sheet(uow: UnitOfWork, sheet: Sheet) -> Imported:
    """Take the staged lines in; cells that are empty, and columns that are not there, leave what is known as it is.

    Raises Transient `product.raced` where somebody else added one of the SKUs at the same moment.
    """
    for statement in ROOM:
        uow.sql(statement)
    given: dict[str, Any] = {"sheet": sheet.id, "company": sheet.company}
    uow.sql(KNOWN, given)
    known, same = uow.sql(COUNT_KNOWN).fetchone() or (0, 0)
    if known:
        uow.sql(SAME, given)
        known, same = uow.sql(COUNT_KNOWN).fetchone() or (0, 0)
    done = Imported(unchanged=same)
    done.created = _add_new(uow, given, sheet.header, sheet.source, only_new=known > 0)
    if known > same:
        _change_known(uow, given, sheet, done)
    uow.sql("DROP TABLE sheet_known")
    return done


def _add_new(uow: UnitOfWork, given: dict[str, Any], header: Header, source: str, *, only_new: bool) -> int:
    """Add the products that are new with their variants, and tell of them by the thousand."""
    now = uow.hub.clock.now()
    mark = {"source": source, "at": now.isoformat()}
    groups = sorted({_GROUPS[name] for name in (one.partition(":")[0] for one in header.fields) if name in _GROUPS})
    told = {
        **given, "now": now, "instant": _instant(now), "most": MOST, "mark": json.dumps(mark),
        "seed": secrets.randbits(62), "whole": json.dumps(dict.fromkeys(groups, mark)),
        "options": [key for _, key in header.family("option")],
    }  # fmt: skip
    fresh = ONLY_NEW if only_new else ""
    whole = " AND ".join(f"({TOLD[group]})" for group in groups) or "true"
    position = POSITION if "product" in header.fields else "1"
    try:
        parts = uow.sql(ADD_PRODUCTS.replace("__NEW__", fresh).replace("__WHOLE__", whole), told).fetchall()
        if parts:
            uow.sql(ADD_VARIANTS.replace("__NEW__", fresh).replace("__POSITION__", position), told)
    except psycopg.errors.UniqueViolation as raced:
        raise Transient("product.raced", "somebody else added the same product or SKU just now") from raced
    for (ids,) in parts:
        uow.publish(CatalogueChanged(batch=new_id(), product_ids=tuple(ids), source=source, company=given["company"]))
    return sum(len(ids) for (ids,) in parts)


def _instant(now: datetime) -> bytes:
    """The first six bytes of a UUID of version 7: milliseconds since 1970."""
    return int(now.timestamp() * 1000).to_bytes(6, "big")


def _change_known(uow: UnitOfWork, given: dict[str, Any], sheet: Sheet, done: Imported) -> None:
    found = uow.sql(CHANGED, given)
    left: list[tuple[Any, ...]] = []
    while rows := found.fetchmany(MOST):
        rows = left + rows
        left = [row for row in rows if row[0] == rows[-1][0]]  # the last product may go on
        _upsert(uow, rows[: len(rows) - len(left)], sheet, done)
    _upsert(uow, left, sheet, done)


def _upsert(uow: UnitOfWork, rows: Sequence[tuple[Any, ...]], sheet: Sheet, done: Imported) -> None:
    if not rows:
        return
    products = [list(lines) for _, lines in groupby(rows, key=lambda row: row[0])]
    drafts = [_draft(lines, sheet.header, sheet.company) for lines in products]
    result = upsert_many(
        uow, drafts, source=sheet.source, decided=True, speaks_for=sheet.speaks_for, tells=Tell.BATCH
    )  # fmt: skip
    done.foreign += result.foreign
    done.created += result.created
    done.changed += result.changed
    done.unchanged += len(drafts) - len(result.stands) - len(result.problems)
    for problem in result.problems:
        lines = products[problem.n]
        line = next((row[1] for row in lines if row[2] == problem.key), lines[0][1])
        done.faults.append(
            Fault(line=line, field=problem.field, code=problem.code, said=problem.said, value=problem.key)
        )


def _draft(lines: Sequence[tuple[Any, ...]], header: Header, company: str) -> ProductDraft:
    """The lines of one product as a source's word: the first that says a thing of the product says it for all."""

    def first(n: int) -> Any:
        return next((row[n] for row in lines if row[n] is not None), None)

    statuses = {row[8] for row in lines} - {None}
    options = first(16)
    return ProductDraft(
        code=lines[0][0], company=company, placing="product" in header.fields,
        title=first(3), description=first(4), vendor=first(5), product_type=first(6), tax_code=first(7),
        status=next((one for one in ("active", "draft", "retired") if one in statuses), None),
        options=None if options is None else tuple(key for _, key in header.family("option") if key in options),
        attributes=first(17), images=images_of(first(15)),
        variants=tuple(
            VariantDraft(
                sku=row[2], status=row[8], gtin=row[9], weight=None if row[10] is None else Decimal(row[10]),
                weight_unit=row[11], uom=row[12], units=units_of(row[13]), components=components_of(row[14]),
                options=row[16],
            )
            for row in lines
        ),
    )  # fmt: skip
