"""The order, its versions, its moves, its holds and what was found about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.orders.lifecycle import HoldKind, State
from app.infra.db import Base

NOW = text("now()")


def _listed(words: type[State] | type[HoldKind]) -> str:
    return ", ".join(f"'{word.value}'" for word in words)


class OrderRow(Base):
    """One order of one channel, at its newest version."""

    __tablename__ = "sales_order"
    __table_args__ = (
        CheckConstraint(f"state IN ({_listed(State)})", name="known_state"),
        CheckConstraint("accepted_version <= version", name="accepted_is_kept"),
        UniqueConstraint("channel", "external_id"),
        Index("ix_sales_order_name", "name"),
        Index("ix_sales_order_state", "state", "id"),
        Index("ix_sales_order_likeness", "likeness", postgresql_where=text("likeness <> ''")),
        Index("ix_sales_order_account_id", "account_id"),
        {"schema": "orders"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    channel: Mapped[str]
    external_id: Mapped[str]
    gid: Mapped[str] = mapped_column(server_default="")
    name: Mapped[str]
    company: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="captured")
    test: Mapped[bool] = mapped_column(server_default="false")
    version: Mapped[int]
    accepted_version: Mapped[int] = mapped_column(server_default="0")
    source_version: Mapped[datetime]
    triggered_at: Mapped[datetime | None]
    fetched: Mapped[bool] = mapped_column(server_default="false")  # this version was read from the channel itself
    fingerprint: Mapped[str]
    likeness: Mapped[str] = mapped_column(server_default="")
    placed_at: Mapped[datetime]
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False))
    correlation_id: Mapped[str] = mapped_column(server_default="")
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)  # when the first word of it came in
    captured_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class OrderVersion(Base):
    """The canonical order as one message or one fetch told it."""

    __tablename__ = "order_version"
    __table_args__ = ({"schema": "orders"},)

    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("orders.sales_order.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    source_version: Mapped[datetime]
    triggered_at: Mapped[datetime | None]
    source: Mapped[str]  # the topic, or "fetch"
    notice_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    fingerprint: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    kept_at: Mapped[datetime] = mapped_column(server_default=NOW)


class OvertakenVersion(Base):
    """A version that came after a newer one and changed nothing."""

    __tablename__ = "overtaken_version"
    __table_args__ = (UniqueConstraint("order_id", "source", "source_version", "notice_id"), {"schema": "orders"})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    source_version: Mapped[datetime]
    triggered_at: Mapped[datetime | None]
    source: Mapped[str]
    notice_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    overtaken_by: Mapped[int]  # the version that was the newest then
    newer_version: Mapped[datetime]  # and what its source called it
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class OrderMove(Base):
    """One step of an order's life."""

    __tablename__ = "order_move"
    __table_args__ = (Index("ix_order_move_order_id", "order_id"), {"schema": "orders"})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    trigger: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    why: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class Hold(Base):
    """Why an order waits, and who let it go on."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_listed(HoldKind)})", name="known_kind"),
        Index("uq_hold_open", "order_id", "kind", unique=True, postgresql_where=text("released_at IS NULL")),
        {"schema": "orders"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    kind: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    placed_by: Mapped[str] = mapped_column(server_default="")
    placed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    released_at: Mapped[datetime | None]
    released_by: Mapped[str] = mapped_column(server_default="")
    release_reason: Mapped[str] = mapped_column(server_default="")


class Finding(Base):
    """Something a person may want to know about an order that goes on all the same."""

    __tablename__ = "finding"
    __table_args__ = ({"schema": "orders"},)

    order_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    about: Mapped[str] = mapped_column(primary_key=True, server_default="")
    said: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    found_at: Mapped[datetime] = mapped_column(server_default=NOW)
