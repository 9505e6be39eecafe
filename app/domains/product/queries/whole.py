"""Products whole, many in one statement each for products, variants, units and components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.domains.product.canonical import Component, Image, Origin, Product, Unit, Units, Variant
from app.infra.uow import UnitOfWork
from app.kernel import codec
from app.kernel.errors import NotFound

PRODUCTS = """
SELECT id::text, company, code, version, status, title, description, vendor, product_type, tax_code, options,
       attributes, images, origins, changed_at
  FROM product.product WHERE id = ANY(%(ids)s::uuid[])
"""
VARIANTS = """
SELECT product_id::text, id::text, sku, status, uom, position, title, options, attributes, gtin, weight, weight_unit,
       tax_code
  FROM product.variant WHERE product_id = ANY(%(ids)s::uuid[]) ORDER BY product_id, position, sku
"""
UNITS = """
SELECT u.variant_id::text, u.unit, u.numerator, u.denominator, u.gtin
  FROM product.unit_conversion u JOIN product.variant v ON v.id = u.variant_id
 WHERE v.product_id = ANY(%(ids)s::uuid[])
 ORDER BY u.variant_id, u.numerator / u.denominator::numeric, u.unit
"""
COMPONENTS = """
SELECT b.bundle_id::text, c.sku, b.quantity
  FROM product.bundle_component b JOIN product.variant v ON v.id = b.bundle_id
  JOIN product.variant c ON c.id = b.component_id
 WHERE v.product_id = ANY(%(ids)s::uuid[]) ORDER BY b.bundle_id, b.position, c.sku
"""


def products(uow: UnitOfWork, ids: Collection[str]) -> dict[str, Product]:
    """Products by their id; those that are not known are left out."""
    wanted = {"ids": sorted(set(ids))}
    units: dict[str, list[Unit]] = defaultdict(list)
    for variant_id, unit, numerator, denominator, gtin in uow.sql(UNITS, wanted):
        units[variant_id].append(Unit(unit=unit, numerator=numerator, denominator=denominator, gtin=gtin))
    components: dict[str, list[Component]] = defaultdict(list)
    for bundle_id, sku, quantity in uow.sql(COMPONENTS, wanted):
        components[bundle_id].append(Component(sku=sku, quantity=quantity))
    variants: dict[str, list[Variant]] = defaultdict(list)
    for product_id, *row in uow.sql(VARIANTS, wanted):
        variants[product_id].append(_variant(row, units, components))
    return {row[0]: _product(row, variants[row[0]]) for row in uow.sql(PRODUCTS, wanted)}


def product(uow: UnitOfWork, product_id: str) -> Product:
    """Raises NotFound `product.unknown`."""
    found = products(uow, [product_id]).get(product_id)
    if found is None:
        raise unknown(product_id)
    return found


def unknown(key: str) -> NotFound:
    return NotFound("product.unknown", f"no product or SKU {key} is known", about=key)


def _variant(row: Sequence[Any], units: Mapping[str, list[Unit]], parts: Mapping[str, list[Component]]) -> Variant:
    variant_id, sku, status, uom, position, title, options, attributes, gtin, weight, weight_unit, tax_code = row
    return Variant(
        variant_id=variant_id, sku=sku, status=status, uom=uom, position=position, title=title, options=options,
        attributes=attributes, gtin=gtin, weight=weight, weight_unit=weight_unit, tax_code=tax_code,
        units=tuple(units.get(variant_id, ())), components=tuple(parts.get(variant_id, ())),
    )  # fmt: skip


def _product(row: Sequence[Any], variants: Sequence[Variant]) -> Product:
    (
        product_id, company, code, version, status, title, description, vendor, product_type, tax_code, options,
        attributes, images, origins, changed_at,
    ) = row  # fmt: skip
    return Product(
        product_id=product_id, company=company, code=code, version=version, status=status, title=title,
        description=description, vendor=vendor, product_type=product_type, tax_code=tax_code, options=tuple(options),
        attributes=attributes, images=tuple(codec.load(Image, image) for image in images), variants=tuple(variants),
        origins={group: codec.load(Origin, origin) for group, origin in origins.items()}, changed_at=changed_at,
    )  # fmt: skip


COUNTED = """
SELECT v.sku, v.uom, u.unit, u.numerator, u.denominator, u.gtin
  FROM product.variant v LEFT JOIN product.unit_conversion u ON u.variant_id = v.id
 WHERE v.sku = ANY(%(skus)s::text[]) AND v.company = %(company)s ORDER BY v.sku, u.unit
"""


def units(uow: UnitOfWork, skus: Collection[str], *, company: str = "") -> dict[str, Units]:
    """In which units each SKU is counted, for exact conversion; those that are not known are left out."""
    bases: dict[str, str] = {}
    others: dict[str, list[Unit]] = defaultdict(list)
    for sku, base, unit, numerator, denominator, gtin in uow.sql(COUNTED, {"skus": sorted(skus), "company": company}):
        bases[sku] = base
        if unit is not None:
            others[sku].append(Unit(unit=unit, numerator=numerator, denominator=denominator, gtin=gtin))
    return {sku: Units(sku=sku, base=base, others=tuple(others[sku])) for sku, base in bases.items()}


BUNDLES = """
SELECT v.sku, c.sku, b.quantity
  FROM product.bundle_component b JOIN product.variant v ON v.id = b.bundle_id
  JOIN product.variant c ON c.id = b.component_id
 WHERE v.company = %(company)s AND v.sku = ANY(%(skus)s::text[]) ORDER BY v.sku, b.position, c.sku
"""


def components(uow: UnitOfWork, skus: Collection[str], *, company: str = "") -> dict[str, tuple[Component, ...]]:
    """What each bundle among these SKUs is made of, one level down."""
    found: dict[str, list[Component]] = defaultdict(list)
    for sku, part, quantity in uow.sql(BUNDLES, {"skus": sorted(skus), "company": company}):
        found[sku].append(Component(sku=part, quantity=quantity))
    return {sku: tuple(parts) for sku, parts in found.items()}
