"""A batch of drafts as columns: what statements over arrays take, and what a bulk import may fill by itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.domains.product.canonical import Component, Group, ProductDraft, Unit, VariantDraft

PRODUCT: Mapping[str, Group] = {
    "title": Group.TEXT, "description": Group.TEXT, "vendor": Group.CLASS, "product_type": Group.CLASS,
    "tax_code": Group.TAX, "status": Group.STATUS, "options": Group.STRUCTURE, "attributes": Group.ATTRIBUTES,
    "images": Group.IMAGES,
}  # fmt: skip
VARIANT: Mapping[str, Group] = {
    "title": Group.TEXT, "position": Group.STRUCTURE, "options": Group.STRUCTURE, "attributes": Group.ATTRIBUTES,
    "gtin": Group.GTIN, "weight": Group.WEIGHT, "weight_unit": Group.WEIGHT, "uom": Group.UNITS,
    "tax_code": Group.TAX, "status": Group.STATUS,
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Columns:
    """Products, and the variants of them by `owners`, the index of their product.

    A told column has as many values as there are products (`product`) or variants (`variant`), None where nothing was
    told; a column that is left out was not told of any. Objects (`options`, `attributes`, `images`) are JSON texts, in
    `attributes` null takes a key away. Values must have passed the checks of the drafts.
    """

    codes: list[str]
    companies: list[str]
    skus: list[str]
    owners: list[int]
    product: dict[str, list[Any]] = field(default_factory=dict)
    variant: dict[str, list[Any]] = field(default_factory=dict)
    units: dict[int, tuple[Unit, ...]] = field(default_factory=dict)  # by variant
    components: dict[int, tuple[Component, ...]] = field(default_factory=dict)  # by variant
    placing: bool = False
    whole: set[int] = field(default_factory=set)  # products whose other variants are retired

    def only(self, groups: Collection[Group]) -> None:
        """Forget what was told of other groups."""
        self.product = {name: told for name, told in self.product.items() if PRODUCT[name] in groups}
        self.variant = {name: told for name, told in self.variant.items() if VARIANT[name] in groups}
        self.units = self.units if Group.UNITS in groups else {}
        self.components = self.components if Group.BUNDLE in groups else {}

    def products(self, wanted: Sequence[int]) -> dict[str, list[Any]]:
        """The told columns of some products, with None for what was not told."""
        return {name: _pick(self.product.get(name), wanted) for name in PRODUCT}

    def variants(self, wanted: Sequence[int]) -> dict[str, list[Any]]:
        """The told columns of some variants, with None for what was not told."""
        return {name: _pick(self.variant.get(name), wanted) for name in VARIANT}

    def told(self) -> list[set[Group]]:
        """The groups that were told of each product, its variants' among them."""
        found: list[set[Group]] = [set() for _ in self.codes]
        for name, values in self.product.items():
            for n, value in enumerate(values):
                if value is not None:
                    found[n].add(PRODUCT[name])
        for name, values in self.variant.items():
            for owner, value in zip(self.owners, values, strict=True):
                if value is not None:
                    found[owner].add(VARIANT[name])
        for group, told in ((Group.UNITS, self.units), (Group.BUNDLE, self.components)):
            for v in told:
                found[self.owners[v]].add(group)
        return found


def columns_of(drafts: Sequence[ProductDraft], *, placing: bool) -> Columns:
    """Drafts as columns. Variants of a product that is told whole stand as they were told, unless they say where."""
    variants = [variant for draft in drafts for variant in draft.variants]
    made = Columns(
        codes=[draft.code for draft in drafts],
        companies=[draft.company for draft in drafts],
        skus=[variant.sku for variant in variants],
        owners=[n for n, draft in enumerate(drafts) for _ in draft.variants],
        placing=placing,
        whole={n for n, draft in enumerate(drafts) if draft.whole},
    )
    made.product = {name: _told(name, drafts) for name in PRODUCT}
    made.variant = {name: _told(name, variants) for name in VARIANT}
    if made.whole:
        made.variant["position"] = [
            place if told is None and draft.whole else told
            for draft in drafts
            for place, told in enumerate([variant.position for variant in draft.variants], 1)
        ]
    for v, variant in enumerate(variants):
        if variant.units is not None:
            made.units[v] = variant.units
        if variant.components is not None:
            made.components[v] = variant.components
    return made


def _told(name: str, drafts: Iterable[ProductDraft | VariantDraft]) -> list[Any]:
    values = [getattr(draft, name) for draft in drafts]
    if name == "images":
        return [None if one is None else json.dumps([{"url": i.url, "alt": i.alt} for i in one]) for one in values]
    if name == "attributes":
        return [None if one is None else json.dumps({k: v or None for k, v in one.items()}) for one in values]
    if name == "options":
        return [None if one is None else json.dumps(one) for one in values]
    if name == "weight":
        return [None if one is None else Decimal(one) for one in values]
    return values


def _pick(values: list[Any] | None, wanted: Sequence[int]) -> list[Any]:
    return [None] * len(wanted) if values is None else [values[n] for n in wanted]
