"""Listing ids: what a channel calls a product and its SKUs is kept; of what is new there price and stock are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domains.inventory.service import outgoing
from app.domains.pricing.service.channel_prices import mark_known
from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.domains.product.canonical import ListedIds, ListingAnswer, ListingWish, Variant
from app.flows import availability, price_fan_out
from app.infra.bindings import Tie, bind_many, keys_of, known, unbind
from app.infra.uow import UnitOfWork

PRODUCT, VARIANT, ITEM = "product", price_fan_out.KIND, availability.KIND


def learn(uow: UnitOfWork, held: catalogue.Held, wish: ListingWish, answer: ListingAnswer) -> None:
    """Keep what the channel calls the product and its SKUs; whose prices and stock it does not know yet, is due."""
    skus = [one.sku for one in answer.variants]
    before = known(uow, held.channel, {ITEM: skus})[ITEM]
    _tie(uow, held.channel, PRODUCT, {held.product_id: answer.external_id})
    _tie(uow, held.channel, VARIANT, {one.sku: one.external_id for one in answer.variants})
    _tie(uow, held.channel, ITEM, {one.sku: one.item_id for one in answer.variants})
    if wish.variants:
        _untie(uow, held.channel, [one.sku for one in _product_variants(uow, held) if one.sku not in skus])
    fresh = [one for one in answer.variants if before.get(one.sku) != one.item_id]
    _follow(uow, held.channel, fresh)


def _follow(uow: UnitOfWork, channel: str, fresh: Sequence[ListedIds]) -> None:
    """Prices and stock of what is new at a channel are due there."""
    skus = [one.sku for one in fresh]
    mark_known(uow, skus)
    if skus and channel in availability.telling(uow):
        outgoing.mark(uow, [channel], skus)


def _tie(uow: UnitOfWork, channel: str, kind: str, wanted: Mapping[str, str]) -> None:
    """Bind by the channel's own word: what was tied otherwise before is untied first."""
    bound = known(uow, channel, {kind: wanted})[kind]
    fresh = {key: external for key, external in wanted.items() if bound.get(key) != external}
    others = keys_of(uow, kind, [(channel, external) for external in fresh.values()])
    for key in [*(key for key in fresh if key in bound), *others.values()]:
        unbind(uow, channel, kind, key)
    bind_many(uow, [Tie(connection=channel, kind=kind, key=key, external_id=one) for key, one in fresh.items()])


def forget(uow: UnitOfWork, held: catalogue.Held) -> None:
    unbind(uow, held.channel, PRODUCT, held.product_id)
    _untie(uow, held.channel, [one.sku for one in _product_variants(uow, held)])


def _untie(uow: UnitOfWork, channel: str, skus: Sequence[str]) -> None:
    for kind in (VARIANT, ITEM):
        for sku in skus:
            unbind(uow, channel, kind, sku)


def _product_variants(uow: UnitOfWork, held: catalogue.Held) -> Sequence[Variant]:
    return products.product(uow, held.product_id).variants
