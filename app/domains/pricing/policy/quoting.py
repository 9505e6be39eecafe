"""A quote: list price, line promotions, order promotions spread, shipping, tax, and the floor tested after all that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domains.pricing.canonical.basket import Basket
from app.domains.pricing.canonical.prices import Item, QuoteRule, Rounding
from app.domains.pricing.canonical.promotions import Promotion
from app.domains.pricing.canonical.quote import Quote, QuotedLine, QuotedShipping, Reason, Stage
from app.domains.pricing.canonical.tax import LineTax, TaxLine, TaxQuote, TaxRequest
from app.domains.pricing.policy import floor
from app.domains.pricing.policy.choosing import Offers, listed
from app.domains.pricing.policy.promoting import promote
from app.domains.pricing.policy.standing import Standing
from app.kernel.errors import Refused
from app.kernel.money import Money, total

Taxing = Callable[[TaxRequest], TaxQuote]
MOST_LOOKS = 12  # a discount given back moves the tax by a unit or two; more looks than that never happen
UNKNOWN = Item()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that a quote of one basket is made from; items by SKU and unit."""

    offers: Offers
    items: Mapping[tuple[str, str], Item]
    promotions: tuple[Promotion, ...]
    rule: QuoteRule


def quote(basket: Basket, known: Known, tax: Taxing) -> Quote:
    """The price of a basket; the same of the same. Raises Refused as its parts do."""
    lines = [
        Standing(
            listed=one, item=known.items.get((one.asked.sku, one.asked.unit), UNKNOWN), amount=one.amount,
            reasons=[one.reason],
        )
        for one in listed(basket, known.offers, known.rule)
    ]  # fmt: skip
    promote(lines, known.promotions, known.rule)
    floor.untested(lines, known.rule)
    for _ in range(MOST_LOOKS):
        taxes = tax(_request(basket, lines))
        if not floor.give_back(lines, {one.line_id: one for one in taxes.lines}, known.rule):
            return _answer(basket, lines, taxes, known.rule)
    raise Refused("pricing.below_floor", "floor and tax do not come to rest: raise the price of the cheapest line")


def _request(basket: Basket, lines: Sequence[Standing]) -> TaxRequest:
    asked = [(line.listed.asked, line) for line in lines]
    return TaxRequest(
        company=basket.company, channel=basket.channel, customer=basket.customer, currency=basket.currency,
        at=basket.at, includes_tax=_includes_tax(lines), country=basket.destination.country,
        region=basket.destination.region, postal_code=basket.destination.postal_code, shipping=basket.shipping,
        lines=tuple(
            TaxLine(
                line_id=one.line_id, sku=one.sku, tax_code=one.tax_code or line.item.tax_code, quantity=one.quantity,
                amount=line.amount,
            )
            for one, line in asked
        ),
    )  # fmt: skip


def _includes_tax(lines: Sequence[Standing]) -> bool:
    return lines[0].listed.offer.includes_tax


def _answer(basket: Basket, lines: Sequence[Standing], taxes: TaxQuote, rule: QuoteRule) -> Quote:
    quoted = tuple(_line(line, its, taxes) for line, its in zip(lines, taxes.lines, strict=True))
    shipping = _shipping(basket.shipping, taxes)
    charged = (*quoted, *(() if shipping is None else (shipping,)))

    def added(amounts: Iterable[Money]) -> Money:
        return total(amounts, basket.currency)

    return Quote(
        currency=basket.currency, at=basket.at, includes_tax=_includes_tax(lines), lines=quoted, shipping=shipping,
        list_amount=added(one.list_amount for one in quoted), discount=added(one.discount for one in quoted),
        net=added(one.net for one in charged), tax=added(one.tax for one in charged),
        gross=added(one.gross for one in charged), rounding=_rounding(rule), tax_mode=taxes.mode,
        tax_source=taxes.source, estimated=taxes.estimated, reason=taxes.reason,
    )  # fmt: skip


def _line(line: Standing, its: LineTax, taxes: TaxQuote) -> QuotedLine:
    asked = line.listed.asked
    return QuotedLine(
        line_id=asked.line_id, sku=asked.sku, unit=asked.unit, quantity=asked.quantity,
        unit_price=line.listed.offer.price.amount, list_amount=line.listed.amount, discount=line.discount,
        amount=line.amount, net=its.net, tax=its.tax, gross=its.net + its.tax, taxes=its,
        reasons=(*line.reasons, *_tax_reasons(its, taxes)),
    )  # fmt: skip


def _shipping(amount: Money | None, taxes: TaxQuote) -> QuotedShipping | None:
    if amount is None or taxes.shipping is None:
        return None
    its = taxes.shipping
    asked = Reason(stage=Stage.SHIPPING, rule="request", said="shipping as the caller gave it", amount=amount)
    return QuotedShipping(
        amount=amount, net=its.net, tax=its.tax, gross=its.net + its.tax, taxes=its,
        reasons=(asked, *_tax_reasons(its, taxes)),
    )  # fmt: skip


def _tax_reasons(its: LineTax, taxes: TaxQuote) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            stage=Stage.TAX, rule=f"{part.jurisdiction} {part.name}",
            said=f"{part.name} {part.percent.normalize():f} % of {part.jurisdiction}, {taxes.mode}"
            + (f", exempt by certificate {part.certificate}" if part.certificate else ""),
            amount=part.amount,
        )
        for part in its.parts
    )  # fmt: skip


def _rounding(rule: QuoteRule) -> str:
    where = "the sum of the order" if rule.rounding is Rounding.ORDER else "each line"
    return f"amounts and percentages: {where}, half {rule.half}, by {rule.name}"
