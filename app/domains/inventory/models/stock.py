"""Stock itself. Who changes stock of a SKU holds its `availability` row first: service/locking.py."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "inventory"
OPEN = "'quoted', 'held', 'allocated'"
STATES = f"{OPEN}, 'consumed', 'released', 'expired', 'short'"
KINDS = "'receipt', 'sale', 'pick', 'shipment', 'transfer', 'return', 'adjustment', 'count'"
FREE = "on_hand + moved - damaged - quality_hold - reserved + contained"
NOW = text("now()")


class AvailabilityRow(Base):
    """What can be sold of a SKU, kept in the transaction that changes its stock; also the SKU's lock.

    `owed` is what its levels have promised beyond what lies there: offers change with it. `places` are its locations
    and `free_at` what is free at each, so that an answer about many SKUs reads one row of each. They hold where
    `kept_version` is `version`; where it is not, nobody kept them yet and the levels say it.
    """

    __tablename__ = "availability"
    __table_args__ = (
        CheckConstraint("sku <> ''", "some_sku"),
        CheckConstraint("available >= 0", "not_negative"),
        CheckConstraint("owed >= 0", "owed"),
        {"schema": SCHEMA},
    )

    sku: Mapped[str] = mapped_column(primary_key=True)
    available: Mapped[Decimal] = mapped_column(server_default="0")
    owed: Mapped[Decimal] = mapped_column(server_default="0")
    as_of: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    places: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    free_at: Mapped[list[Decimal]] = mapped_column(ARRAY(Numeric), server_default="{}")
    kept_version: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class StockLevelRow(Base):
    """One SKU at one location: the source's figure, what moved since, and what is promised of it.

    `oversold` is what a snapshot or a movement made impossible to keep, `back_ordered` what was promised to buyers
    who wait, by a channel's policy. No other reservation raises either, so the CHECK on their sum with `free` refuses
    any statement that would sell what is not there. Goods that come in end the first before the second.
    """

    __tablename__ = "stock_level"
    __table_args__ = (
        CheckConstraint("location <> '' AND strpos(location, '|') = 0", "plain_location"),
        CheckConstraint("reports IN ('physical', 'available')", "known_report"),
        CheckConstraint("free + oversold + back_ordered >= 0", "never_sold_twice"),
        CheckConstraint("back_ordered BETWEEN 0 AND greatest(0, -free)", "back_ordered"),
        CheckConstraint(
            "reserved >= 0 AND damaged >= 0 AND quality_hold >= 0 AND oversold >= 0 "
            "AND contained >= 0 AND contained <= reserved",
            "counters",
        ),
        {"schema": SCHEMA},
    )

    sku: Mapped[str] = mapped_column(ForeignKey("inventory.availability.sku"), primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    reports: Mapped[str] = mapped_column(server_default="physical")
    on_hand: Mapped[Decimal] = mapped_column(server_default="0")
    as_of: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    moved: Mapped[Decimal] = mapped_column(server_default="0")
    damaged: Mapped[Decimal] = mapped_column(server_default="0")
    quality_hold: Mapped[Decimal] = mapped_column(server_default="0")
    reserved: Mapped[Decimal] = mapped_column(server_default="0")
    contained: Mapped[Decimal] = mapped_column(server_default="0")
    oversold: Mapped[Decimal] = mapped_column(server_default="0")
    back_ordered: Mapped[Decimal] = mapped_column(server_default="0")
    free: Mapped[Decimal] = mapped_column(Computed(FREE, persisted=True))
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ReservationRow(Base):
    """A quantity of one order line at one location, in one state of its life; one of the line is `per` of the SKU.

    `back_ordered` of it did not lie there when it was promised.
    """

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint("quantity > 0", "some_quantity"),
        CheckConstraint("per > 0", "some_per"),
        CheckConstraint("back_ordered BETWEEN 0 AND quantity", "back_ordered"),
        CheckConstraint(f"state IN ({STATES})", "known_state"),
        CheckConstraint("NOT contained OR state = 'allocated'", "contained_when_allocated"),
        Index("ix_reservation_order_id", "order_id"),
        Index("ix_reservation_open", "sku", "location", postgresql_where=text(f"state IN ({OPEN})")),
        Index(
            "ix_reservation_expires_at",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL AND state IN ('quoted', 'held')"),
        ),
        Index(
            "uq_reservation_waiting",
            "order_id",
            "order_line",
            "sku",
            "location",
            unique=True,
            postgresql_where=text("state IN ('quoted', 'held')"),
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[str]
    order_line: Mapped[str]
    sku: Mapped[str]
    location: Mapped[str]
    quantity: Mapped[Decimal]
    state: Mapped[str]
    per: Mapped[Decimal] = mapped_column(server_default="1")
    back_ordered: Mapped[Decimal] = mapped_column(server_default="0")
    contained: Mapped[bool] = mapped_column(server_default="false")
    ended_by: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class MovementRow(Base):
    """One line of the ledger, append-only by trigger. Its sum over a level is `on_hand + moved` of that level."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS})", "known_kind"),
        CheckConstraint("quantity <> 0", "some_quantity"),
        UniqueConstraint("source", "key", name="uq_movement_source_key"),
        Index("ix_movement_level", "sku", "location", "effective_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    sku: Mapped[str]
    location: Mapped[str]
    kind: Mapped[str]
    quantity: Mapped[Decimal]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    source: Mapped[str]
    key: Mapped[str]
    reference: Mapped[str] = mapped_column(server_default="")


class PolicyRow(Base):
    """A company's own rules; the row of company '' holds for every other one."""

    __tablename__ = "policy"
    __table_args__ = (CheckConstraint("unknown_sku IN ('refuse', 'untracked')", "known_rule"), {"schema": SCHEMA})

    company: Mapped[str] = mapped_column(primary_key=True)
    unknown_sku: Mapped[str] = mapped_column(server_default="untracked")
