"""SKU stock: once a channel's SKU is ours, its orders that wait have our goods, and its listing shows our figures."""

from __future__ import annotations

from collections.abc import Collection

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Short
from app.domains.inventory.ports import Became, LevelAnswer
from app.domains.inventory.queries.holders import holders_of
from app.domains.inventory.service import outgoing
from app.domains.orders import service as orders
from app.domains.orders.lifecycle import State
from app.domains.orders.service import Standing
from app.domains.pricing.service import channel_prices
from app.domains.product.events import SkuMapped
from app.flows import availability, price_fan_out
from app.flows.order_changes import goods, shortage
from app.flows.runtime import Told, step
from app.flows.sku_names import names_in
from app.infra.bindings import unbind
from app.infra.cases import open_case
from app.infra.uow import UnitOfWork

AT_ONCE = 200  # orders in one transaction: about a second, while others wait for the SKU
SERVED = frozenset({State.ACCEPTED, State.POSTED})  # before that nothing is reserved, later the goods have left


def tell_orders(uow: UnitOfWork, channel: str, sku: str, waiting: Collection[str]) -> None:
    """Have a channel's orders that wait for a SKU, or reserved under it, given the goods of ours."""
    named = sorted({*waiting, *holders_of(uow, sku)})
    for start in range(0, len(named), AT_ONCE):
        some = tuple(named[start : start + AT_ONCE])
        uow.publish(SkuMapped(connection=channel, external=sku, order_ids=some))


def reserve_anew(uow: UnitOfWork, told: Told[SkuMapped]) -> None:
    """Each order whole, or a case; whether it is posted already or not yet. An order of another channel stays as it is.

    What was mapped otherwise meanwhile counts as it stands now.
    """
    sku = told.fact.external
    standings = {
        one.order_id: one
        for one in orders.lock_many(uow, told.fact.order_ids)
        if one.channel == told.fact.connection and one.state in SERVED
    }  # fmt: skip
    found = list(orders.postables(uow, sorted(standings), "").values())
    wanted = [
        (one.standing, goods(one.order, names))
        for one, names in zip(found, names_in(uow, [one.order for one in found]), strict=True)
    ]
    inventory.lock_rows(uow, [f"{sku}|", *(key for _, lines in wanted for _, key in inventory.rows_to_lock(lines))])
    for standing, lines in wanted:
        answer = inventory.adjust(
            uow, standing.order_id, lines, company=standing.company, trail=standing.trail(told.trail)
        )
        if isinstance(answer, Short):
            _report(uow, standing, answer)
        elif standing.state is State.POSTED:
            inventory.allocate(uow, standing.order_id)


step("sku_stock.reserve_anew", on=SkuMapped, queue="orders", do=reserve_anew)


def _report(uow: UnitOfWork, standing: Standing, answer: Short) -> None:
    """An order that was accepted before anybody knew which goods it wants cannot have them."""
    lack = shortage(answer, standing)
    open_case(
        uow, code=lack.code, about=lack.about, key=f"orders:{standing.order_id}", title=lack.message, said=lack.message,
        facts=lack.facts,
    )  # fmt: skip


def look_anew(uow: UnitOfWork, channel: str, skus: Collection[str]) -> None:
    """A channel's word for these SKUs changed: nothing is known of their listings, which are looked for and told."""
    for sku in skus:
        for kind in (availability.KIND, price_fan_out.KIND):
            unbind(uow, channel, kind, sku)
    if channel in availability.telling(uow):
        gone = [LevelAnswer(sku=sku, became=Became.UNLISTED) for sku in skus]
        outgoing.put_aside(uow, channel, dict.fromkeys(skus, 0), gone, uow.hub.clock.now())
        for sku in sorted(skus):
            outgoing.mark_matching(uow, [channel], sku, anew=True)
    channel_prices.forget_shown(uow, channel, skus)
    for sku in sorted(skus):
        channel_prices.mark_all(uow, channel, sku)
