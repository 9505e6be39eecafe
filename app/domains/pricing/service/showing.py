"""What channels are to show: what counts there, with promotions that can stand as a price, with tax as they want it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from app.domains.pricing.canonical.prices import Item, QuoteRule
from app.domains.pricing.canonical.promotions import Promotion
from app.domains.pricing.policy.channel_prices import ChannelRule, Counted, ListPrice, Shown, needs_tax, shown
from app.domains.pricing.policy.channel_promotions import Cut, cut, fitting, unit_price
from app.domains.pricing.policy.tax_table import Place, TaxTable
from app.domains.pricing.queries.quoting import promotions_for
from app.domains.pricing.queries.tax import taxes_at
from app.domains.pricing.service.channel_statements import COMING, COUNTED
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError

MOST_INSTANTS = 20  # to come, on one page: each is two or three statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What a channel is to show of some SKUs at one instant; None for those without a price. `amiss` cannot be told."""

    prices: Mapping[str, Shown | None]
    amiss: Mapping[str, HubError]


def showing(uow: UnitOfWork, rule: ChannelRule, skus: Sequence[str], at: datetime | None = None) -> Showing:
    """What a channel is to show of these SKUs, now or at an instant to come."""
    now = at or uow.hub.clock.now()
    found = counted(uow, rule, skus, now)
    promotions, quote_rule = _promotions(uow, rule, found, now, now)
    taxes = _Taxes(uow, rule, now)
    prices: dict[str, Shown | None] = {}
    amiss: dict[str, HubError] = {}
    for one in found:
        try:
            prices[one.sku] = shown(rule, one, taxes.share(one), _cut(rule, one, promotions, quote_rule, taxes))
        except HubError as error:  # nobody says which tax stands between, or a promotion goes below the floor
            amiss[one.sku] = error
    return Showing(prices=prices, amiss=amiss)


def counted(uow: UnitOfWork, rule: ChannelRule, skus: Sequence[str], now: datetime) -> list[Counted]:
    """What counts for each SKU at the channel: one unit's price in the most particular list for everybody there."""
    given = {
        "currency": rule.currency, "company": rule.company, "channel": rule.channel, "compare": rule.compare_list,
        "skus": list(skus), "now": now,
    }  # fmt: skip
    return [
        Counted(sku=row[0], item=_item(*row[1:6]), price=_price(*row[6:9]), compare=_price(*row[9:12]))
        for row in uow.sql(COUNTED, given)
    ]


def coming(uow: UnitOfWork, rule: ChannelRule, skus: Sequence[str]) -> dict[str, tuple[datetime, Shown | None]]:
    """SKU → when the channel is next to show it differently, and what; as lists, promotions and taxes stand now.

    Of many instants the next few are looked at: what begins and changes nothing is passed over.
    """
    instants = _instants(uow, rule, skus)
    now = showing(uow, rule, skus).prices
    found: dict[str, tuple[datetime, Shown | None]] = {}
    for at in sorted({at for ahead in instants.values() for at in ahead})[:MOST_INSTANTS]:
        open_ones = [sku for sku, ahead in instants.items() if at in ahead and sku not in found]
        there = showing(uow, rule, open_ones, at).prices if open_ones else {}
        found |= {sku: (at, price) for sku, price in there.items() if _looks(price) != _looks(now.get(sku))}
    return found


def _instants(uow: UnitOfWork, rule: ChannelRule, skus: Sequence[str]) -> dict[str, set[datetime]]:
    """SKU → the instants to come at which a list or a promotion may change its price at the channel."""
    now = uow.hub.clock.now()
    given = {
        "currency": rule.currency, "company": rule.company, "channel": rule.channel, "compare": rule.compare_list,
        "skus": list(skus), "now": now,
    }  # fmt: skip
    ahead: dict[str, set[datetime]] = {}
    for sku, at in uow.sql(COMING, given):
        ahead.setdefault(sku, set()).add(at)
    found = counted(uow, rule, skus, now)
    promotions, _ = _promotions(uow, rule, found, now, None)
    for one in found:
        for promotion in fitting(promotions, one.sku, one.item):
            times = {at for at in (promotion.from_at, promotion.until_at) if at is not None and at > now}
            ahead.setdefault(one.sku, set()).update(times)
    return ahead


def _looks(price: Shown | None) -> tuple[object, object] | None:
    return None if price is None else (price.amount, price.compare_at)


def _promotions(
    uow: UnitOfWork, rule: ChannelRule, found: Sequence[Counted], at: datetime, until: datetime | None
) -> tuple[tuple[Promotion, ...], QuoteRule]:
    scope = {
        "currency": rule.currency, "company": rule.company, "channel": rule.channel, "customer_group": "", "at": at,
        "until": until,
    }  # fmt: skip
    return promotions_for(uow, scope, {one.sku: one.item for one in found})


def _cut(
    rule: ChannelRule, one: Counted, promotions: Sequence[Promotion], quote_rule: QuoteRule, taxes: _Taxes
) -> Cut | None:
    """What the promotions leave of the price that counts; an item that nothing was said of has those for all."""
    if one.price is None:
        return None
    return cut(
        one.sku, unit_price(one.sku, one.price.amount, rule.currency), fitting(promotions, one.sku, one.item),
        quote_rule, one.item, includes_tax=one.price.includes_tax, price_list=one.price.price_list,
        share=lambda: taxes.of(one.item.tax_code),
    )  # fmt: skip


@dataclass(slots=True)
class _Taxes:
    """The tax between net and gross prices at the channel's own place, read where a price asks for it."""

    uow: UnitOfWork
    rule: ChannelRule
    at: datetime
    table: TaxTable | None = None

    def share(self, counted: Counted) -> Fraction:
        """Raises Refused where the place or the tax code has no rate."""
        return self.of(counted.item.tax_code) if needs_tax(self.rule, counted) else Fraction(0)

    def of(self, tax_code: str) -> Fraction:
        if self.table is None:
            place = Place(country=self.rule.country, region=self.rule.region)
            taxes = taxes_at(
                self.uow, company=self.rule.company, channel=self.rule.channel, customer="", place=place
            )  # fmt: skip
            self.table = taxes.table(self.at)
        return sum((rate.share for rate in self.table.rates_for(tax_code)), Fraction(0))


def _price(code: str | None, amount: Decimal | None, includes_tax: bool | None) -> ListPrice | None:
    if code is None or amount is None:
        return None
    return ListPrice(price_list=code, amount=amount, includes_tax=bool(includes_tax))


def _item(
    category: str | None, product_type: str | None, tax_code: str | None, margin: Decimal | None, cost: Decimal | None
) -> Item:
    return Item(
        category=category or "", product_type=product_type or "", tax_code=tax_code or "", margin=margin, cost=cost
    )
