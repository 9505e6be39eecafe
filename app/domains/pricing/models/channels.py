"""Prices as channels show them: by which rule, what was last sent, and what is due."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.pricing.models.prices import NOW, SCHEMA
from app.infra.db import Base


class ChannelRuleRow(Base):
    """How a channel shows prices: of which company, currency and country, with or without tax, ending in what.

    `compare_list` is the price list whose higher price is shown struck through; `ending` such as 0.99, none as it is.
    """

    __tablename__ = "channel_rule"
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", "known_currency"),
        CheckConstraint("ending >= 0 AND ending < 1", "some_ending"),
        {"schema": SCHEMA},
    )

    channel: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(server_default="")
    currency: Mapped[str]
    includes_tax: Mapped[bool]
    country: Mapped[str] = mapped_column(server_default="")
    region: Mapped[str] = mapped_column(server_default="")
    compare_list: Mapped[str] = mapped_column(server_default="")
    ending: Mapped[Decimal | None] = mapped_column(Numeric(7, 6))
    open: Mapped[bool] = mapped_column(server_default="true")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")


class ChannelPriceRow(Base):
    """A SKU's price at a channel: `amount` and `compare_at` were last sent; `mark` counts how often it became due.

    `promotions` are those that lowered it. `code` says why a price was not sent: no list has one, the channel has no
    such item, or it refused.
    """

    __tablename__ = "channel_price"
    __table_args__ = (
        Index("ix_channel_price_due", "channel", "marked_at", postgresql_where=text("due")),
        Index("ix_channel_price_code", "channel", "code", postgresql_where=text("code <> ''")),
        Index("ix_channel_price_promoted", "channel", "sku", postgresql_where=text("promotions <> '{}'")),
        {"schema": SCHEMA},
    )

    channel: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    due: Mapped[bool] = mapped_column(server_default="true")
    mark: Mapped[int] = mapped_column(BigInteger, server_default="1")
    marked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    currency: Mapped[str] = mapped_column(server_default="")
    amount: Mapped[Decimal | None] = mapped_column(Numeric(24, 6))
    compare_at: Mapped[Decimal | None] = mapped_column(Numeric(24, 6))
    price_list: Mapped[str] = mapped_column(server_default="")  # where the price came from
    promotions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")  # what took something off it
    external_id: Mapped[str] = mapped_column(server_default="")
    code: Mapped[str] = mapped_column(server_default="")
    said: Mapped[str] = mapped_column(server_default="")
    strayed_at: Mapped[datetime | None]  # when the channel last showed another price than it was sent
    sent_at: Mapped[datetime | None]
    sent: Mapped[int] = mapped_column(BigInteger, server_default="0")
