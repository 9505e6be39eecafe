"""What an account has besides itself: ways to reach it, tax ids, consent, credit terms, places and people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "customers"
NOW = text("now()")
ACCOUNT = "customers.account.id"


class ContactPointRow(Base):
    """An e-mail or phone number of an account, as it is compared. A verified one tells who somebody is."""

    __tablename__ = "contact_point"
    __table_args__ = (
        CheckConstraint("kind IN ('email', 'phone')", "known_kind"),
        Index("ix_contact_point_value", "value"),
        {"schema": SCHEMA},
    )

    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    verified: Mapped[bool] = mapped_column(server_default="false")
    source: Mapped[str] = mapped_column(server_default="")
    first_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TaxIdRow(Base):
    """A tax id of an account, without spaces and signs, and what a check of its form said."""

    __tablename__ = "tax_id"
    __table_args__ = (
        CheckConstraint("verdict IN ('checked', 'formed', 'unknown', 'wrong')", "known_verdict"),
        Index("ix_tax_id_number", "number"),
        {"schema": SCHEMA},
    )

    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(server_default="")
    verdict: Mapped[str]
    source: Mapped[str] = mapped_column(server_default="")
    checked_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ConsentRow(Base):
    """What a person agreed to or withdrew, where and when. Nothing is overwritten: the latest counts."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("purpose IN ('email', 'sms', 'post')", "known_purpose"),
        CheckConstraint("state IN ('granted', 'pending', 'withdrawn')", "known_state"),
        UniqueConstraint("account_id", "purpose", "source", "given_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT))
    purpose: Mapped[str]
    state: Mapped[str]
    source: Mapped[str]
    given_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)


class CreditTermsRow(Base):
    """How long and how much an account may owe, and owes in its ERP's books; no limit where `limit_minor` is empty."""

    __tablename__ = "credit_terms"
    __table_args__ = (
        CheckConstraint("limit_minor >= 0", "limit"),
        CheckConstraint("days BETWEEN 0 AND 730", "days"),
        {"schema": SCHEMA},
    )

    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT), primary_key=True)
    currency: Mapped[str]
    limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    days: Mapped[int] = mapped_column(server_default="0")
    blocked: Mapped[bool] = mapped_column(server_default="false")
    source: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    terms_code: Mapped[str] = mapped_column(server_default="")
    balance_minor: Mapped[int | None] = mapped_column(BigInteger)
    balance_at: Mapped[datetime | None]


class LocationRow(Base):
    """A place of a company that orders are placed for."""

    __tablename__ = "location"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        Index("ix_location_external_id", "connection", "external_id", postgresql_where=text("external_id <> ''")),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT))
    name: Mapped[str]
    connection: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str] = mapped_column(server_default="")
    line1: Mapped[str] = mapped_column(server_default="")
    line2: Mapped[str] = mapped_column(server_default="")
    city: Mapped[str] = mapped_column(server_default="")
    province_code: Mapped[str] = mapped_column(server_default="")
    postal_code: Mapped[str] = mapped_column(server_default="")
    country_code: Mapped[str] = mapped_column(server_default="")


class MemberRow(Base):
    """A person who acts for a company, perhaps at one of its places."""

    __tablename__ = "member"
    __table_args__ = (Index("ix_member_person_id", "person_id"), {"schema": SCHEMA})

    account_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT), primary_key=True)
    person_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey(ACCOUNT), primary_key=True)
    location_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False), ForeignKey("customers.location.id"))
    role: Mapped[str] = mapped_column(server_default="")


class SightingRow(Base):
    """When a source last showed a customer of its own."""

    __tablename__ = "sighting"
    __table_args__ = ({"schema": SCHEMA},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
