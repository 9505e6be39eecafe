"""What channels were told, and what they are still to be told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.inventory.models.stock import NOW, SCHEMA
from app.infra.db import Base

STATES = "'new', 'live', 'paused', 'unlisted', 'refused'"


class ChannelLevelRow(Base):
    """One SKU at one channel. It is due while `wanted` is above `done`: each change raises `wanted`.

    `sent` stands at the channel since `sent_at`, less `owed`: what the channel sold by then and the hub did not know.
    `trying` is what an unanswered call may have set over `trying_over`, under its key. `found` is what the channel
    itself said since.
    """

    __tablename__ = "channel_level"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", "known_state"),
        CheckConstraint("wanted >= done AND owed >= 0", "counters"),
        Index("ix_channel_level_due", "channel", "due_since", postgresql_where=text("wanted > done")),
        Index("ix_channel_level_sku", "sku"),
        Index("ix_channel_level_try", "channel", "try_key", postgresql_where=text("try_key <> ''")),
        Index(
            "ix_channel_level_open",
            "channel",
            "sku",
            postgresql_where=text("owed > 0 OR found IS NOT NULL OR state IN ('unlisted', 'refused')"),
        ),
        {"schema": SCHEMA},
    )

    channel: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[int] = mapped_column(BigInteger, server_default="1")
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    due_since: Mapped[datetime] = mapped_column(server_default=NOW)
    state: Mapped[str] = mapped_column(server_default="new")
    said: Mapped[str] = mapped_column(server_default="")
    sent: Mapped[Decimal | None]
    sent_at: Mapped[datetime | None]
    set_at: Mapped[datetime | None]
    owed: Mapped[Decimal] = mapped_column(server_default="0")
    owed_since: Mapped[datetime | None]
    trying: Mapped[Decimal | None]
    tried_at: Mapped[datetime | None]
    trying_owed: Mapped[Decimal] = mapped_column(server_default="0")
    trying_over: Mapped[Decimal | None]
    try_key: Mapped[str] = mapped_column(server_default="")
    found: Mapped[Decimal | None]
    found_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]


class SourceMarkRow(Base):
    """How far a source of stock was read: its own mark, and when what was read last had been asked for."""

    __tablename__ = "source_mark"
    __table_args__ = ({"schema": SCHEMA},)

    source: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(server_default="")
    asked_at: Mapped[datetime | None]
    whole_at: Mapped[datetime | None]
    figures: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refused: Mapped[int] = mapped_column(BigInteger, server_default="0")
