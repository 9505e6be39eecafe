"""Where another book says something else than the hub's."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.inventory.models.stock import NOW, SCHEMA
from app.infra.db import Base

KINDS = "'ledger', 'source', 'channel'"
STATES = "'open', 'corrected', 'accepted', 'gone'"


class DriftRow(Base):
    """One figure of a SKU at a location that differs: `ours` in the hub, `theirs` in the book `other`.

    `kind` says which: the hub's own ledger, the system that counts the level, or the listing of a channel.
    """

    __tablename__ = "drift"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS})", "known_kind"),
        CheckConstraint(f"state IN ({STATES})", "known_state"),
        Index(
            "uq_drift_open", "kind", "other", "sku", "location", unique=True, postgresql_where=text("state = 'open'")
        ),
        Index("ix_drift_state", "state", "id"),
        Index("ix_drift_sku", "sku"),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    other: Mapped[str]
    sku: Mapped[str]
    location: Mapped[str]
    field: Mapped[str] = mapped_column(server_default="")
    ours: Mapped[Decimal]
    theirs: Mapped[Decimal]
    cause: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="open")
    seen: Mapped[int] = mapped_column(server_default="1")
    as_of: Mapped[datetime | None]
    found_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_at: Mapped[datetime] = mapped_column(server_default=NOW)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(server_default="")


class DriftRuleRow(Base):
    """How far a book may differ before it is a finding, and whether the hub's figure is corrected by itself.

    The row of '' holds for every book without one of its own.
    """

    __tablename__ = "drift_rule"
    __table_args__ = (
        CheckConstraint("tolerance >= 0 AND automatic_up_to >= 0", "not_negative"),
        {"schema": SCHEMA},
    )

    other: Mapped[str] = mapped_column(primary_key=True)
    tolerance: Mapped[Decimal] = mapped_column(server_default="0")
    automatic_up_to: Mapped[Decimal] = mapped_column(server_default="0")
