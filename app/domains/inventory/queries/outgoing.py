"""How far each channel is that is told the hub's stock, and what it was told of each SKU."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.infra.uow import UnitOfWork

STANDINGS = """
SELECT channel, count(*), count(*) FILTER (WHERE wanted > done), min(due_since) FILTER (WHERE wanted > done),
       count(*) FILTER (WHERE state IN ('live', 'paused') AND wanted = done), count(*) FILTER (WHERE state = 'paused'),
       count(*) FILTER (WHERE state = 'unlisted'), count(*) FILTER (WHERE state = 'refused'),
       count(*) FILTER (WHERE owed > 0), max(sent_at)
  FROM inventory.channel_level GROUP BY channel ORDER BY channel
"""
LEVELS = """
SELECT sku, wanted > done, due_since, state, said, sent, sent_at, owed, found, trying
  FROM inventory.channel_level
 WHERE channel = %(channel)s AND (%(sku)s = '' OR sku = %(sku)s) AND sku > %(after)s
   AND CASE %(view)s WHEN 'waiting' THEN wanted > done WHEN 'paused' THEN state = 'paused'
            WHEN 'troubled' THEN state IN ('unlisted', 'refused') ELSE true END
 ORDER BY sku LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStock:
    """One channel: how many SKUs wait and since when, how many stand as they should, and which do not."""

    channel: str
    skus: int
    waiting: int
    since: datetime | None
    newest: int
    paused: int
    unlisted: int
    refused: int
    owed: int
    last_sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLevel:
    """One SKU at a channel. `owed` is what the channel sold and the hub had not heard of; `found` is its own word."""

    sku: str
    due: bool
    due_since: datetime | None
    state: str
    said: str
    sent: Decimal | None
    sent_at: datetime | None
    owed: Decimal
    found: Decimal | None
    trying: Decimal | None


def channel_stocks(uow: UnitOfWork) -> list[ChannelStock]:
    """Every channel that was ever to be told stock, by name."""
    return [
        ChannelStock(
            channel=row[0], skus=row[1], waiting=row[2], since=row[3], newest=row[4], paused=row[5], unlisted=row[6],
            refused=row[7], owed=row[8], last_sent_at=row[9],
        )
        for row in uow.sql(STANDINGS)
    ]  # fmt: skip


def channel_levels(
    uow: UnitOfWork, channel: str, *, sku: str = "", view: str = "", after: str = "", most: int = 100
) -> list[ChannelLevel]:
    """Levels of one channel by SKU, after one; `view` is waiting, paused or troubled, else all."""
    given = {"channel": channel, "sku": sku, "view": view, "after": after, "most": most}
    return [
        ChannelLevel(
            sku=row[0], due=row[1], due_since=row[2] if row[1] else None, state=row[3], said=row[4], sent=row[5],
            sent_at=row[6], owed=row[7], found=row[8], trying=row[9],
        )
        for row in uow.sql(LEVELS, given)
    ]  # fmt: skip


def is_known(uow: UnitOfWork, channel: str) -> bool:
    """Whether anything was ever to be told to a channel."""
    statement = "SELECT EXISTS (SELECT FROM inventory.channel_level WHERE channel = %(channel)s)"
    row = uow.sql(statement, {"channel": channel}).fetchone()
    return bool(row and row[0])


def troubled(uow: UnitOfWork, channel: str, most: int = 20) -> tuple[int, list[tuple[str, str]]]:
    """How many listings of a channel take no figure, and some of them: (SKU, what the channel said)."""
    rows = uow.sql(
        "SELECT sku, said, count(*) OVER () FROM inventory.channel_level "
        "WHERE channel = %(channel)s AND state = 'refused' ORDER BY sku LIMIT %(most)s",
        {"channel": channel, "most": most},
    ).fetchall()
    return (rows[0][2] if rows else 0), [(row[0], row[1]) for row in rows]
