"""What the catalogue says that stock needs: what bundles are made of, and how many of the base unit a unit holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from app.domains.inventory.events import OffersChanged
from app.domains.inventory.queries import parts_of
from app.infra.uow import UnitOfWork

Factors = Mapping[str, Decimal]  # unit → how many of the stock-keeping unit one of it holds

FORGET_PARTS = "DELETE FROM inventory.bundle_part WHERE bundle = ANY(%(bundles)s)"
KEEP_PARTS = """
INSERT INTO inventory.bundle_part (bundle, component, quantity)
SELECT * FROM unnest(%(bundles)s::text[], %(components)s::text[], %(quantities)s::numeric[])
"""
KEEP_UNITS = """
WITH given AS (SELECT * FROM unnest(%(skus)s::text[], %(units)s::text[], %(factors)s::numeric[]) g(sku, unit, factor)),
gone AS (
    DELETE FROM inventory.unit u WHERE u.sku = ANY(%(all)s)
       AND NOT EXISTS (SELECT FROM given g WHERE g.sku = u.sku AND g.unit = u.unit))
INSERT INTO inventory.unit AS u (sku, unit, factor) SELECT sku, unit, factor FROM given
    ON CONFLICT (sku, unit) DO UPDATE SET factor = excluded.factor WHERE u.factor <> excluded.factor
"""


def learn_bundles(uow: UnitOfWork, bundles: Mapping[str, Mapping[str, Decimal]]) -> set[str]:
    """Say of each SKU what one of it is made of, nothing where it is no bundle. Returns those that it changed.

    A bundle in a bundle counts as what that one is made of.
    """
    known = parts_of(uow, {*bundles, *(name for parts in bundles.values() for name in parts)})
    wanted = {sku: _single(parts, {**known, **bundles}) for sku, parts in bundles.items()}
    changed = {sku for sku, parts in wanted.items() if parts != known.get(sku, {})}
    if changed:
        rows = [(sku, name, quantity) for sku in sorted(changed) for name, quantity in wanted[sku].items()]
        uow.sql(FORGET_PARTS, {"bundles": sorted(changed)})
        uow.sql(
            KEEP_PARTS,
            {
                "bundles": [row[0] for row in rows], "components": [row[1] for row in rows],
                "quantities": [row[2] for row in rows],
            },
        )  # fmt: skip
    for sku in sorted(changed):
        uow.publish(OffersChanged(channel="", pattern=sku))
    return changed


def learn_units(uow: UnitOfWork, units: Mapping[str, Factors]) -> None:
    """Say of each SKU in which units it is counted; a unit that is not named is not its any more."""
    rows = [(sku, unit, factor) for sku, factors in units.items() for unit, factor in factors.items()]
    uow.sql(
        KEEP_UNITS,
        {
            "all": list(units), "skus": [row[0] for row in rows], "units": [row[1] for row in rows],
            "factors": [row[2] for row in rows],
        },
    )  # fmt: skip


def _single(parts: Mapping[str, Decimal], bundles: Mapping[str, Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """The parts with what each bundle among them is made of in its place, one level deep."""
    single: dict[str, Decimal] = {}
    for name, quantity in parts.items():
        inner: Collection[tuple[str, Decimal]] = bundles.get(name, {}).items() or [(name, Decimal(1))]
        for component, per in inner:
            single[component] = single.get(component, Decimal(0)) + quantity * per
    return single
