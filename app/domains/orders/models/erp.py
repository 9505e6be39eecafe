"""What each ERP holds of an order."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

NOW = text("now()")


class ErpDocument(Base):
    """The sales order at one ERP: which version of ours it holds, read back and proved."""

    __tablename__ = "erp_document"
    __table_args__ = (
        UniqueConstraint("erp", "number"),
        Index("ix_erp_document_number", "number"),
        {"schema": "orders"},
    )

    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    erp: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    number: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="")
    version: Mapped[int]
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    posted_at: Mapped[datetime] = mapped_column(server_default=NOW)
    released_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class ErpLine(Base):
    """What a line of the ERP's document stands for."""

    __tablename__ = "erp_line"
    __table_args__ = ({"schema": "orders"},)

    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    erp: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    meaning: Mapped[str]
    line_id: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str] = mapped_column(server_default="")


class PaymentRow(Base):
    """A movement of money that an ERP is asked to book, once."""

    __tablename__ = "payment"
    __table_args__ = (UniqueConstraint("order_id", "erp", "transaction_id"), {"schema": "orders"})

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    erp: Mapped[str]
    transaction_id: Mapped[str]
    kind: Mapped[str]
    gateway: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    booked_at: Mapped[datetime | None]
    number: Mapped[str] = mapped_column(server_default="")


class InvoiceRow(Base):
    """An invoice of the ERP for an order or a part of it."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("erp", "number"),
        Index("ix_invoice_order_id", "order_id"),
        Index("ix_invoice_number", "number"),
        {"schema": "orders"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    erp: Mapped[str]
    number: Mapped[str]
    invoiced_on: Mapped[date]
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    notice_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ErpPoll(Base):
    """Up to when an ERP's changes were read."""

    __tablename__ = "erp_poll"
    __table_args__ = ({"schema": "orders"},)

    erp: Mapped[str] = mapped_column(primary_key=True)
    read_until: Mapped[datetime]
