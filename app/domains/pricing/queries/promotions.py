"""Promotions as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.domains.pricing.canonical.prices import Floor, QuoteRule, Rounding
from app.domains.pricing.canonical.promotions import Kind, Level, Promotion, Stacking, Targets
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound
from app.kernel.money import Half

COLUMNS = (
    "p.code, p.title, p.kind, p.level, p.value, p.currency, p.buy, p.get, p.most_times, p.company, p.channel, "
    "p.customer_group, p.min_quantity, p.min_amount, p.zone, p.from_at, p.until_at, p.exclusive, p.best_of, "
    "p.stacks_with, p.priority, p.open"
)
TARGETS = "p.skus, p.categories, p.product_types"
MOST = 500


def promotion_of(row: Sequence[Any]) -> Promotion:
    """A promotion from its columns and its targets, in that order."""
    (
        code, title, kind, level, value, currency, buy, get, most_times, company, channel, group, min_quantity,
        min_amount, zone, from_at, until_at, exclusive, best_of, stacks_with, priority, is_open, skus, categories,
        product_types,
    ) = row  # fmt: skip
    return Promotion(
        code=code, title=title, kind=Kind(kind), level=Level(level), value=value, currency=currency, buy=buy, get=get,
        most_times=most_times, company=company, channel=channel, customer_group=group, min_quantity=min_quantity,
        min_amount=min_amount, zone=zone, from_at=from_at, until_at=until_at, open=is_open,
        targets=Targets(
            skus=frozenset(skus), categories=frozenset(categories), product_types=frozenset(product_types)
        ),
        stacking=Stacking(
            exclusive=exclusive, best_of=best_of, stacks_with=frozenset(stacks_with), priority=priority
        ),
    )  # fmt: skip


def promotions(uow: UnitOfWork, *, after: str = "", most: int = MOST) -> list[Promotion]:
    """Promotions by their code, those that ended too."""
    rows = uow.sql(
        f"SELECT {COLUMNS}, {TARGETS} FROM pricing.promotion p WHERE p.code > %(after)s ORDER BY p.code LIMIT %(most)s",
        {"after": after, "most": most},
    )
    return [promotion_of(row) for row in rows]


def promotion(uow: UnitOfWork, code: str) -> Promotion:
    """One promotion. Raises NotFound(`pricing.unknown_promotion`)."""
    row = uow.sql(
        f"SELECT {COLUMNS}, {TARGETS} FROM pricing.promotion p WHERE p.code = %(code)s", {"code": code}
    ).fetchone()
    if row is None:
        raise NotFound("pricing.unknown_promotion", f"there is no promotion {code!r}", about=f"promotion {code}")
    return promotion_of(row)


def turning(uow: UnitOfWork, since: datetime, until: datetime) -> list[tuple[str, datetime]]:
    """(code, instant) of open promotions that begin or end after one instant and up to another."""
    rows = uow.sql(
        """SELECT p.code, t.at FROM pricing.promotion p CROSS JOIN LATERAL (VALUES (p.from_at), (p.until_at)) AS t (at)
            WHERE p.open AND t.at > %(since)s AND t.at <= %(until)s ORDER BY t.at, p.code""",
        {"since": since, "until": until},
    )
    return [(row[0], row[1]) for row in rows]


def quote_rules(uow: UnitOfWork) -> list[tuple[str, str, QuoteRule]]:
    """Every quote rule with its company and channel; empty means all."""
    rows = uow.sql(
        "SELECT company, channel, rounding, half, margin, floor FROM pricing.quote_rule ORDER BY company, channel"
    )
    return [
        (
            company, channel,
            QuoteRule(rounding=Rounding(rounding), half=Half(half), margin=margin, floor=Floor(floor)),
        )
        for company, channel, rounding, half, margin, floor in rows
    ]  # fmt: skip


def same_time(uow: UnitOfWork, wanted: Promotion) -> list[Promotion]:
    """Open promotions that hold at some instant of this one."""
    rows = uow.sql(
        f"""SELECT {COLUMNS}, {TARGETS} FROM pricing.promotion p
             WHERE p.open AND p.code <> %(code)s AND (p.until_at IS NULL OR p.until_at > %(from)s)
               AND (%(until)s::timestamptz IS NULL OR p.from_at < %(until)s::timestamptz) ORDER BY p.code""",
        {"code": wanted.code, "from": wanted.from_at, "until": wanted.until_at},
    )
    return [promotion_of(row) for row in rows]


def share_an_item(uow: UnitOfWork, one: Targets, other: Targets) -> bool:
    """Whether some known item belongs to both."""
    row = uow.sql(
        """SELECT EXISTS (SELECT FROM pricing.item i
             WHERE (i.sku = ANY(%(skus)s::text[]) OR i.category = ANY(%(categories)s::text[])
                    OR i.product_type = ANY(%(product_types)s::text[]))
               AND (i.sku = ANY(%(skus_2)s::text[]) OR i.category = ANY(%(categories_2)s::text[])
                    OR i.product_type = ANY(%(product_types_2)s::text[])))""",
        {
            "skus": sorted(one.skus), "categories": sorted(one.categories), "product_types": sorted(one.product_types),
            "skus_2": sorted(other.skus), "categories_2": sorted(other.categories),
            "product_types_2": sorted(other.product_types),
        },
    ).fetchone()  # fmt: skip
    return row is not None and bool(row[0])
