"""Catalogue out: a product that changes stands at every channel that lists it, once and the newest.

What a channel requires is looked at first: a product that lacks something waits and says what. A product at a channel
has a lane of its own, in which only the newest change is sent; what was sent already is not sent again. The channel's
ids of its SKUs are kept as bindings, and prices and stock follow by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domains.inventory.service import outgoing
from app.domains.pricing.events import PriceChanged
from app.domains.pricing.policy.channel_prices import Shown as Price
from app.domains.pricing.service.channel_prices import mark_all
from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.domains.product.canonical import (
    ListedIds,
    ListedVariant,
    ListingAnswer,
    ListingBecame,
    ListingRules,
    ListingWish,
    Missing,
    Product,
    Showing,
    Variant,
)
from app.domains.product.events import CatalogueChanged, ListingDue, ProductChanged
from app.domains.product.lifecycle import ListingState
from app.domains.product.policy import missing_for, showing_of, sold_of
from app.domains.product.ports import ListingSink
from app.flows import availability, price_fan_out
from app.flows.runtime import Connected, Told, step
from app.flows.sku_names import Names, names_at
from app.infra.bindings import Tie, bind_many, keys_of, known, unbind
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused

PRODUCT, VARIANT, ITEM = "product", price_fan_out.KIND, availability.KIND
EVERY, CHOSEN = "all", "chosen"
INCOMPLETE, REFUSED = "product.listing_incomplete", "product.listing_refused"
NOT_SHOWN = "product.not_shown"
FLAG = "channel.listings"
SOME = 20  # products that a case names: with thousands that wait, none is counted for each that does
TOLD = {ListingState.WAITING: INCOMPLETE, ListingState.REJECTED: REFUSED}


def publishing(uow: UnitOfWork) -> list[Connection]:
    """The connections that list products of the hub."""
    every = uow.hub.connections.all(uow.session)
    return [connection for _, connection in sorted(every.items()) if publishes(connection)]


def publishes(connection: Connection) -> str:
    """Which products a connection lists: `all`, those that were `chosen`, or '' for none."""
    named = str(connection.settings.get("publish_products") or "")
    return named if connection.spec.offers(ListingSink) else ""


def publishing_at(uow: UnitOfWork, channel: str) -> Connection:
    """A connection that lists products. Raises NotFound for no connection, Refused `product.lists_nothing`."""
    connection = uow.hub.connections.get(uow.session, channel)
    if not publishes(connection):
        said = f"{channel} lists no products of the hub: set publish_products of the connection to chosen or all"
        raise Refused("product.lists_nothing", said, about=channel)
    return connection


def note(uow: UnitOfWork, tolds: Sequence[Told[ProductChanged]]) -> None:
    """What changed in many transactions becomes due once."""
    _mark(uow, {told.fact.product_id for told in tolds})


def note_import(uow: UnitOfWork, told: Told[CatalogueChanged]) -> None:
    _mark(uow, told.fact.product_ids)


def note_prices(uow: UnitOfWork, tolds: Sequence[Told[PriceChanged]]) -> None:
    """What waits for a price may have one now."""
    if channels := [one.name for one in publishing(uow)]:
        catalogue.mark_priced(uow, channels, {sku for told in tolds for sku in told.fact.skus})


def _mark(uow: UnitOfWork, product_ids: Collection[str]) -> None:
    for one in publishing(uow):
        catalogue.mark_changed(uow, one.name, one.company, product_ids, every=publishes(one) == EVERY)


step("catalogue_out.note", on=ProductChanged, queue="catalogue", ordered=False, do_many=note)
step("catalogue_out.note_import", on=CatalogueChanged, queue="catalogue", do=note_import)
step("catalogue_out.note_prices", on=PriceChanged, queue="catalogue", ordered=False, do_many=note_prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One product on its way to a channel, from its `version`, with digests of all that is sent and of its images."""

    held: catalogue.Held
    wish: ListingWish
    version: int
    fingerprint: str
    pictures: str


