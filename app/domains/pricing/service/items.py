"""What pricing keeps about items: what promotions, tax and the floor ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.domains.pricing.canonical.prices import MOST
from app.domains.pricing.service.channel_prices import mark_known
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid
from app.kernel.money import UnitPrice

ITEMS = """
INSERT INTO pricing.item AS i (sku, category, product_type, tax_code, margin)
SELECT * FROM unnest(%(skus)s::text[], %(categories)s::text[], %(types)s::text[], %(codes)s::text[],
                     %(margins)s::numeric[])
    ON CONFLICT (sku) DO UPDATE
   SET (category, product_type, tax_code, margin, changed_at)
     = (excluded.category, excluded.product_type, excluded.tax_code, excluded.margin, now())
 WHERE (i.category, i.product_type, i.tax_code, i.margin)
       IS DISTINCT FROM (excluded.category, excluded.product_type, excluded.tax_code, excluded.margin)
RETURNING i.sku
"""
# A product that does not say what its category is leaves the one that somebody said.
CLASSES = """
INSERT INTO pricing.item AS i (sku, category, product_type, tax_code)
SELECT * FROM unnest(%(skus)s::text[], %(categories)s::text[], %(types)s::text[], %(codes)s::text[])
             AS g (sku, category, product_type, tax_code)
 ORDER BY g.sku
    ON CONFLICT (sku) DO UPDATE
   SET category = coalesce(nullif(excluded.category, ''), i.category),
       product_type = coalesce(nullif(excluded.product_type, ''), i.product_type),
       tax_code = coalesce(nullif(excluded.tax_code, ''), i.tax_code), changed_at = now()
 WHERE (excluded.category NOT IN ('', i.category)) OR (excluded.product_type NOT IN ('', i.product_type))
    OR (excluded.tax_code NOT IN ('', i.tax_code))
RETURNING i.sku
"""
COSTS = """
INSERT INTO pricing.cost AS c (sku, unit, currency, amount)
SELECT * FROM unnest(%(skus)s::text[], %(units)s::text[], %(currencies)s::text[], %(amounts)s::numeric[])
    ON CONFLICT (sku, unit, currency) DO UPDATE SET amount = excluded.amount
 WHERE c.amount IS DISTINCT FROM excluded.amount
RETURNING c.sku
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptItem:
    """A SKU with its category, product type, tax code and own margin, and its costs by unit of measure."""

    sku: str
    category: str = ""
    product_type: str = ""
    tax_code: str = ""
    margin: Decimal | None = None
    costs: tuple[tuple[str, UnitPrice], ...] = field(default=())


def keep_items(uow: UnitOfWork, items: Sequence[KeptItem]) -> int:
    """Keep what is known of items; gives how many items changed. A cost that is not named stays as it was."""
    skus = [one.sku for one in items]
    if len(set(skus)) < len(skus) or "" in skus:
        raise Invalid("pricing.item", "sku: each item has one, and comes once; add up what is said of it")
    wrong = next((one.sku for one in items for _, cost in one.costs if not 0 <= cost.amount < MOST), None)
    if wrong is not None:
        raise Invalid("pricing.item", f"cost: {wrong} has a cost that lies not from 0 to {MOST:E}")
    changed = uow.sql(
        ITEMS,
        {
            "skus": skus, "categories": [one.category for one in items], "types": [one.product_type for one in items],
            "codes": [one.tax_code for one in items], "margins": [one.margin for one in items],
        },
    ).fetchall()  # fmt: skip
    costs = {(one.sku, unit, cost.currency): cost.amount for one in items for unit, cost in one.costs}
    dearer = uow.sql(
        COSTS,
        {
            "skus": [key[0] for key in costs], "units": [key[1] for key in costs],
            "currencies": [key[2] for key in costs], "amounts": list(costs.values()),
        },
    ).fetchall()  # fmt: skip
    mark_known(uow, {row[0] for row in (*changed, *dearer)})
    return len(changed)


def classify(uow: UnitOfWork, items: Sequence[KeptItem]) -> int:
    """Keep category, type and tax code of items, where they have one; costs and margins stay. Gives how many changed.

    Of items with one SKU the last counts.
    """
    rows = list({one.sku: one for one in items}.values())
    changed = uow.sql(
        CLASSES,
        {
            "skus": [one.sku for one in rows], "categories": [one.category for one in rows],
            "types": [one.product_type for one in rows], "codes": [one.tax_code for one in rows],
        },
    ).fetchall()  # fmt: skip
    mark_known(uow, {row[0] for row in changed})
    return len(changed)
