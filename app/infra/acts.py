"""What people and clients did: who, what, when, to which thing, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.uow import UnitOfWork


class ActRow(Base):
    """One thing somebody did."""

    __tablename__ = "act"
    __table_args__ = (Index("ix_act_key", "key"), {"schema": "hub"})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    who: Mapped[str]
    did: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="")
    key: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


def record_act(
    uow: UnitOfWork, who: str, did: str, *, kind: str = "", key: str = "", why: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Keep that somebody did something, in the transaction that does it."""
    uow.session.add(ActRow(who=who, did=did, kind=kind, key=key, why=why, facts=dict(facts or {})))
