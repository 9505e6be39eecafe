"""Who gets which goods. Pure: what lies where, what is wanted and what was agreed go in, decisions come out."""

from __future__ import annotations

from app.domains.inventory.canonical import NOTHING
from app.domains.inventory.policy.offering import (
    DEFAULT,
    Part,
    beyond,
    chosen,
    offers,
    offers_of_bundle,
    offers_of_sums,
    sums_suffice,
)
from app.domains.inventory.policy.serving import Shelves, added_up, require_once, serve, taken_apart

__all__ = [
    "DEFAULT",
    "NOTHING",
    "Part",
    "Shelves",
    "added_up",
    "beyond",
    "chosen",
    "offers",
    "offers_of_bundle",
    "offers_of_sums",
    "require_once",
    "serve",
    "sums_suffice",
    "taken_apart",
]
