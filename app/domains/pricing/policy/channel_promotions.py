"""What a promotion makes of the price that a channel shows, and which promotions a channel cannot show as a price."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from app.domains.pricing.canonical.basket import Asked, Basket
from app.domains.pricing.canonical.prices import Item, Offer, Price, QuoteRule, Scope
from app.domains.pricing.canonical.promotions import Kind, Level, Promotion
from app.domains.pricing.canonical.quote import Stage
from app.domains.pricing.canonical.tax import LineTax, TaxQuote, TaxRequest
from app.domains.pricing.policy.quoting import Known, quote
from app.kernel.money import Money, UnitPrice

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What one unit costs after promotions, net or gross as its list is, and the codes of those that took something."""

    amount: Decimal
    promotions: tuple[str, ...]


def why_not_a_price(promotion: Promotion) -> str:
    """Why a channel cannot show what a promotion takes off as the price of an item; empty where it can."""
    if promotion.level is Level.ORDER:
        return "it takes something off the order, not off an item"
    if promotion.kind is Kind.BUY_X_GET_Y:
        return "it hangs on how many items are bought together"
    if promotion.min_quantity > 1:
        return f"it begins at {promotion.min_quantity.normalize():f} units"
    if promotion.min_amount:
        return f"it begins at goods of {promotion.min_amount.normalize():f} {promotion.currency}"
    if promotion.customer_group:
        return f"it is for the group {promotion.customer_group}, and a channel shows one price to all"
    return ""


def fitting(promotions: Iterable[Promotion], sku: str, item: Item) -> tuple[Promotion, ...]:
    """Those that a channel can show as the price of this item."""
    return tuple(
        one
        for one in promotions
        if not why_not_a_price(one) and one.targets.cover(sku, item.category, item.product_type)
    )


def cut(
    sku: str, price: Price, promotions: Sequence[Promotion], rule: QuoteRule, item: Item, *,
    includes_tax: bool, price_list: str, share: Callable[[], Fraction],
) -> Cut | None:  # fmt: skip
    """What a quote says of one unit with these promotions; None where none of them takes anything off.

    `share` is the tax that a net price is raised by: asked only where the floor of a gross price is tested. Raises
    Refused(`pricing.below_floor`) as a quote does.
    """
    if not promotions:
        return None
    currency = price.amount.currency
    tested = item.cost is not None and (item.margin is not None or rule.margin is not None)

    def tax(request: TaxRequest) -> TaxQuote:
        amount = request.lines[0].amount
        net = Money.rounded(Fraction(amount.amount) / (1 + share()), currency) if tested and includes_tax else amount
        return TaxQuote(lines=(LineTax(line_id=sku, net=net, tax=amount - net),), shipping=None, mode="", source="")

    offer = Offer(price_list=price_list, scope=Scope(), includes_tax=includes_tax, price=price)
    basket = Basket(currency=currency, at=LONG_AGO, lines=(Asked(line_id=sku, sku=sku, quantity=Decimal(1)),))
    known = Known(offers={(sku, ""): [offer]}, items={(sku, ""): item}, promotions=tuple(promotions), rule=rule)
    (line,) = quote(basket, known, tax).lines
    codes = tuple(one.rule for one in line.reasons if one.stage is Stage.LINE_PROMOTION)
    return Cut(amount=line.amount.amount, promotions=codes) if line.discount else None


def unit_price(sku: str, amount: Decimal, currency: str) -> Price:
    """A list's price of one unit, whenever it began."""
    return Price(sku=sku, min_quantity=Decimal(1), from_at=LONG_AGO, amount=UnitPrice(amount, currency))
