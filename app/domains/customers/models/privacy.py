"""What people asked of their data, and the files that answer it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "customers"
NOW = text("now()")
PENDING = "state IN ('open', 'waiting', 'ready')"


class PrivacyRequestRow(Base):
    """One request. `subject` says sealed whom it is about, and goes when it is answered; `proof` names nobody."""

    __tablename__ = "privacy_request"
    __table_args__ = (
        CheckConstraint("kind IN ('export', 'erase', 'erase_shop')", "known_kind"),
        CheckConstraint("state IN ('open', 'waiting', 'ready', 'answered', 'withdrawn')", "known_state"),
        UniqueConstraint("asked_key"),
        Index("ix_privacy_request_open", "due_at", postgresql_where=text(PENDING)),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    connection: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str] = mapped_column(server_default="")
    asked_key: Mapped[str]  # by which the same request told twice is one
    subject: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_by: Mapped[str]
    why: Mapped[str] = mapped_column(server_default="")
    notice_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    asked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    due_at: Mapped[datetime]
    run_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False))
    said: Mapped[str] = mapped_column(server_default="")
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(server_default="")


class PrivacyExportRow(Base):
    """The file that answers a request, sealed under HUB_SECRET_KEY; it is deleted at `until`."""

    __tablename__ = "privacy_export"
    __table_args__ = ({"schema": SCHEMA},)

    request_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("customers.privacy_request.id"), primary_key=True
    )
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)
    until: Mapped[datetime]


class ForgottenRow(Base):
    """A customer or order that was erased, by a keyed hash that nobody can read back."""

    __tablename__ = "forgotten"
    __table_args__ = ({"schema": SCHEMA},)

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class ForgettingKeyRow(Base):
    """The key of those hashes, sealed under HUB_SECRET_KEY."""

    __tablename__ = "forgetting_key"
    __table_args__ = ({"schema": SCHEMA},)

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
