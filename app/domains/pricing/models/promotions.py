"""Promotions, and how a company's or a channel's quotes are made."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Integer, Numeric, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.pricing.models.prices import NOW, SCHEMA
from app.infra.db import Base


class PromotionRow(Base):
    """A promotion. Empty parts of its scope and no targets at all mean everything."""

    __tablename__ = "promotion"
    __table_args__ = (
        CheckConstraint("kind IN ('percentage', 'amount', 'fixed_price', 'buy_x_get_y')", "known_kind"),
        CheckConstraint("level IN ('line', 'order')", "known_level"),
        CheckConstraint("until_at > from_at", "some_time"),
        Index("ix_promotion_running", "until_at", postgresql_where=text("open")),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    level: Mapped[str]
    value: Mapped[Decimal] = mapped_column(Numeric(24, 6))
    currency: Mapped[str] = mapped_column(server_default="")
    buy: Mapped[int] = mapped_column(Integer, server_default="0")
    get: Mapped[int] = mapped_column(Integer, server_default="0")
    most_times: Mapped[int] = mapped_column(Integer, server_default="0")
    company: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="")
    customer_group: Mapped[str] = mapped_column(server_default="")
    skus: Mapped[list[str]] = mapped_column(server_default="[]")
    categories: Mapped[list[str]] = mapped_column(server_default="[]")
    product_types: Mapped[list[str]] = mapped_column(server_default="[]")
    min_quantity: Mapped[Decimal] = mapped_column(Numeric(18, 5), server_default="0")
    min_amount: Mapped[Decimal] = mapped_column(Numeric(24, 6), server_default="0")
    zone: Mapped[str]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    exclusive: Mapped[bool] = mapped_column(server_default="false")
    best_of: Mapped[str] = mapped_column(server_default="")
    stacks_with: Mapped[list[str]] = mapped_column(server_default="[]")
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    open: Mapped[bool] = mapped_column(server_default="true")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")


class QuoteRuleRow(Base):
    """How quotes of a company or channel are rounded, and the margin that no discount goes below.

    Empty means all; a channel's goes before a company's. `floor` says what happens below: cut the discount, or refuse.
    """

    __tablename__ = "quote_rule"
    __table_args__ = (
        CheckConstraint("rounding IN ('line', 'order')", "known_rounding"),
        CheckConstraint("half IN ('up', 'even', 'down')", "known_half"),
        CheckConstraint("floor IN ('cut', 'refuse')", "known_floor"),
        CheckConstraint("margin > -1", "some_margin"),
        {"schema": SCHEMA},
    )

    company: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    rounding: Mapped[str] = mapped_column(server_default="line")
    half: Mapped[str] = mapped_column(server_default="up")
    margin: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    floor: Mapped[str] = mapped_column(server_default="cut")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")
