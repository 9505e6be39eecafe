"""Catalogue out: a product that changes stands at every channel that lists it, once and the newest.

What a channel requires is looked at first: a product that lacks something waits and says what. A product at a channel
has a lane of its own, in which only the newest change is sent; what was sent already is not sent again. The channel's
ids of its SKUs are kept as bindings, and prices and stock follow by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domains.pricing.events import PriceChanged
from app.domains.pricing.policy.channel_prices import Shown as Price
from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.domains.product.canonical import (
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
from app.flows import listing_ids, price_fan_out
from app.flows.runtime import Answered, Connected, Told, step
from app.flows.sku_names import Names, names_at
from app.infra.bindings import known
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused

VARIANT = price_fan_out.KIND
EVERY, CHOSEN = "all", "chosen"
INCOMPLETE, REFUSED = "product.listing_incomplete", "product.listing_refused"
NOT_SHOWN = "product.not_shown"
FLAG = "channel.listings"
WORDS = {INCOMPLETE: "something that the channel requires is missing", REFUSED: "the channel refused what was sent"}
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


def plan_sending(uow: UnitOfWork, tolds: Sequence[Told[ListingDue]]) -> list[Plan | None]:
    """What is to stand at the channel now; None where that stands already, waits for something, or is nothing."""
    catalogue.lock_listings(uow, {told.fact.listing_id for told in tolds})
    plans = []
    for told in tolds:
        uow.trail = told.trail
        plans.append(_planned(uow, told))
    if None in plans:
        report(uow, tolds[0].connection)
    return plans


def _planned(uow: UnitOfWork, told: Told[ListingDue]) -> Plan | None:
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
    prices = price_fan_out.shown_now(uow, held.channel, [one.sku for one in sold])
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


def record_sending(uow: UnitOfWork, answered: Sequence[Answered[ListingDue, Plan, ListingAnswer]]) -> None:
    """Each stands there, with its ids; or the channel says which fields it does not take."""
    catalogue.lock_listings(uow, {one.plan.held.listing_id for one in answered})
    for one in answered:
        uow.trail = one.told.trail
        _recorded(uow, one.plan, one.answer)
    channel = answered[0].plan.held.channel
    uow.tally("listings_sent", channel, len(answered))
    report(uow, channel)


def _recorded(uow: UnitOfWork, plan: Plan, answer: ListingAnswer) -> None:
    held = plan.held
    if answer.became is ListingBecame.REFUSED:
        catalogue.settle_listing(uow, held, "refuse", code=REFUSED, problems=answer.problems)
    elif answer.became is ListingBecame.ABSENT:
        listing_ids.forget(uow, held)
        catalogue.settle_listing(uow, held, "drop", sent=_sent(plan, ""))
    else:
        listing_ids.learn(uow, held, plan.wish, answer)
        _settle(uow, held, plan.wish.showing, _sent(plan, answer.external_id))


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


def report(uow: UnitOfWork, channel: str) -> None:
    """One case for all products that wait for something, and one for those that were refused, while there are any."""
    for state, code in TOLD.items():
        some = catalogue.some_in(uow, channel, state, SOME + 1)
        if not some:
            end_for(uow, code, f"listings:{channel}:{state}", "every product stands as wished")
            continue
        title = f"{_count(some)} at {channel}: {WORDS[code]}"
        open_case(
            uow, code=code, connection=channel, about=channel, key=f"listings:{channel}:{state}",
            title=title, said=f"{some[0][0]}: {some[0][1]}", facts={"some": dict(some[:SOME])},
        )  # fmt: skip


def _count(some: Sequence[object]) -> str:
    if len(some) > SOME:
        return f"more than {SOME} products"
    return "1 product" if len(some) == 1 else f"{len(some)} products"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


send_to_channel = step(
    "catalogue_out.send_to_channel",
    on=ListingDue, queue="catalogue", at_fact="channel", latest_only=True, port=ListingSink,
    flag=FLAG, plan_many=plan_sending, call=call_sending, record_many=record_sending,
)  # fmt: skip
