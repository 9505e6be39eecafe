"""What a product says of itself reaches pricing: promotions find its type and category, and tax its code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domains.pricing.service.items import KeptItem, classify
from app.domains.product.events import CatalogueChanged, ProductChanged
from app.domains.product.queries.whole import products
from app.flows.runtime import Told, step
from app.infra.uow import UnitOfWork

CATEGORY = "category"  # the attribute that holds it


def know_products(uow: UnitOfWork, told: Sequence[Told[ProductChanged]]) -> None:
    know(uow, [one.fact.product_id for one in told])


def know_catalogue(uow: UnitOfWork, told: Sequence[Told[CatalogueChanged]]) -> None:
    know(uow, [product_id for one in told for product_id in one.fact.product_ids])


def know(uow: UnitOfWork, product_ids: Iterable[str]) -> None:
    """Keep type, category and tax code of every SKU of these products, as they are now."""
    found = products(uow, sorted(set(product_ids)))
    classify(
        uow,
        [
            KeptItem(
                sku=variant.sku, product_type=product.product_type,
                category=variant.attributes.get(CATEGORY) or product.attributes.get(CATEGORY, ""),
                tax_code=variant.tax_code or product.tax_code,
            )
            for product in found.values()
            for variant in product.variants
        ],
    )  # fmt: skip


know_product = step("price_items.know_product", on=ProductChanged, queue="catalogue", do_many=know_products)
know_import = step("price_items.know_import", on=CatalogueChanged, queue="catalogue", do_many=know_catalogue)
