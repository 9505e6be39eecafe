"""What decides how much of a SKU a channel is offered, beside the stock itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.inventory.models.stock import NOW, SCHEMA
from app.infra.db import Base


class ChannelPolicyRow(Base):
    """How much of the SKUs that match `pattern` a channel is offered; '' is every channel, '*' stands for any letters.

    One row holds for a SKU: of its channel's the one that names it, else the one with the longest pattern.
    """

    __tablename__ = "channel_policy"
    __table_args__ = (
        CheckConstraint("pattern <> ''", "some_pattern"),
        CheckConstraint("share BETWEEN 0 AND 100 AND inbound_confidence BETWEEN 0 AND 100", "percent"),
        CheckConstraint(
            "safety >= 0 AND buffer >= 0 AND coalesce(cap, 0) >= 0 AND coalesce(fixed, 0) >= 0 "
            "AND backorder_limit >= 0 AND pause_at >= 0 AND inbound_days >= 0 AND scarce_below >= 0",
            "not_negative",
        ),
        CheckConstraint("channel <> '' OR overcommit", "every_channel_shares"),
        UniqueConstraint("channel", "pattern", name="uq_channel_policy_scope"),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    channel: Mapped[str]
    pattern: Mapped[str] = mapped_column(server_default="*")
    locations: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    safety: Mapped[Decimal] = mapped_column(server_default="0")
    safety_at: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    buffer: Mapped[Decimal] = mapped_column(server_default="0")
    cap: Mapped[Decimal | None]
    share: Mapped[Decimal] = mapped_column(server_default="100")
    fixed: Mapped[Decimal | None]
    priority: Mapped[int] = mapped_column(server_default="100")
    overcommit: Mapped[bool] = mapped_column(server_default="false")
    backorder_limit: Mapped[Decimal] = mapped_column(server_default="0")
    pause_at: Mapped[Decimal] = mapped_column(server_default="0")
    inbound_days: Mapped[int] = mapped_column(server_default="0")
    inbound_confidence: Mapped[Decimal] = mapped_column(server_default="0")
    scarce_below: Mapped[Decimal] = mapped_column(server_default="0")
    changed_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class SupplyRow(Base):
    """Goods on their way in: what is still open of one line of a purchase or transfer order."""

    __tablename__ = "supply"
    __table_args__ = (
        CheckConstraint("quantity > 0", "some_quantity"),
        UniqueConstraint("source", "key", name="uq_supply_source_key"),
        Index("ix_supply_sku", "sku", "due_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    source: Mapped[str]
    key: Mapped[str]
    sku: Mapped[str]
    location: Mapped[str]
    quantity: Mapped[Decimal]
    due_at: Mapped[datetime]
    told_at: Mapped[datetime]


class BundlePartRow(Base):
    """So many of a component in one bundle: inventory's own picture of what the catalogue says."""

    __tablename__ = "bundle_part"
    __table_args__ = (
        CheckConstraint("quantity > 0", "some_quantity"),
        CheckConstraint("bundle <> component", "not_itself"),
        Index("ix_bundle_part_component", "component"),
        {"schema": SCHEMA},
    )

    bundle: Mapped[str] = mapped_column(primary_key=True)
    component: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal]


class UnitRow(Base):
    """How many of the stock-keeping unit one of `unit` is, for one SKU, or for every SKU where it is ''."""

    __tablename__ = "unit"
    __table_args__ = (CheckConstraint("unit <> '' AND factor > 0", "some_unit"), {"schema": SCHEMA})

    sku: Mapped[str] = mapped_column(primary_key=True, server_default="")
    unit: Mapped[str] = mapped_column(primary_key=True)
    factor: Mapped[Decimal] = mapped_column(server_default=text("1"))
