"""Stock goods: stock learns from the catalogue what bundles are made of and in which units goods are counted."""

from __future__ import annotations

from collections.abc import Collection
from decimal import ROUND_HALF_EVEN, Decimal

from app.domains.inventory import service as inventory
from app.domains.product import queries as products
from app.domains.product.canonical import Unit, Variant
from app.domains.product.events import CatalogueChanged, ProductChanged
from app.flows.runtime import Ended, Told, step
from app.infra.uow import UnitOfWork

GROUPS = frozenset({"units", "bundle", "structure"})
NOTHING_OF_STOCK = Ended(code="inventory.nothing_of_stock")
EXACT = Decimal("0.00001")  # stock is kept in five decimals


def learn(uow: UnitOfWork, told: Told[ProductChanged]) -> Ended | None:
    """What one product's SKUs are made of and counted in, as they are now."""
    if not (told.fact.created or GROUPS & set(told.fact.changed)):
        return NOTHING_OF_STOCK
    _learn(uow, [told.fact.product_id])
    return None


step("stock_goods.learn", on=ProductChanged, queue="catalogue", do=learn)


def learn_many(uow: UnitOfWork, told: Told[CatalogueChanged]) -> None:
    """The same for what an import changed at once."""
    _learn(uow, told.fact.product_ids)


step("stock_goods.learn_many", on=CatalogueChanged, queue="catalogue", do=learn_many)


def _learn(uow: UnitOfWork, product_ids: Collection[str]) -> None:
    variants = [variant for product in products.products(uow, product_ids).values() for variant in product.variants]
    if variants:
        inventory.learn_bundles(
            uow, {one.sku: {part.sku: part.quantity for part in one.components} for one in variants}
        )
        inventory.learn_units(uow, {one.sku: _factors(one) for one in variants})


def _factors(variant: Variant) -> dict[str, Decimal]:
    """Units whose factor stock can keep exactly; the others stay unknown to it, so a report in them is refused."""
    factors = {variant.uom: Decimal(1)} if variant.uom else {}
    for unit in variant.units:
        factor = _factor(unit)
        if factor * unit.denominator == unit.numerator:
            factors[unit.unit] = factor
    return factors


def _factor(unit: Unit) -> Decimal:
    return (Decimal(unit.numerator) / unit.denominator).quantize(EXACT, rounding=ROUND_HALF_EVEN).normalize() + 0
