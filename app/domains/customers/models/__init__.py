"""The rows of schema `customers`. Only this domain touches them; hot paths use statements on the same tables."""

from __future__ import annotations

from app.domains.customers.models.accounts import AccountRow, AddressRow, DuplicateRow, MergeRow
from app.domains.customers.models.privacy import ForgettingKeyRow, ForgottenRow, PrivacyExportRow, PrivacyRequestRow
from app.domains.customers.models.records import (
    ConsentRow,
    ContactPointRow,
    CreditTermsRow,
    LocationRow,
    MemberRow,
    SightingRow,
    TaxIdRow,
)

__all__ = [
    "AccountRow",
    "AddressRow",
    "ConsentRow",
    "ContactPointRow",
    "CreditTermsRow",
    "DuplicateRow",
    "ForgettingKeyRow",
    "ForgottenRow",
    "LocationRow",
    "MemberRow",
    "MergeRow",
    "PrivacyExportRow",
    "PrivacyRequestRow",
    "SightingRow",
    "TaxIdRow",
]
