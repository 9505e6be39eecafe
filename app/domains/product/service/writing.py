"""A judged batch, written: new products and variants, then changes, then one version more for each product."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domains.product.canonical import Group
from app.domains.product.lifecycle import Status
from app.domains.product.service.batch import Batch
from app.domains.product.service.statements import (
    ADD_PRODUCTS,
    ADD_VARIANTS,
    CHANGE_COMPONENTS,
    CHANGE_PRODUCTS,
    CHANGE_UNITS,
    CHANGE_VARIANTS,
    EMPTY_HOMES,
    RETIRE_OTHERS,
)
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A product as a batch left it. `was` is its status before, '' for a new one."""

    product_id: str
    code: str
    company: str
    version: int
    status: str
    was: str
    changed: frozenset[Group]


@dataclass(slots=True)
class Written:
    """What a batch wrote: products that are new or changed, and the variants that it retired."""

    stands: list[Stands] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)  # ids of variants


def write(uow: UnitOfWork, batch: Batch, now: datetime) -> Written:
    """Write what was judged good. Raises Transient `product.raced` where somebody else made the same SKU meanwhile."""
    told = batch.columns.told()
    added = _add_products(uow, batch, told, now)
    _add_variants(uow, batch)
    written = Written(retired=_change_variants(uow, batch))
    _retire_others(uow, batch, written)
    _change_units(uow, batch)
    _change_components(uow, batch)
    for n in added:
        batch.changed.pop(batch.product_ids[n], None)  # all of it was told with its making
        status = (batch.columns.product.get("status") or [None] * (n + 1))[n] or Status.DRAFT.value
        written.stands.append(
            Stands(
                product_id=batch.product_ids[n], code=batch.columns.codes[n], company=batch.columns.companies[n],
                version=1, status=status, was="", changed=frozenset(told[n]),
            )
        )  # fmt: skip
    _change_products(uow, batch, written, now)
    _empty_homes(uow, batch, written, now)
    return written


def _mark(groups: set[Group], source: str, now: datetime, made: dict[frozenset[Group], str]) -> str:
    """The origins of groups, as JSON; one text for every product of which the same groups were told."""
    key = frozenset(groups)
    if key not in made:
        mark = {"source": source, "at": now.isoformat()}
        made[key] = json.dumps({group.value: mark for group in sorted(key)})
    return made[key]


def _add_products(uow: UnitOfWork, batch: Batch, told: Sequence[set[Group]], now: datetime) -> list[int]:
    """Make the products that are new; returns their places in the batch."""
    columns = batch.columns
    fresh = sorted(batch.fresh - batch.problems.keys())
    made: dict[frozenset[Group], str] = {}
    given: dict[str, Any] = {
        "ids": [batch.product_ids[n] for n in fresh],
        "codes": [columns.codes[n] for n in fresh],
        "companies": [columns.companies[n] for n in fresh],
        "origins": [_mark(told[n], batch.source, now, made) for n in fresh],
        "now": now,
        **columns.products(fresh),
    }
    _all_of(uow.sql(ADD_PRODUCTS, given).rowcount if fresh else 0, fresh)
    return fresh


def _add_variants(uow: UnitOfWork, batch: Batch) -> None:
    columns = batch.columns
    fresh = [v for v in batch.good_variants() if not batch.variant_ids[v]]
    if not fresh:
        return
    statuses, places, last = columns.product.get("status"), [], dict[int, int]()
    for v in fresh:
        last[columns.owners[v]] = last.get(columns.owners[v], 0) + 1
        places.append(last[columns.owners[v]])
        batch.variant_ids[v] = new_id()
    given: dict[str, Any] = {
        "ids": [batch.variant_ids[v] for v in fresh],
        "product_ids": [batch.home(v) for v in fresh],
        "skus": [columns.skus[v] for v in fresh],
        "companies": [batch.company(v) for v in fresh],
        "otherwise": [(statuses and statuses[columns.owners[v]]) or Status.DRAFT.value for v in fresh],
        "places": places,
        **columns.variants(fresh),
    }
    _all_of(uow.sql(ADD_VARIANTS, given).rowcount, fresh)
    for v in fresh:
        if batch.home(v) in batch.locked:
            batch.note(batch.home(v), {Group.STRUCTURE})


def _all_of(rows: int, wanted: Sequence[int]) -> None:
    if rows != len(wanted):
        raise Transient("product.raced", "somebody else added the same product or SKU just now: it is tried again")


