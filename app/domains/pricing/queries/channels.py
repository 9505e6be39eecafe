"""Prices as channels show them: their rules, what was sent, what waits, and what could not be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domains.pricing.policy.channel_prices import ChannelRule
from app.infra.uow import UnitOfWork

COLUMNS = "channel, company, currency, includes_tax, country, region, compare_list, ending, open"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStanding:
    """How far a channel is: SKUs it was ever to show a price of, those that wait and since when, and the others."""

    channel: str
    skus: int
    waiting: int
    since: datetime | None
    shown: int
    not_listed: int
    refused: int
    no_price: int
    last_sent_at: datetime | None
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPrice:
    """One SKU's price at a channel as it was last sent; `code` says why it was not."""

    channel: str
    sku: str
    due: bool
    currency: str
    amount: Decimal | None
    compare_at: Decimal | None
    price_list: str
    promotions: tuple[str, ...]
    external_id: str
    code: str
    said: str
    sent_at: datetime | None
    sent: int

    @property
    def state(self) -> str:
        """One word: level, waiting, not_listed, no_price, or troubled."""
        if self.due:
            return "waiting"
        words = {"": "level", "pricing.not_listed": "not_listed", "pricing.no_price": "no_price"}
        return words.get(self.code, "troubled")


def channel_rule(uow: UnitOfWork, channel: str) -> ChannelRule | None:
    """How a channel shows prices; None where the hub sends it none."""
    rows = uow.sql(f"SELECT {COLUMNS} FROM pricing.channel_rule WHERE channel = %(c)s", {"c": channel}).fetchall()
    return _rule(rows[0]) if rows else None


def channel_rules(uow: UnitOfWork) -> list[ChannelRule]:
    return [_rule(row) for row in uow.sql(f"SELECT {COLUMNS} FROM pricing.channel_rule ORDER BY channel")]


def _rule(row: Sequence[Any]) -> ChannelRule:
    channel, company, currency, includes_tax, country, region, compare_list, ending, is_open = row
    return ChannelRule(
        channel=channel, company=company, currency=currency, includes_tax=includes_tax, country=country,
        region=region, compare_list=compare_list, ending=ending, open=is_open,
    )  # fmt: skip


def channel_standings(uow: UnitOfWork) -> list[ChannelStanding]:
    """How far each channel is that the hub sends prices to."""
    rows = uow.sql(
        "SELECT r.channel, count(c.sku), count(*) FILTER (WHERE c.due), min(c.marked_at) FILTER (WHERE c.due), "
        "count(c.amount) FILTER (WHERE c.code = ''), count(*) FILTER (WHERE c.code = 'pricing.not_listed'), "
        "count(*) FILTER (WHERE c.code NOT IN ('', 'pricing.not_listed', 'pricing.no_price')), "
        "count(*) FILTER (WHERE c.code = 'pricing.no_price'), max(c.sent_at), coalesce(sum(c.sent), 0)::bigint "
        "FROM pricing.channel_rule r LEFT JOIN pricing.channel_price c USING (channel) GROUP BY 1 ORDER BY 1"
    )
    return [
        ChannelStanding(
            channel=row[0], skus=row[1], waiting=row[2], since=row[3], shown=row[4], not_listed=row[5],
            refused=row[6], no_price=row[7], last_sent_at=row[8], sent=row[9],
        )
        for row in rows
    ]  # fmt: skip


def channel_prices(
    uow: UnitOfWork, channel: str, *, sku: str = "", troubled: bool = False, after: str = "", most: int = 100
) -> list[ChannelPrice]:
    """Prices at a channel by SKU: of one, of those after one, or of those that could not be sent."""
    rows = uow.sql(
        "SELECT channel, sku, due, currency, amount, compare_at, price_list, promotions, external_id, code, said, "
        "sent_at, sent "
        "FROM pricing.channel_price WHERE channel = %(c)s AND %(s)s IN ('', sku) AND sku > %(a)s "
        "AND (NOT %(t)s OR code <> '') ORDER BY sku LIMIT %(m)s",
        {"c": channel, "s": sku, "a": after, "t": troubled, "m": most},
    )
    return [
        ChannelPrice(
            channel=row[0], sku=row[1], due=row[2], currency=row[3], amount=row[4], compare_at=row[5],
            price_list=row[6], promotions=tuple(row[7]), external_id=row[8], code=row[9], said=row[10],
            sent_at=row[11], sent=row[12],
        )
        for row in rows
    ]  # fmt: skip


def refused_prices(uow: UnitOfWork, channel: str, most: int = 20) -> tuple[int, list[tuple[str, str]]]:
    """How many prices a channel refused, and some of them: (SKU, what it said)."""
    rows = uow.sql(
        "SELECT sku, said, count(*) OVER () FROM pricing.channel_price WHERE channel = %(c)s AND code <> '' "
        "AND code NOT IN ('pricing.not_listed', 'pricing.no_price') ORDER BY sku LIMIT %(m)s",
        {"c": channel, "m": most},
    ).fetchall()
    return (rows[0][2] if rows else 0), [(row[0], row[1]) for row in rows]
