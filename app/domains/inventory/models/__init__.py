"""Rows of schema `inventory`. Only this domain touches them; hot paths use statements on the same tables."""

from __future__ import annotations

from app.domains.inventory.models.offering import BundlePartRow, ChannelPolicyRow, SupplyRow, UnitRow
from app.domains.inventory.models.outgoing import ChannelLevelRow, SourceMarkRow
from app.domains.inventory.models.reconciling import DriftRow, DriftRuleRow
from app.domains.inventory.models.stock import (
    AvailabilityRow,
    MovementRow,
    PolicyRow,
    ReservationRow,
    StockLevelRow,
)

__all__ = [
    "AvailabilityRow",
    "BundlePartRow",
    "ChannelLevelRow",
    "ChannelPolicyRow",
    "DriftRow",
    "DriftRuleRow",
    "MovementRow",
    "PolicyRow",
    "ReservationRow",
    "SourceMarkRow",
    "StockLevelRow",
    "SupplyRow",
    "UnitRow",
]
