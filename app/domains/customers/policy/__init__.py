"""When two buyers are the same one, and what is right about what they say. Pure."""

from __future__ import annotations

from app.domains.customers.policy.credit import Exposure
from app.domains.customers.policy.likeness import SAME_EMAIL, SUSPICIOUS, WEIGHTS, Sign
from app.domains.customers.policy.matching import email_of, fingerprint, identity_of, own_identity, words_of
from app.domains.customers.policy.phones import phone_of
from app.domains.customers.policy.tax_ids import TaxId, Verdict, tax_id_of

__all__ = [
    "Exposure",
    "SAME_EMAIL",
    "SUSPICIOUS",
    "WEIGHTS",
    "Sign",
    "TaxId",
    "Verdict",
    "email_of",
    "fingerprint",
    "identity_of",
    "own_identity",
    "phone_of",
    "tax_id_of",
    "words_of",
]
