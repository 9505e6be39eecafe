"""What the demo's hub tells its shop: stock of one warehouse, prices of one list, and a promotion that is on now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import ChannelPolicy
from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.domains.pricing.canonical.promotions import Kind, Promotion, Stacking, Targets
from app.domains.pricing.policy.channel_prices import ChannelRule
from app.domains.pricing.queries.channels import channel_rule
from app.domains.pricing.service.channel_prices import set_channel_rule
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.domains.pricing.service.promotions import keep_promotion
from app.domains.pricing.service.tax_rates import put_tax_table
from app.infra.connecting import change_settings
from app.infra.connections import ConnectionRow
from app.infra.uow import UnitOfWork
from app.kernel.money import UnitPrice

# The state rates that the sandbox's shop charges, without counties, and nothing elsewhere.
TAXES = """jurisdiction,title,country,region,zone,name,percent,effective_from
US-CO,Colorado,US,CO,America/Denver,Colorado State Tax,2.9,2026-01-01
US-ME,Maine,US,ME,America/New_York,Maine State Tax,5.5,2026-01-01
US-WA,Washington,US,WA,America/Los_Angeles,Washington State Tax,6.5,2026-01-01
ELSEWHERE,Everywhere else,,,UTC,No tax,0,2026-01-01
"""
CURRENCY, ZONE, LIST = "USD", "America/New_York", "retail"
PROMOTED, WEEK = "MO-TENT-", timedelta(days=7)


def offer(uow: UnitOfWork, shop: str, books: Mapping[str, Any], who: str) -> bool:
    """Let the shop show the hub's stock and prices; false where somebody has said before how it shows prices."""
    if channel_rule(uow, shop) is not None:
        return False
    put_tax_table(uow, TAXES, who)
    _offer_stock(uow, shop, books["locations"][0], who)
    _offer_prices(uow, shop, books["variants"], who)
    return True


def _offer_stock(uow: UnitOfWork, shop: str, place: Mapping[str, Any], who: str) -> None:
    """The shop's first location shows what the warehouse of its code has."""
    row = uow.session.get_one(ConnectionRow, shop)
    change_settings(
        uow, shop, {**row.settings, "stock_figure": "available", "stock_location": str(place["id"])}, who
    )  # fmt: skip
    inventory.set_channel_policy(uow, ChannelPolicy(channel=shop, locations=(place["code"],)), who)


def _offer_prices(uow: UnitOfWork, shop: str, variants: list[Mapping[str, Any]], who: str) -> None:
    """The prices that the shop has become the hub's; tents cost less this week."""
    now = uow.hub.clock.now().replace(second=0, microsecond=0)
    wanted = PriceList(
        code=LIST, title="Shop prices", currency=CURRENCY, scope=Scope(), includes_tax=False, zone=ZONE
    )  # fmt: skip
    keep_list(uow, wanted, who)
    prices = [
        Price(
            sku=one["sku"], min_quantity=Decimal(1), from_at=now,
            amount=UnitPrice(Decimal(one["compare_at_price"] or one["price"]), CURRENCY),
        )
        for one in variants
    ]  # fmt: skip
    keep_prices(uow, LIST, prices, who)
    tents = frozenset(one["sku"] for one in variants if one["sku"].startswith(PROMOTED))
    promotion = Promotion(
        code="tent-week", title="Tents, ten per cent off for a week", kind=Kind.PERCENTAGE, value=Decimal(10),
        channel=shop, targets=Targets(skus=tents), zone=ZONE, from_at=now, until_at=now + WEEK,
        stacking=Stacking(exclusive=True),
    )  # fmt: skip
    keep_promotion(uow, promotion, who)
    set_channel_rule(uow, ChannelRule(channel=shop, currency=CURRENCY, includes_tax=False), who)
