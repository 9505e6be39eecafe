"""What others ask of inventory. Each function takes the open unit of work first and never commits."""

from __future__ import annotations

from app.domains.inventory.queries import available, back_ordered, bundles_with, offered, offered_to
from app.domains.inventory.service.counting import (
    Counted,
    count_many,
    in_stock_units,
    move,
    move_many,
    set_policy,
    set_snapshot,
)
from app.domains.inventory.service.drifting import Rule, note_channels, rules, set_rule
from app.domains.inventory.service.learning import learn_bundles, learn_units
from app.domains.inventory.service.lives import (
    allocate,
    consume,
    expire,
    expire_order,
    fall_short,
    release,
    undo_shipment,
)
from app.domains.inventory.service.locking import lock_rows, rows_to_lock
from app.domains.inventory.service.offering import (
    drop_channel_policy,
    set_bundle,
    set_channel_policy,
    set_supplies,
    set_unit,
)
from app.domains.inventory.service.overselling import Oversell, oversell_of, re_source
from app.domains.inventory.service.owning import foreign_movements
from app.domains.inventory.service.quoting import Quote, end_quote, quote, quote_many, quoted
from app.domains.inventory.service.recounting import Recount, recount
from app.domains.inventory.service.reserving import adjust, reserve, reserve_many
from app.domains.inventory.service.settling import accept_drift, correct_drift

__all__ = [
    "Counted",
    "Oversell",
    "Quote",
    "Recount",
    "Rule",
    "accept_drift",
    "adjust",
    "allocate",
    "available",
    "back_ordered",
    "bundles_with",
    "consume",
    "correct_drift",
    "count_many",
    "drop_channel_policy",
    "end_quote",
    "expire",
    "expire_order",
    "fall_short",
    "foreign_movements",
    "in_stock_units",
    "learn_bundles",
    "learn_units",
    "lock_rows",
    "move",
    "move_many",
    "note_channels",
    "offered",
    "offered_to",
    "oversell_of",
    "quote",
    "quote_many",
    "quoted",
    "re_source",
    "recount",
    "release",
    "reserve",
    "reserve_many",
    "rows_to_lock",
    "rules",
    "set_bundle",
    "set_channel_policy",
    "set_policy",
    "set_rule",
    "set_snapshot",
    "set_supplies",
    "set_unit",
    "undo_shipment",
]
