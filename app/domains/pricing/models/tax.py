"""Jurisdictions with their rates, certificates of exemption, how tax is rounded, and the last answers of an engine."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.domains.pricing.models.prices import NOW, SCHEMA
from app.infra.db import Base


class TaxJurisdictionRow(Base):
    """Who asks for tax where. Postal codes are kept as they are compared: capitals, no blanks, no dashes."""

    __tablename__ = "tax_jurisdiction"
    __table_args__ = (
        CheckConstraint("code <> ''", "some_code"),
        CheckConstraint("shipping IN ('as_goods', 'taxed', 'exempt')", "known_shipping"),
        CheckConstraint("postal_from = '' OR country <> ''", "postal_of_a_country"),
        Index("ix_tax_jurisdiction_place", "country", "region"),
        {"schema": SCHEMA},
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    zone: Mapped[str]
    country: Mapped[str] = mapped_column(server_default="")
    region: Mapped[str] = mapped_column(server_default="")
    postal_from: Mapped[str] = mapped_column(server_default="")
    postal_to: Mapped[str] = mapped_column(server_default="")
    shipping: Mapped[str] = mapped_column(server_default="as_goods")
    shipping_code: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")


class TaxRateRow(Base):
    """A percentage of a jurisdiction for a tax code, on days of its zone; no code is every other one."""

    __tablename__ = "tax_rate"
    __table_args__ = (
        CheckConstraint("percent >= 0", "not_negative"),
        CheckConstraint("effective_to >= effective_from", "some_time"),
        {"schema": SCHEMA},
    )

    jurisdiction: Mapped[str] = mapped_column(
        ForeignKey("pricing.tax_jurisdiction.code", ondelete="CASCADE"), primary_key=True
    )
    tax_code: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    effective_to: Mapped[date | None]
    name: Mapped[str]
    percent: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    compound: Mapped[bool] = mapped_column(server_default="false")


class TaxCertificateRow(Base):
    """A customer's proof that no tax is owed somewhere, on certain days."""

    __tablename__ = "tax_certificate"
    __table_args__ = (
        CheckConstraint("certificate_id <> '' AND country <> ''", "some_certificate"),
        CheckConstraint("effective_to >= effective_from", "some_time"),
        {"schema": SCHEMA},
    )

    customer: Mapped[str] = mapped_column(primary_key=True)
    certificate_id: Mapped[str] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    tax_code: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")


class TaxRuleRow(Base):
    """How tax of a company or channel is rounded, as the system does that invoices, and whom it is asked of.

    Empty means all; a channel's goes before a company's. No engine is the hub's own table.
    """

    __tablename__ = "tax_rule"
    __table_args__ = (
        CheckConstraint("rounding IN ('line', 'unit', 'document')", "known_rounding"),
        CheckConstraint("half IN ('up', 'even', 'down')", "known_half"),
        CheckConstraint("budget_ms BETWEEN 10 AND 10000", "some_budget"),
        CheckConstraint("fallback_percent >= 0", "not_negative"),
        {"schema": SCHEMA},
    )

    company: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    system: Mapped[str]
    rounding: Mapped[str] = mapped_column(server_default="document")
    half: Mapped[str] = mapped_column(server_default="up")
    engine: Mapped[str] = mapped_column(server_default="")
    budget_ms: Mapped[int] = mapped_column(Integer, server_default="300")
    keep_hours: Mapped[int] = mapped_column(Integer, server_default="720")
    fallback_percent: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str] = mapped_column(server_default="")


class TaxAnswerRow(Base):
    """What an engine last said: of a whole basket (`basket`), or as shares of net for a place and tax code (`rate`)."""

    __tablename__ = "tax_answer"
    __table_args__ = (
        CheckConstraint("kind IN ('basket', 'rate')", "known_kind"),
        Index("ix_tax_answer_answered_at", "answered_at"),
        {"schema": SCHEMA},
    )

    engine: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[Any] = mapped_column(JSONB)
    answered_at: Mapped[datetime] = mapped_column(server_default=NOW)
