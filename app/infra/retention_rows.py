"""The rows that retention keeps: policies that people set, partitions that left, and how the tables grew."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.rows import listed

KINDS = ("notice", "event", "delivery", "attempt")
LEAVING = ("leaving", "detached", "archived", "dropped")
MOST_DAYS = 3650


class RetentionRow(Base):
    """How long a kind of record is kept, where somebody said otherwise than the program does."""

    __tablename__ = "retention"
    __table_args__ = (
        CheckConstraint(f"kind IN ({listed(KINDS)})", name="known_kind"),
        CheckConstraint(f"keep_days BETWEEN 1 AND {MOST_DAYS}", name="days"),
        {"schema": "hub"},
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    keep_days: Mapped[int]
    archive: Mapped[bool] = mapped_column(server_default="false")
    changed_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class RetiredPartition(Base):
    """A partition that left its table: what it held, where its archive lies, when it was dropped."""

    __tablename__ = "retired_partition"
    __table_args__ = (
        CheckConstraint(f"kind IN ({listed(KINDS)})", name="known_kind"),
        CheckConstraint(f"state IN ({listed(LEAVING)})", name="known_state"),
        {"schema": "hub"},
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    low: Mapped[str]
    high: Mapped[str]
    first_id: Mapped[int | None] = mapped_column(BigInteger)
    last_id: Mapped[int | None] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger, server_default="0")
    bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    newest_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default="leaving")
    file: Mapped[str] = mapped_column(server_default="")
    sha256: Mapped[str] = mapped_column(server_default="")
    marked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    detached_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]


class StorageSample(Base):
    """How much a table took at the end of a day, with its indexes and partitions."""

    __tablename__ = "storage_sample"
    __table_args__ = ({"schema": "hub"},)

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)


class OpenFrom(Base):
    """One row: nothing is open in partitions of events before this id; claims need not look there."""

    __tablename__ = "open_from"
    __table_args__ = (CheckConstraint("single", name="only_one"), {"schema": "hub"})

    single: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    event_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
