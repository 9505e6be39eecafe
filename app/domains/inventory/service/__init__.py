"""What others ask of inventory. Each function takes the open unit of work first and never commits."""

from __future__ import annotations

from app.domains.inventory.queries import available
from app.domains.inventory.service.counting import move, set_policy, set_snapshot
from app.domains.inventory.service.lives import (
    allocate,
    consume,
    expire,
    fall_short,
    release,
    undo_shipment,
)
from app.domains.inventory.service.locking import lock_rows, rows_to_lock
from app.domains.inventory.service.reserving import adjust, reserve, reserve_many

__all__ = [
    "adjust",
    "allocate",
    "available",
    "consume",
    "expire",
    "fall_short",
    "lock_rows",
    "move",
    "release",
    "reserve",
    "reserve_many",
    "rows_to_lock",
    "set_policy",
    "set_snapshot",
    "undo_shipment",
]
