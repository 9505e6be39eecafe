"""Price lists, their prices, and what pricing keeps about items."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Numeric, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "pricing"
NOW = text("now()")
RANK = "CASE WHEN customer <> '' THEN 8 ELSE 0 END + CASE WHEN customer_group <> '' THEN 4 ELSE 0 END + " \
    "CASE WHEN channel <> '' THEN 2 ELSE 0 END + CASE WHEN company <> '' THEN 1 ELSE 0 END"  # fmt: skip


class PriceListRow(Base):
    """For whom some prices hold. Empty parts of the scope mean everybody; the higher `rank` is the more particular."""

    __tablename__ = "price_list"
    __table_args__ = (
        CheckConstraint("code <> ''", "some_code"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", "known_currency"),
        UniqueConstraint("currency", "company", "channel", "customer_group", "customer", name="uq_price_list_scope"),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(server_default="")
    currency: Mapped[str]
    company: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="")
    customer_group: Mapped[str] = mapped_column(server_default="")
    customer: Mapped[str] = mapped_column(server_default="")
    rank: Mapped[int] = mapped_column(SmallInteger, Computed(RANK, persisted=True))
    includes_tax: Mapped[bool]
    zone: Mapped[str]
    open: Mapped[bool] = mapped_column(server_default="true")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")


class PriceRow(Base):
    """What one unit costs from a quantity on, from an instant until another; no `until_at` is for good."""

    __tablename__ = "price"
    __table_args__ = (
        CheckConstraint("amount >= 0", "not_negative"),
        CheckConstraint("min_quantity >= 0", "some_quantity"),
        CheckConstraint("until_at > from_at", "some_time"),
        {"schema": SCHEMA},
    )

    list_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("pricing.price_list.id", ondelete="CASCADE"), primary_key=True
    )
    sku: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True, server_default="")
    min_quantity: Mapped[Decimal] = mapped_column(Numeric(18, 5), primary_key=True)
    from_at: Mapped[datetime] = mapped_column(primary_key=True)
    until_at: Mapped[datetime | None]
    amount: Mapped[Decimal] = mapped_column(Numeric(24, 6))


class ItemRow(Base):
    """What promotions, tax and the floor must know of a SKU. `margin` goes before the one of the quote rule."""

    __tablename__ = "item"
    __table_args__ = (CheckConstraint("margin > -1", "some_margin"), {"schema": SCHEMA})

    sku: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(server_default="")
    product_type: Mapped[str] = mapped_column(server_default="")
    tax_code: Mapped[str] = mapped_column(server_default="")
    margin: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class CostRow(Base):
    """What one unit costs us, in one currency."""

    __tablename__ = "cost"
    __table_args__ = (CheckConstraint("amount >= 0", "not_negative"), {"schema": SCHEMA})

    sku: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True, server_default="")
    currency: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(24, 6))
