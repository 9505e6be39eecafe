"""What happened to products. Facts stay small: whoever needs the product reads it."""

from __future__ import annotations

from app.kernel.events import Fact, event


@event("product.product_changed", version=1, key="product_id")
class ProductChanged(Fact):
    """A product became known (`created`), or is not what it was. `changed` names groups of fields: text, gtin, …"""

    product_id: str
    code: str
    version: int
    changed: tuple[str, ...]
    source: str  # who told: a connection, or a person's name
    company: str = ""
    created: bool = False


@event("product.product_retired", version=1, key="product_id")
class ProductRetired(Fact):
    """A product is not sold any more, or some of its SKUs are not; `whole` where none is left."""

    product_id: str
    code: str
    version: int
    skus: tuple[str, ...]
    company: str = ""
    whole: bool = False


@event("product.catalogue_changed", version=1, key="batch")
class CatalogueChanged(Fact):
    """A bulk import changed these products, at most a thousand; nothing else is told of each of them but retiring."""

    batch: str
    product_ids: tuple[str, ...]
    source: str
    company: str = ""


@event("product.listing_due", version=1, key="listing_id")
class ListingDue(Fact):
    """A product at a channel may have to be shown there differently; what counts is how it stands when it is sent."""

    listing_id: str
    product_id: str
    channel: str


@event("product.listing_changed", version=1, key="listing_id")
class ListingChanged(Fact):
    """A listing stands differently: live, waiting for what is missing, rejected, paused, or not there any more."""

    listing_id: str
    product_id: str
    channel: str
    state: str
    was: str
    external_id: str = ""


@event("product.sku_mapped", version=1, key="external")
class SkuMapped(Fact):
    """A channel's SKU `external` is one of ours from now on; these orders, at most 200, wait or reserved under it."""

    connection: str
    external: str
    order_ids: tuple[str, ...]
