"""SKUs as an order names them, each with what its product says for all of its SKUs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from app.infra.uow import UnitOfWork

ITEMS = """
SELECT DISTINCT ON (v.sku) v.sku, p.code, coalesce(nullif(v.title, ''), p.title), p.description, p.vendor,
       p.product_type, coalesce(nullif(v.tax_code, ''), p.tax_code), v.status, v.gtin, v.weight, v.weight_unit, v.uom
  FROM product.variant v JOIN product.product p ON p.id = v.product_id
 WHERE v.sku = ANY(%(skus)s::text[]) AND v.company IN ('', %(company)s) ORDER BY v.sku, v.company DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is known of one SKU; `weight` is None where nobody said."""

    sku: str
    product: str
    title: str
    description: str
    vendor: str
    product_type: str
    tax_code: str
    status: str
    gtin: str
    weight: Decimal | None
    weight_unit: str
    unit: str


def items(uow: UnitOfWork, company: str, skus: Collection[str]) -> list[Item]:
    """The SKUs that the catalogue knows in a company, by name; one of the company before one of all."""
    names = (
        "sku", "product", "title", "description", "vendor", "product_type", "tax_code", "status", "gtin", "weight",
        "weight_unit", "unit",
    )  # fmt: skip
    rows = uow.sql(ITEMS, {"skus": sorted(set(skus)), "company": company})
    return [Item(**dict(zip(names, row, strict=True))) for row in rows]