def plan_sending(uow: UnitOfWork, told: Told[ListingDue]) -> Plan | None:
    """What is to stand at the channel now; None where that stands already, waits for something, or is nothing."""
    held = catalogue.hold_listing(uow, told.fact.listing_id)
    if held is None or held.state is not ListingState.PENDING:
        return None
    product = products.product(uow, held.product_id)
    channel = uow.hub.connections.get(uow.session, held.channel)
    showing = showing_of(product, wanted=held.wanted, there=bool(held.external_id))
    if showing is None or not publishes(channel):
        catalogue.settle_listing(uow, held, "drop")
        return None
    wish, problems = _wished(uow, held, product, showing, channel.port(ListingSink).rules)
    if problems and (showing is Showing.LIVE or not held.external_id):
        catalogue.settle_listing(uow, held, "wait", code=INCOMPLETE, problems=problems)
        report(uow, held.channel)
        return None
    if problems or showing is Showing.ENDED:  # what is hidden or ended stays as it is otherwise
        wish = replace(wish, options=(), variants=(), gone=(), images=(), fields={})
    fingerprint = _digest(catalogue.plain(wish))
    pictures = _digest(repr(wish.images)) if wish.images else held.pictures
    if fingerprint == held.fingerprint:
        _settle(uow, held, wish.showing)
        return None
    catalogue.try_listing(uow, held)
    wish = replace(wish, sends_images=pictures != held.pictures)
    return Plan(held=held, wish=wish, version=product.version, fingerprint=fingerprint, pictures=pictures)


def _wished(
    uow: UnitOfWork, held: catalogue.Held, product: Product, showing: Showing, rules: ListingRules
) -> tuple[ListingWish, tuple[Missing, ...]]:
    """How a product shall stand there, and what is missing for it."""
    sold = sold_of(product)
    skus = [one.sku for one in product.variants]
    bound = known(uow, held.channel, {VARIANT: skus})[VARIANT]
    names = names_at(uow, held.channel, skus)
    prices = price_fan_out.shown_now(uow, held.channel, [one.sku for one in sold if one.sku not in bound])
    unpriced = {one.sku for one in sold if one.sku not in bound and one.sku not in prices}
    problems = [*missing_for(product, sold, rules, unpriced=unpriced), *_nameless(sold, names)]
    sold_skus = {one.sku for one in sold}
    wish = ListingWish(
        product_id=product.product_id, external_id=held.external_id, showing=showing, title=product.title,
        description=product.description, vendor=product.vendor, product_type=product.product_type,
        options=product.options, images=product.images,
        variants=tuple(_listed(product, one, names, bound, prices) for one in sold),
        gone=tuple(names.get(sku, sku) for sku in skus if sku not in sold_skus),
        fields={name: text for name, ours in sorted(rules.fields.items()) if (text := product.attributes.get(ours))},
    )  # fmt: skip
    return wish, tuple(problems)


def _nameless(sold: Sequence[Variant], names: Names) -> list[Missing]:
    said = "the channel calls another SKU by this name: map this one to its own name there"
    return [Missing(field="sku", sku=one.sku, said=said) for one in sold if names.get(one.sku) == ""]


def _listed(
    product: Product, one: Variant, names: Names, bound: Mapping[str, str], prices: Mapping[str, Price]
) -> ListedVariant:
    price = prices.get(one.sku)
    return ListedVariant(
        sku=one.sku, name=names.get(one.sku, one.sku), gtin=one.gtin, weight=one.weight,
        options={name: one.options.get(name, "") for name in product.options}, weight_unit=one.weight_unit,
        tax_code=one.tax_code or product.tax_code, external_id=bound.get(one.sku, ""),
        price=price.amount if price else None, compare_at=price.compare_at if price else None,
    )  # fmt: skip


def call_sending(connection: Connected, plan: Plan) -> ListingAnswer:
    return connection.port(ListingSink).put(plan.wish)


