"""Who buys, where it goes, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    province: str = ""
    province_code: str = ""  # empty where a country has none
    postal_code: str = ""
    country: str = ""
    country_code: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The customer as the source names it. `external_id` is empty for a guest and where personal data is withheld."""

    external_id: str = ""
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    locale: str = ""
    tax_exempt: bool = False
    exemptions: tuple[str, ...] = ()
    withheld: bool = False  # the source may not tell who it is: not the same as a guest


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The B2B buyer and its location."""

    external_id: str
    name: str = ""
    location_id: str = ""
    location_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """When the buyer pays. `due_at` is the source's instant: the company's zone makes a date of it."""

    name: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where in the source the order was placed."""

    source_name: str = ""
    location: str = ""
    app: str = ""
    source_identifier: str = ""
