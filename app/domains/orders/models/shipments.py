"""What left, in which packages."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

NOW = text("now()")


class ShipmentRow(Base):
    """One shipment of the ERP or the warehouse; `shown` once the channel tells its customer."""

    __tablename__ = "shipment"
    __table_args__ = (
        CheckConstraint("state IN ('recorded', 'shown', 'undone')", name="known_state"),
        UniqueConstraint("erp", "number"),
        Index("ix_shipment_order_id", "order_id"),
        Index("ix_shipment_number", "number"),
        {"schema": "orders"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    erp: Mapped[str]
    number: Mapped[str]
    shipped_at: Mapped[datetime]
    location: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="recorded")
    undone_by: Mapped[str] = mapped_column(server_default="")
    notice_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    shown_at: Mapped[datetime | None]


class ShipmentLine(Base):
    """So many of one order line."""

    __tablename__ = "shipment_line"
    __table_args__ = (CheckConstraint("quantity <> 0", name="not_zero"), {"schema": "orders"})

    shipment_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("orders.shipment.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[str]
    sku: Mapped[str] = mapped_column(server_default="")
    quantity: Mapped[Decimal] = mapped_column(Numeric(20, 5))


class PackageRow(Base):
    """A parcel and where to follow it."""

    __tablename__ = "package"
    __table_args__ = (Index("ix_package_tracking_number", "tracking_number"), {"schema": "orders"})

    shipment_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("orders.shipment.id"), primary_key=True)
    tracking_number: Mapped[str] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(server_default="")
    tracking_url: Mapped[str] = mapped_column(server_default="")
