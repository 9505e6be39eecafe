"""What a source says of fields that another system owns is left out, and noted as refused or held for a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from app.domains.product.canonical import Group
from app.domains.product.queries import components as kept_components
from app.domains.product.queries import units as kept_units
from app.domains.product.service.batch import Batch
from app.domains.product.service.columns import PRODUCT, VARIANT
from app.domains.product.service.statements import DIFFER_PRODUCTS, DIFFER_VARIANTS
from app.infra.foreign import Foreign, note_foreign
from app.infra.ownership import REFUSE, Owner, foreign_groups
from app.infra.uow import UnitOfWork

ENTITY = "product"
NOT_THE_OWNER = "product.not_the_owner"
Owners = Mapping[str, Mapping[str, Owner]]  # company → group that the source does not own → who does


def leave_foreign_out(uow: UnitOfWork, batch: Batch) -> list[Foreign]:
    """Take out what the source does not own of products that are known, and note what of it differs.

    New products come in whole. Asks nothing where no group is another's. In a batch that speaks for a system, what is
    refused is a problem of its product.
    """
    speaker = batch.speaks_for or ("" if batch.decided else batch.source)
    names = [group.value for group in Group]
    found = {company: foreign_groups(uow, company, ENTITY, names, speaker) for company in {*batch.columns.companies}}
    owners = {company: groups for company, groups in found.items() if groups}
    if not owners:
        return []
    noted = [*_of_products(uow, batch, owners), *_of_variants(uow, batch, owners), *_of_parts(uow, batch, owners)]
    note_foreign(uow, noted)
    return noted


def _of_products(uow: UnitOfWork, batch: Batch, owners: Owners) -> list[Foreign]:
    columns = batch.columns
    wanted = [
        n for n in batch.good_products()
        if batch.product_ids[n] and n not in batch.fresh and columns.companies[n] in owners
    ]  # fmt: skip
    if not wanted:
        return []
    places = {batch.product_ids[n]: n for n in wanted}
    given = {"ids": [batch.product_ids[n] for n in wanted], **columns.products(wanted)}
    noted = []
    for product_id, groups in uow.sql(DIFFER_PRODUCTS, given):
        n = places[product_id]
        told = {name: values[n] for name, values in columns.product.items()}
        noted += _noted(batch, owners, n, groups, _of(told, PRODUCT), f"product {columns.codes[n]}")
    for name, values in columns.product.items():
        for n in wanted:
            if PRODUCT[name] in owners[columns.companies[n]]:
                values[n] = None
    return noted


def _of_variants(uow: UnitOfWork, batch: Batch, owners: Owners) -> list[Foreign]:
    columns = batch.columns
    known = [v for v in batch.good_variants() if batch.variant_ids[v] and batch.company(v) in owners]
    if not known:
        return []
    places = {batch.variant_ids[v]: v for v in known}
    given = {"ids": list(places), "product_ids": [batch.homes[v] for v in known], **columns.variants(known)}
    noted = []
    for variant_id, _, _, _, groups in uow.sql(DIFFER_VARIANTS, given):
        v = places[variant_id]
        told = {name: values[v] for name, values in columns.variant.items()}
        noted += _noted(batch, owners, columns.owners[v], groups, _of(told, VARIANT), f"sku {columns.skus[v]}")
    for name, values in columns.variant.items():
        for v in known:
            if VARIANT[name] in owners[batch.company(v)]:
                values[v] = None
    return noted


def _of_parts(uow: UnitOfWork, batch: Batch, owners: Owners) -> list[Foreign]:
    """Units and components, which are told whole."""
    columns, noted = batch.columns, []
    for company, groups in owners.items():
        mine = [v for v in batch.good_variants() if batch.variant_ids[v] and batch.company(v) == company]
        skus = [columns.skus[v] for v in mine]
        if Group.UNITS in groups and columns.units:
            units = kept_units(uow, skus, company=company)
            for v in mine:
                told = columns.units.pop(v, None)
                if told is not None and {*told} != {*units[columns.skus[v]].others}:
                    said = {"units": [[one.unit, one.numerator, one.denominator, one.gtin] for one in told]}
                    key, of = f"sku {columns.skus[v]}", columns.owners[v]
                    noted += _noted(batch, owners, of, ["units"], {Group.UNITS: said}, key)
        if Group.BUNDLE in groups and columns.components:
            bundles = kept_components(uow, skus, company=company)
            for v in mine:
                parts = columns.components.pop(v, None)
                if parts is not None and {*parts} != {*bundles.get(columns.skus[v], ())}:
                    said = {"components": [[one.sku, one.quantity] for one in parts]}
                    key, of = f"sku {columns.skus[v]}", columns.owners[v]
                    noted += _noted(batch, owners, of, ["bundle"], {Group.BUNDLE: said}, key)
    return noted


def _noted(
    batch: Batch, owners: Owners, n: int, groups: Iterable[str], told: Mapping[Group, Mapping[str, Any]], key: str
) -> list[Foreign]:
    company = batch.columns.companies[n]
    noted = [
        Foreign(
            company=company, entity=ENTITY, group=group, key=key, source=batch.source, owner=owners[company][group],
            told=told.get(Group(group), {}),
        )
        for group in groups if group in owners[company]
    ]  # fmt: skip
    for one in noted if batch.speaks_for else ():
        if one.owner.otherwise == REFUSE:
            said = f"the {one.group} of {key} is {one.owner.owner}'s: change it there, or leave the cell empty"
            batch.refuse(
                n, NOT_THE_OWNER, ", ".join(one.told), said, sku=key.removeprefix("sku ").removeprefix("product ")
            )
    return noted


def _of(told: Mapping[str, Any], groups: Mapping[str, Group]) -> dict[Group, dict[str, Any]]:
    """The told values by their groups; texts that are JSON as what they mean."""
    found: dict[Group, dict[str, Any]] = {}
    for name, value in told.items():
        if value is not None:
            said = json.loads(value) if name in ("options", "attributes", "images") else value
            found.setdefault(groups[name], {})[name] = said
    return found
