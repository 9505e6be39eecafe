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
from app.flows import availability, price_fan_out
from app.flows.order_changes import goods, shortage
from app.flows.sku_names import names_in
from app.infra.bindings import unbind
from app.infra.cases import open_case
from app.infra.uow import UnitOfWork

SERVED = frozenset({State.ACCEPTED, State.POSTED})  # before that nothing is reserved, later the goods have left


def reserve_anew(uow: UnitOfWork, channels: Collection[str], sku: str, waiting: Collection[str]) -> None:
    """Give the channels' orders that wait, or reserved under their SKU, the goods of ours: each whole, or a case."""
    named = {*waiting, *holders_of(uow, sku)}
    standings = {
        one.order_id: one
        for one in orders.lock_many(uow, named)
        if one.channel in channels and one.state in SERVED
    }  # fmt: skip
    found = list(orders.postables(uow, sorted(standings), "").values())
    wanted = [
        (one.standing, goods(one.order, names))
        for one, names in zip(found, names_in(uow, [one.order for one in found]), strict=True)
    ]
    inventory.lock_rows(uow, [f"{sku}|", *(key for _, lines in wanted for _, key in inventory.rows_to_lock(lines))])
    for standing, lines in wanted:
        answer = inventory.adjust(
            uow, standing.order_id, lines, company=standing.company, trail=standing.trail(uow.trail)
        )
        if isinstance(answer, Short):
            _report(uow, standing, answer)
        elif standing.state is State.POSTED:
            inventory.allocate(uow, standing.order_id)


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
