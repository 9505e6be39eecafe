"""Which price counts: customer before group before channel before company, the largest break, the latest beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from zoneinfo import ZoneInfo

from app.domains.pricing.canonical.basket import Asked, Basket
from app.domains.pricing.canonical.prices import Offer, QuoteRule, Rounding, price_text
from app.domains.pricing.canonical.quote import Reason, Stage
from app.kernel.errors import Refused
from app.kernel.money import Half, Money, spread

Offers = Mapping[tuple[str, str], Sequence[Offer]]  # by SKU and unit; live ones whose break the basket reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line at its list price."""

    asked: Asked
    offer: Offer
    amount: Money
    reason: Reason


def choose(offers: Iterable[Offer]) -> Offer | None:
    """The one that counts of those that hold now and whose break is reached."""
    return max(offers, key=lambda one: (one.scope.rank, one.price.min_quantity, one.price.from_at), default=None)


def listed(basket: Basket, offers: Offers, rule: QuoteRule) -> tuple[Listed, ...]:
    """Every line at its list price. Raises Refused(`pricing.no_price`, `pricing.mixed_net_and_gross`)."""
    chosen = {key: choose(offers.get(key, ())) for key in basket.quantities}
    if missing := [f"{sku}{' in ' * bool(unit)}{unit}" for (sku, unit), one in chosen.items() if one is None]:
        raise Refused(
            "pricing.no_price",
            f"no open price list has a price in {basket.currency} for {', '.join(missing)} for this buyer, channel and "
            "quantity now; add one",
            about=f"sku {missing[0]}",
            skus=missing,
        )
    picked = [(line, one) for line in basket.lines if (one := chosen[line.sku, line.unit]) is not None]
    if len({one.includes_tax for _, one in picked}) > 1:
        lists = sorted({f"{one.price_list} ({'gross' if one.includes_tax else 'net'})" for _, one in picked})
        raise Refused(
            "pricing.mixed_net_and_gross",
            f"this basket takes prices from {', '.join(lists)}: discounts cannot be spread over net and gross prices; "
            "let all lists of a buyer be of one kind",
        )
    exact = [Fraction(one.price.amount.amount) * Fraction(line.quantity) for line, one in picked]
    amounts = rounded(exact, basket.currency, rule)
    return tuple(
        Listed(asked=line, offer=one, amount=amount, reason=_reason(one, amount, basket))
        for (line, one), amount in zip(picked, amounts, strict=True)
    )


def rounded(exact: Sequence[Fraction], currency: str, rule: QuoteRule) -> list[Money]:
    """Exact amounts in minor units: each by itself, or their sum rounded once and spread back."""
    if rule.rounding is Rounding.LINE or len(exact) == 1:
        return [Money.rounded(one, currency, rule.half) for one in exact]
    return together(exact, currency, rule.half)


def together(exact: Sequence[Fraction], currency: str, half: Half) -> list[Money]:
    """Exact amounts whose sum is rounded once: each floored, the rest one unit each by largest remainder."""
    if not any(exact):
        return [Money.zero(currency) for _ in exact]
    common = lcm(*(one.denominator for one in exact))
    whole = Money.rounded(sum(exact, Fraction(0)), currency, half)
    return list(spread(whole, [int(one * common) for one in exact]))


def _reason(offer: Offer, amount: Money, basket: Basket) -> Reason:
    price = offer.price
    since = f"{price.from_at.astimezone(ZoneInfo(offer.zone)):%Y-%m-%d %H:%M} {offer.zone}"
    said = f"price list {offer.price_list} for {offer.scope}: {price_text(price.amount)} {basket.currency}"
    if price.min_quantity > Decimal(1):
        said += f" from {price.min_quantity.normalize():f}"
    return Reason(stage=Stage.LIST_PRICE, rule=offer.price_list, said=f"{said}, since {since}", amount=amount)
