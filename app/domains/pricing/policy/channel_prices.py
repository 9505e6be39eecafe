"""The price that a channel shows: the one that counts there, with or without tax, ending as the merchant likes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

from app.domains.pricing.canonical.prices import Item
from app.domains.pricing.policy.channel_promotions import Cut
from app.kernel.errors import Invalid
from app.kernel.money import Money, exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRule:
    """How a channel shows prices: those that its company asks of everybody there, in one currency.

    Where a list is net and the channel is not, or the other way round, the tax of `country` and `region` is added or
    taken out. `compare_list` is the list whose higher price is shown struck through. With an `ending` such as 0.99 a
    price is the lowest one with it that is not below the list's.
    """

    channel: str
    currency: str
    includes_tax: bool
    company: str = ""
    country: str = ""
    region: str = ""
    compare_list: str = ""
    ending: Decimal | None = None
    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """One unit's price in a list, net or gross."""

    price_list: str
    amount: Decimal
    includes_tax: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What counts for a SKU at a channel now; `compare` is the price of the list to compare with."""

    sku: str
    price: ListPrice | None
    compare: ListPrice | None = None
    item: Item = Item()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a channel shows of a SKU, the list that it comes from, and the promotions that took something off."""

    amount: Money
    compare_at: Money | None = None
    price_list: str = ""
    promotions: tuple[str, ...] = ()


def shown(rule: ChannelRule, counted: Counted, tax: Fraction, cut: Cut | None = None) -> Shown | None:
    """What the channel shows, `tax` being the part of a net price that is added to it; None without a price.

    While a promotion counts, the price without it is struck through; else the higher one of the list to compare with.
    """
    if counted.price is None:
        return None
    amount = usual = _amount(rule, counted.price, tax)
    if cut is not None:
        amount = _amount(rule, replace(counted.price, amount=cut.amount), tax)
    compare = _amount(rule, counted.compare, tax) if counted.compare is not None else None
    struck = usual if amount < usual else compare if compare is not None and amount < compare else None
    return Shown(
        amount=amount, compare_at=struck, price_list=counted.price.price_list,
        promotions=cut.promotions if cut is not None else (),
    )  # fmt: skip


def needs_tax(rule: ChannelRule, counted: Counted) -> bool:
    """Whether tax stands between what a list says and what the channel shows."""
    prices = (counted.price, counted.compare)
    return any(price is not None and price.includes_tax is not rule.includes_tax for price in prices)


def check_rule(rule: ChannelRule) -> None:
    """Refuse an ending that the currency cannot show. Raises Invalid(`pricing.channel_rule`)."""
    if rule.ending is None:
        return
    minor = rule.ending.scaleb(exponent(rule.currency))
    if not 0 <= rule.ending < 1 or minor != int(minor):
        said = f"ending: {rule.ending} is no part of one {rule.currency}; give one such as 0.99, or none"
        raise Invalid("pricing.channel_rule", said, about="ending")


def _amount(rule: ChannelRule, price: ListPrice, tax: Fraction) -> Money:
    exact = Fraction(price.amount)
    if price.includes_tax is not rule.includes_tax:
        exact = exact * (1 + tax) if rule.includes_tax else exact / (1 + tax)
    amount = Money.rounded(exact, rule.currency)
    return _ending(amount, rule.ending) if rule.ending is not None and amount else amount


def _ending(amount: Money, ending: Decimal) -> Money:
    one = 10 ** exponent(amount.currency)
    minor = int(ending * one)
    return Money(ceil(Fraction(amount.minor - minor, one)) * one + minor, amount.currency)
