"""Reads of customers."""

from __future__ import annotations

from app.domains.customers.queries.accounts import (
    account,
    bound_customers,
    companies_by_tax_id,
    ids_by_identity,
    possible_duplicates,
)
from app.domains.customers.queries.credit import Debtor, credit_of, debtors, households, lock_credit
from app.domains.customers.queries.privacy import PrivacyRequest, pending_state, request_view, requests_listed
from app.domains.customers.queries.views import Brief, Pair, Whole, briefs, found, listed, pairs, whole

__all__ = [
    "Brief",
    "Debtor",
    "Pair",
    "PrivacyRequest",
    "Whole",
    "account",
    "bound_customers",
    "briefs",
    "companies_by_tax_id",
    "credit_of",
    "debtors",
    "found",
    "households",
    "ids_by_identity",
    "listed",
    "lock_credit",
    "pairs",
    "pending_state",
    "possible_duplicates",
    "request_view",
    "requests_listed",
    "whole",
]