def _change_variants(uow: UnitOfWork, batch: Batch) -> list[str]:
    """Write the variants that differ; returns those that were retired."""
    columns = batch.columns
    differ = [v for v in batch.good_variants() if v in batch.differ]
    if not differ:
        return []
    given: dict[str, Any] = {
        "ids": [batch.variant_ids[v] for v in differ],
        "product_ids": [batch.home(v) for v in differ],
        **columns.variants(differ),
    }
    uow.sql(CHANGE_VARIANTS, given)
    statuses = columns.variant.get("status")
    return [
        batch.variant_ids[v]
        for v in differ
        if statuses and Group.STATUS in batch.differ[v] and statuses[v] == Status.RETIRED
    ]


def _retire_others(uow: UnitOfWork, batch: Batch, written: Written) -> None:
    whole = [batch.product_ids[n] for n in sorted(batch.columns.whole - batch.problems.keys()) if batch.product_ids[n]]
    if not whole:
        return
    named = [variant_id for variant_id in batch.variant_ids if variant_id]
    for product_id, variant_id in uow.sql(RETIRE_OTHERS, {"products": whole, "named": named}).fetchall():
        written.retired.append(variant_id)
        batch.note(product_id, {Group.STATUS})


def _change_units(uow: UnitOfWork, batch: Batch) -> None:
    told = [v for v in batch.columns.units if batch.columns.owners[v] not in batch.problems]
    if not told:
        return
    units = [(v, unit) for v in told for unit in batch.columns.units[v]]
    given = {
        "told": [batch.variant_ids[v] for v in told],
        "variants": [batch.variant_ids[v] for v, _ in units],
        "names": [unit.unit for _, unit in units],
        "numerators": [unit.numerator for _, unit in units],
        "denominators": [unit.denominator for _, unit in units],
        "gtins": [unit.gtin for _, unit in units],
    }
    _note_variants(batch, told, [row[0] for row in uow.sql(CHANGE_UNITS, given).fetchall()], Group.UNITS)


def _change_components(uow: UnitOfWork, batch: Batch) -> None:
    told = [v for v in batch.columns.components if batch.columns.owners[v] not in batch.problems]
    if not told:
        return
    parts = [(v, place, part) for v in told for place, part in enumerate(batch.columns.components[v], 1)]
    given = {
        "told": [batch.variant_ids[v] for v in told],
        "variants": [batch.variant_ids[v] for v, _, _ in parts],
        "skus": [part.sku for _, _, part in parts],
        "companies": [batch.company(v) for v, _, _ in parts],
        "quantities": [part.quantity for _, _, part in parts],
        "places": [place for _, place, _ in parts],
    }
    _note_variants(batch, told, [row[0] for row in uow.sql(CHANGE_COMPONENTS, given).fetchall()], Group.BUNDLE)


def _note_variants(batch: Batch, told: Sequence[int], changed: Sequence[str], group: Group) -> None:
    places = {batch.variant_ids[v]: v for v in told}
    for variant_id in changed:
        batch.note(batch.home(places[variant_id]), {group})


def _change_products(uow: UnitOfWork, batch: Batch, written: Written, now: datetime) -> None:
    """One version more, and the new content, for each product that was there and is not what it was."""
    ids = sorted(batch.changed)
    if not ids:
        return
    places = {batch.product_ids[n]: n for n in batch.good_products() if batch.product_ids[n]}
    told = batch.columns.products([places.get(product_id, -1) for product_id in ids])
    for values in told.values():
        for i, product_id in enumerate(ids):
            if product_id not in places:
                values[i] = None
    made: dict[frozenset[Group], str] = {}
    given: dict[str, Any] = {
        "ids": ids, "origins": [_mark(batch.changed[one], batch.source, now, made) for one in ids], "now": now, **told,
    }  # fmt: skip
    for product_id, code, company, version, status in uow.sql(CHANGE_PRODUCTS, given).fetchall():
        written.stands.append(
            Stands(
                product_id=product_id, code=code, company=company, version=version, status=status,
                was=batch.locked[product_id].status, changed=frozenset(batch.changed[product_id]),
            )
        )  # fmt: skip


def _empty_homes(uow: UnitOfWork, batch: Batch, written: Written, now: datetime) -> None:
    """Retire the products that placing left without a SKU."""
    left = {batch.homes[v] for v in batch.good_variants() if batch.homes[v] and batch.homes[v] != batch.home(v)}
    if not left:
        return
    for product_id, code, company, version in uow.sql(EMPTY_HOMES, {"ids": sorted(left), "now": now}).fetchall():
        written.stands = [one for one in written.stands if one.product_id != product_id]
        written.stands.append(
            Stands(
                product_id=product_id, code=code, company=company, version=version, status=Status.RETIRED,
                was=batch.locked[product_id].status, changed=frozenset({Group.STRUCTURE, Group.STATUS}),
            )
        )  # fmt: skip
