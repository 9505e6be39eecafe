"""Cut-over reports: what two ERPs hold of the same orders, as each answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

VIEW_STATES = ("asked", "held", "would", "missing", "failed")


class CutOver(Base):
    """One report: two ERPs, and the orders that were placed in a period."""

    __tablename__ = "cut_over"
    __table_args__ = ({"schema": "orders"},)

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    old: Mapped[str]
    new: Mapped[str]
    company: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="")
    placed_from: Mapped[datetime]
    placed_until: Mapped[datetime]
    orders: Mapped[int]
    who: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class CutOverView(Base):
    """One order as one ERP holds it, would hold it, or not."""

    __tablename__ = "cut_over_view"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in VIEW_STATES)})", name="known_state"),
        {"schema": "orders"},
    )

    cut_over_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("orders.cut_over.id", ondelete="CASCADE"), primary_key=True
    )
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    erp: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="asked")
    view: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    said: Mapped[str] = mapped_column(server_default="")
    read_at: Mapped[datetime | None]