def record_sending(uow: UnitOfWork, told: Told[ListingDue], plan: Plan, answer: ListingAnswer) -> None:
    """It stands there, with its ids; or the channel says which fields it does not take."""
    held = plan.held
    if answer.became is ListingBecame.REFUSED:
        catalogue.settle_listing(uow, held, "refuse", code=REFUSED, problems=answer.problems)
    elif answer.became is ListingBecame.ABSENT:
        _forget(uow, held)
        catalogue.settle_listing(uow, held, "drop", sent=_sent(plan, ""))
    else:
        _learn(uow, held, plan.wish, answer)
        _settle(uow, held, plan.wish.showing, _sent(plan, answer.external_id))
    uow.tally("listings_sent", held.channel)
    report(uow, held.channel)


def _sent(plan: Plan, external_id: str) -> catalogue.Sent:
    fingerprint = plan.fingerprint if external_id else ""
    return catalogue.Sent(
        external_id=external_id, fingerprint=fingerprint, pictures=plan.pictures, version=plan.version
    )


def _settle(
    uow: UnitOfWork, held: catalogue.Held, showing: Showing, sent: catalogue.Sent | None = None
) -> None:  # fmt: skip
    shown = showing is Showing.LIVE
    catalogue.settle_listing(uow, held, "show" if shown else "pause", code="" if shown else NOT_SHOWN, sent=sent)


def _learn(uow: UnitOfWork, held: catalogue.Held, wish: ListingWish, answer: ListingAnswer) -> None:
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
    for one in fresh:
        mark_all(uow, channel, one.sku)
    if fresh and channel in availability.telling(uow):
        outgoing.mark(uow, [channel], [one.sku for one in fresh])


def _tie(uow: UnitOfWork, channel: str, kind: str, wanted: Mapping[str, str]) -> None:
    """Bind by the channel's own word: what was tied otherwise before is untied first."""
    bound = known(uow, channel, {kind: wanted})[kind]
    fresh = {key: external for key, external in wanted.items() if bound.get(key) != external}
    others = keys_of(uow, kind, [(channel, external) for external in fresh.values()])
    for key in [*(key for key in fresh if key in bound), *others.values()]:
        unbind(uow, channel, kind, key)
    bind_many(uow, [Tie(connection=channel, kind=kind, key=key, external_id=one) for key, one in fresh.items()])


def _forget(uow: UnitOfWork, held: catalogue.Held) -> None:
    unbind(uow, held.channel, PRODUCT, held.product_id)
    _untie(uow, held.channel, [one.sku for one in _product_variants(uow, held)])


def _untie(uow: UnitOfWork, channel: str, skus: Sequence[str]) -> None:
    for kind in (VARIANT, ITEM):
        for sku in skus:
            unbind(uow, channel, kind, sku)


def _product_variants(uow: UnitOfWork, held: catalogue.Held) -> Sequence[Variant]:
    return products.product(uow, held.product_id).variants


def report(uow: UnitOfWork, channel: str) -> None:
    """One case for all products that wait for something, and one for those that were refused, while there are any."""
    words = {INCOMPLETE: "wait for what {} requires", REFUSED: "were refused by {}"}
    for state, code in TOLD.items():
        some = catalogue.some_in(uow, channel, state, SOME + 1)
        if not some:
            end_for(uow, code, f"listings:{channel}:{state}", "every product stands as wished")
            continue
        count = f"more than {SOME}" if len(some) > SOME else str(len(some))
        open_case(
            uow, code=code, connection=channel, about=channel, key=f"listings:{channel}:{state}",
            title=f"{count} products {words[code].format(channel)}", said=f"{some[0][0]}: {some[0][1]}",
            facts={"count": count, "some": dict(some[:SOME])},
        )  # fmt: skip


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


send_to_channel = step(
    "catalogue_out.send_to_channel",
    on=ListingDue, queue="catalogue", at_fact="channel", latest_only=True, port=ListingSink,
    flag=FLAG, plan=plan_sending, call=call_sending, record=record_sending,
)  # fmt: skip
