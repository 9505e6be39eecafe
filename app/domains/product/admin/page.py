"""Everything that the domain keeps of one product, for its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.domains.product.canonical import Product
from app.domains.product.models import Listing, SkuAlias
from app.domains.product.queries import product
from app.infra.uow import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAt:
    """A product, or one of its SKUs, at a channel."""

    connection: str
    sku: str  # '' for the product as a whole
    state: str
    reason: str
    external_id: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPage:
    """One product with where it is listed, what bundles hold it, and what channels call its SKUs."""

    product: Product
    listings: Sequence[ListedAt]
    bundles: Mapping[str, Sequence[str]]  # by SKU: the bundles that hold it
    names: Mapping[str, Sequence[tuple[str, str]]]  # by SKU: connection, and what it is called there


HELD = """
SELECT c.sku, b.sku FROM product.bundle_component h
  JOIN product.variant c ON c.id = h.component_id JOIN product.variant b ON b.id = h.bundle_id
 WHERE c.product_id = %(id)s::uuid ORDER BY 1, 2
"""


def page_of(uow: UnitOfWork, product_id: str) -> ProductPage:
    """Everything about one product, in a fixed number of statements. Raises NotFound `product.unknown`."""
    found = product(uow, product_id)
    skus = {variant.variant_id: variant.sku for variant in found.variants}
    listings = uow.session.scalars(
        select(Listing).filter_by(product_id=product_id).order_by(Listing.connection, Listing.id)
    )
    names: dict[str, list[tuple[str, str]]] = {}
    for alias in uow.session.scalars(
        select(SkuAlias).where(SkuAlias.variant_id.in_(list(skus))).order_by(SkuAlias.connection, SkuAlias.external)
    ):
        names.setdefault(skus[alias.variant_id], []).append((alias.connection, alias.external))
    bundles: dict[str, list[str]] = {}
    for sku, bundle in uow.sql(HELD, {"id": product_id}):
        bundles.setdefault(sku, []).append(bundle)
    return ProductPage(
        product=found, bundles=bundles, names=names,
        listings=[
            ListedAt(
                connection=one.connection, sku=skus.get(one.variant_id or "", ""), state=one.state, reason=one.reason,
                external_id=one.external_id, sent_at=one.sent_at,
            )
            for one in listings
        ],
    )  # fmt: skip
