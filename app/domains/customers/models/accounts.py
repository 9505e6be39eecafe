"""Accounts, their addresses, pairs that may be one, and merges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "customers"
NOW = text("now()")


class AccountRow(Base):
    """One customer. `identity` is what it was first known by; a second account of that identity cannot be made."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("identity <> ''", "some_identity"),
        CheckConstraint("kind IN ('person', 'company')", "known_kind"),
        Index("ix_account_email", "email", postgresql_where=text("email <> ''")),
        Index("ix_account_phone", "phone", postgresql_where=text("phone <> ''")),
        Index("ix_account_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    identity: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    guest: Mapped[bool] = mapped_column(server_default="false")
    withheld: Mapped[bool] = mapped_column(server_default="false")
    name: Mapped[str] = mapped_column(server_default="")
    company: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str] = mapped_column(server_default="")
    country: Mapped[str] = mapped_column(server_default="")
    tax_ids: Mapped[list[str]] = mapped_column(server_default="[]")
    groups: Mapped[list[str]] = mapped_column(server_default="[]")
    merged_into: Mapped[str | None] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.account.id"))
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AddressRow(Base):
    """An address that an account used, once for each purpose."""

    __tablename__ = "address"
    __table_args__ = (
        CheckConstraint("purpose IN ('billing', 'shipping')", "known_purpose"),
        Index("ix_address_fingerprint", "fingerprint"),
        {"schema": SCHEMA},
    )

    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.account.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(server_default="")
    company: Mapped[str] = mapped_column(server_default="")
    line1: Mapped[str] = mapped_column(server_default="")
    line2: Mapped[str] = mapped_column(server_default="")
    city: Mapped[str] = mapped_column(server_default="")
    province_code: Mapped[str] = mapped_column(server_default="")
    postal_code: Mapped[str] = mapped_column(server_default="")
    country_code: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str] = mapped_column(server_default="")
    first_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_at: Mapped[datetime] = mapped_column(server_default=NOW)


class DuplicateRow(Base):
    """Two accounts that may be one: a person decides, the hub never merges them by itself."""

    __tablename__ = "duplicate"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'merged', 'distinct')", "known_state"),
        CheckConstraint("account_id < other_id", "one_row_for_a_pair"),
        Index("ix_duplicate_open", "found_at", postgresql_where=text("state = 'open'")),
        {"schema": SCHEMA},
    )

    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.account.id"), primary_key=True)
    other_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.account.id"), primary_key=True)
    reason: Mapped[str]
    score: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # of 100
    signs: Mapped[list[str]] = mapped_column(server_default="[]")  # what speaks for one account, strongest first
    state: Mapped[str] = mapped_column(server_default="open")
    found_at: Mapped[datetime] = mapped_column(server_default=NOW)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")


class MergeRow(Base):
    """An account that was found to be another one. What went over is kept, so that it can go back."""

    __tablename__ = "merge"
    __table_args__ = (
        CheckConstraint("survivor_id <> merged_id", "two"),
        Index("uq_merge_standing", "merged_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("ix_merge_survivor_id", "survivor_id"),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    survivor_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.account.id"))
    merged_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.account.id"))
    followed: Mapped[list[str]] = mapped_column(server_default="[]")  # accounts that were merged into it before
    orders: Mapped[list[str]] = mapped_column(server_default="[]")
    filled: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")  # what the survivor lacked: name → value
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    who: Mapped[str]
    why: Mapped[str] = mapped_column(server_default="")
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(server_default="")
