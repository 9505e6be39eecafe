"""All that a quote is made from, in two statements however many lines the basket has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domains.pricing.canonical.basket import Basket
from app.domains.pricing.canonical.prices import Floor, Item, Offer, Price, QuoteRule, Rounding, Scope
from app.domains.pricing.canonical.promotions import Promotion
from app.domains.pricing.policy.quoting import Known
from app.domains.pricing.queries.promotions import COLUMNS, promotion_of
from app.infra.uow import UnitOfWork
from app.kernel.money import Half, UnitPrice

# The buyer's lists come first, fenced: among thousands of contract lists no plan may begin with a SKU's prices in all.
PRICES = """
WITH lists AS MATERIALIZED (
     SELECT l.id, l.code, l.company, l.channel, l.customer_group, l.customer, l.includes_tax, l.zone
       FROM pricing.price_list l
      WHERE l.open AND l.currency = %(currency)s AND l.company IN ('', %(company)s)
        AND l.channel IN ('', %(channel)s) AND l.customer_group IN ('', %(customer_group)s)
        AND l.customer IN ('', %(customer)s))
SELECT w.sku, w.unit, i.category, i.product_type, i.tax_code, i.margin, c.amount,
       o.code, o.company, o.channel, o.customer_group, o.customer, o.includes_tax, o.zone,
       o.min_quantity, o.from_at, o.until_at, o.amount
  FROM unnest(%(skus)s::text[], %(units)s::text[], %(quantities)s::numeric[]) AS w (sku, unit, quantity)
  LEFT JOIN pricing.item i ON i.sku = w.sku
  LEFT JOIN pricing.cost c ON (c.sku, c.unit, c.currency) = (w.sku, w.unit, %(currency)s)
  LEFT JOIN LATERAL (
       SELECT l.*, p.* FROM lists l CROSS JOIN LATERAL (
              SELECT p.min_quantity, p.from_at, p.until_at, p.amount FROM pricing.price p
               WHERE p.list_id = l.id AND p.sku = w.sku AND p.unit = w.unit AND p.min_quantity <= w.quantity
                 AND p.from_at <= %(at)s AND (p.until_at IS NULL OR p.until_at > %(at)s) OFFSET 0) p) o ON true
"""
# Only promotions that some line can have, and of their targets only what the basket names: a promotion may name
# thousands of SKUs.
PROMOTIONS = f"""
SELECT r.company, r.channel, r.rounding, r.half, r.margin, r.floor, {COLUMNS},
       ARRAY(SELECT s FROM unnest(%(skus)s::text[]) s WHERE p.skus ? s),
       ARRAY(SELECT s FROM unnest(%(categories)s::text[]) s WHERE p.categories ? s),
       ARRAY(SELECT s FROM unnest(%(product_types)s::text[]) s WHERE p.product_types ? s)
  FROM (VALUES (1)) AS one
  LEFT JOIN LATERAL (
       SELECT * FROM pricing.quote_rule q
        WHERE q.company IN ('', %(company)s) AND q.channel IN ('', %(channel)s)
        ORDER BY q.channel DESC, q.company DESC LIMIT 1) r ON true
  LEFT JOIN pricing.promotion p
    ON p.open AND p.from_at <= coalesce(%(until)s, p.from_at) AND (p.until_at IS NULL OR p.until_at > %(at)s)
   AND p.currency IN ('', %(currency)s) AND p.company IN ('', %(company)s) AND p.channel IN ('', %(channel)s)
   AND p.customer_group IN ('', %(customer_group)s)
   AND ((p.skus = '[]' AND p.categories = '[]' AND p.product_types = '[]')
        OR p.skus ?| %(skus)s::text[] OR p.categories ?| %(categories)s::text[]
        OR p.product_types ?| %(product_types)s::text[])
"""
RULE_COLUMNS, ITEM_COLUMNS = 6, 7


def known(uow: UnitOfWork, basket: Basket) -> Known:
    """What holds for a basket at its instant: prices, items, promotions and the rule of quotes."""
    wanted = basket.quantities
    scope = {
        "currency": basket.currency, "company": basket.company, "channel": basket.channel, "at": basket.at,
        "customer_group": basket.customer_group, "customer": basket.customer,
    }  # fmt: skip
    given = {
        "skus": [sku for sku, _ in wanted],
        "units": [unit for _, unit in wanted],
        "quantities": list(wanted.values()),
    }
    offers: dict[tuple[str, str], list[Offer]] = {}
    items: dict[tuple[str, str], Item] = {}
    for row in uow.sql(PRICES, {**scope, **given}):
        items[row[0], row[1]] = _item(row)
        if row[ITEM_COLUMNS] is not None:
            offers.setdefault((row[0], row[1]), []).append(_offer(row, basket.currency))
    promotions, rule = promotions_for(uow, {**scope, "until": basket.at}, {sku: one for (sku, _), one in items.items()})
    return Known(offers=offers, items=items, promotions=promotions, rule=rule)


def promotions_for(
    uow: UnitOfWork, scope: Mapping[str, Any], items: Mapping[str, Item]
) -> tuple[tuple[Promotion, ...], QuoteRule]:
    """The promotions that some of these items can have from instant `at` to `until` or ever, and the rule of quotes.

    `scope` has these two, currency, company, channel and customer_group. Of the targets only what the items name.
    """
    targets = {
        "skus": sorted(items),
        "categories": sorted({item.category for item in items.values() if item.category}),
        "product_types": sorted({item.product_type for item in items.values() if item.product_type}),
    }
    found = uow.sql(PROMOTIONS, {**scope, **targets}).fetchall()
    return _promotions(found), _rule(found[0])


def _item(row: Sequence[Any]) -> Item:
    _, _, category, product_type, tax_code, margin, cost = row[:ITEM_COLUMNS]
    return Item(
        category=category or "", product_type=product_type or "", tax_code=tax_code or "", margin=margin, cost=cost
    )


def _offer(row: Sequence[Any], currency: str) -> Offer:
    code, company, channel, group, customer, includes_tax, zone, least, from_at, until_at, amount = row[ITEM_COLUMNS:]
    price = Price(
        sku=row[0], unit=row[1], min_quantity=least, from_at=from_at, until_at=until_at,
        amount=UnitPrice(amount, currency),
    )  # fmt: skip
    scope = Scope(company=company, channel=channel, customer_group=group, customer=customer)
    return Offer(price_list=code, scope=scope, includes_tax=includes_tax, zone=zone, price=price)


def _promotions(rows: Sequence[Sequence[Any]]) -> tuple[Promotion, ...]:
    return tuple(promotion_of(row[RULE_COLUMNS:]) for row in rows if row[RULE_COLUMNS] is not None)


def _rule(row: Sequence[Any]) -> QuoteRule:
    company, channel, rounding, half, margin, floor = row[:RULE_COLUMNS]
    if company is None:
        return QuoteRule()
    named = " ".join(part for part in (channel and f"channel {channel}", company and f"company {company}") if part)
    return QuoteRule(
        name=f"the quote rule of {named or 'everybody'}", rounding=Rounding(rounding), half=Half(half), margin=margin,
        floor=Floor(floor),
    )  # fmt: skip
