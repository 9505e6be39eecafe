"""Stock as the rest of the hub speaks of it. Quantities are in the stock-keeping unit, at most five decimals."""

from __future__ import annotations

from app.domains.inventory.canonical.offering import (
    EVERY,
    HUNDRED,
    NOTHING,
    ChannelPolicy,
    Ground,
    Offer,
    Sum,
    Supply,
    Term,
)
from app.domains.inventory.canonical.stock import (
    Available,
    Beyond,
    Gap,
    Held,
    Movement,
    MovementKind,
    Reports,
    Reservation,
    Reserved,
    Short,
    Snapshot,
    Wanted,
    exact,
    require_place,
    require_zone,
)

__all__ = [
    "EVERY",
    "HUNDRED",
    "NOTHING",
    "Available",
    "Beyond",
    "ChannelPolicy",
    "Gap",
    "Ground",
    "Held",
    "Movement",
    "MovementKind",
    "Offer",
    "Reports",
    "Reservation",
    "Reserved",
    "Short",
    "Snapshot",
    "Sum",
    "Supply",
    "Term",
    "Wanted",
    "exact",
    "require_place",
    "require_zone",
]
