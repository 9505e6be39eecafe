"""Reads of stock. Those named `locked` hold rows until the unit of work ends; the SKU's lock comes first."""

from __future__ import annotations

from app.domains.inventory.queries.answers import Standing, places_of, standings
from app.domains.inventory.queries.drifts import DriftSeen, drifts, open_drifts
from app.domains.inventory.queries.offering import beyonds, bundles_with, every_policy, offered, offered_to, parts_of
from app.domains.inventory.queries.shelf import Entry, Promise, ledger_of, promises_of, skus
from app.domains.inventory.queries.stock import (
    available,
    back_ordered,
    open_counts,
    overdue,
    overdue_locked,
    overdue_of,
    passes_untracked,
    reservations,
    reservations_locked,
    shelves,
)

__all__ = [
    "DriftSeen",
    "Entry",
    "Promise",
    "Standing",
    "available",
    "back_ordered",
    "beyonds",
    "bundles_with",
    "drifts",
    "every_policy",
    "ledger_of",
    "offered",
    "offered_to",
    "open_counts",
    "open_drifts",
    "overdue",
    "overdue_locked",
    "overdue_of",
    "parts_of",
    "passes_untracked",
    "places_of",
    "promises_of",
    "reservations",
    "reservations_locked",
    "shelves",
    "skus",
    "standings",
]
