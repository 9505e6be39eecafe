"""The rows of sheets: the file as it came, how far it is, and what is wrong in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

STATES = ("received", "checked", "applied", "refused")
FORMATS = ("csv", "xlsx")
NOW = text("now()")


class SheetRow(Base):
    """One file. `strict` refuses all of it for one wrong line; `dry` only checks it. `lines` are those with content.

    States: received (its run reads and checks it), checked (dry: nothing was changed), applied, refused.
    """

    __tablename__ = "sheet"
    __table_args__ = (
        CheckConstraint("format IN ('csv', 'xlsx')", name="known_format"),
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="known_state"),
        Index("ix_sheet_sha256", "sha256"),
        Index("ix_sheet_received_at", "received_at"),
        {"schema": "hub"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    company: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str] = mapped_column(server_default="")
    format: Mapped[str]
    encoding: Mapped[str] = mapped_column(server_default="utf-8")
    delimiter: Mapped[str] = mapped_column(server_default="")
    decimal_mark: Mapped[str] = mapped_column(server_default=".")
    strict: Mapped[bool] = mapped_column(server_default="true")
    dry: Mapped[bool] = mapped_column(server_default="false")
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    fields: Mapped[list[str]] = mapped_column(server_default="[]")
    state: Mapped[str] = mapped_column(server_default="received")
    lines: Mapped[int] = mapped_column(BigInteger, server_default="0")
    wrong_lines: Mapped[int] = mapped_column(BigInteger, server_default="0")
    counts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    said: Mapped[str] = mapped_column(server_default="")
    who: Mapped[str]
    run_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False))
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)
    checked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SheetPiece(Base):
    """A part of a file, in order."""

    __tablename__ = "sheet_piece"
    __table_args__ = ({"schema": "hub"},)

    sheet_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("hub.sheet.id", ondelete="CASCADE"), primary_key=True
    )
    n: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class SheetFault(Base):
    """A rule that a line breaks, and in which field."""

    __tablename__ = "sheet_fault"
    __table_args__ = ({"schema": "hub"},)

    sheet_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("hub.sheet.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    said: Mapped[str] = mapped_column(server_default="")
    value: Mapped[str] = mapped_column(server_default="")
