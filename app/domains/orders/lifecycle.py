"""The life of an order, as a table. What the ERP holds of it stands beside it, in `erp_document`."""

from __future__ import annotations

from enum import StrEnum

from app.kernel.lifecycle import Lifecycle


class State(StrEnum):
    CAPTURED = "captured"  # taken in; the ERP was not asked
    HELD = "held"  # taken in; something must be decided before the ERP is asked
    ACCEPTED = "accepted"  # customer and stock are ours; the ERP is asked
    POSTED = "posted"  # the ERP holds it
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    CANCELLING = "cancelling"  # cancelled at its channel; the ERP is asked to follow
    CANCELLED = "cancelled"  # cancelled everywhere
    HISTORICAL = "historical"  # taken in for the record: no ERP is asked, whatever its channel says of it


class HoldKind(StrEnum):
    """Why an order waits."""

    TOTALS = "totals"
    STOCK = "stock"
    ADDRESS = "address"
    FRAUD = "fraud"
    CREDIT = "credit"
    PAYMENT = "payment"
    MANUAL = "manual"


_UNASKED = {State.CAPTURED, State.HELD}
_SHIPPING = {State.PARTLY_SHIPPED, State.SHIPPED}
_ENDED = {State.CANCELLING, State.CANCELLED}

ORDER = Lifecycle(
    "orders",
    start=State.CAPTURED,
    moves={
        "hold": {State.CAPTURED: State.HELD},
        "file": {State.CAPTURED: State.HISTORICAL},
        "take_up": {State.HISTORICAL: State.CAPTURED},  # a person wants it posted after all
        "accept": dict.fromkeys(_UNASKED, State.ACCEPTED),
        "post": {State.ACCEPTED: State.POSTED},
        "ship_part": {State.POSTED: State.PARTLY_SHIPPED},
        "ship": {State.POSTED: State.SHIPPED, State.PARTLY_SHIPPED: State.SHIPPED},
        "undo_part": {State.SHIPPED: State.PARTLY_SHIPPED},
        "undo": dict.fromkeys(_SHIPPING, State.POSTED),
        "cancel": dict.fromkeys(_UNASKED, State.CANCELLED)
        | dict.fromkeys((State.ACCEPTED, State.POSTED, State.PARTLY_SHIPPED), State.CANCELLING),
        "finish_cancel": {State.CANCELLING: State.CANCELLED},
    },
    late={  # neither a move nor an error: the message came twice, or after the fact
        "hold": frozenset({State.HELD, State.ACCEPTED, State.POSTED} | _SHIPPING | _ENDED),
        "accept": frozenset({State.ACCEPTED, State.POSTED} | _SHIPPING | _ENDED),
        "post": frozenset({State.POSTED} | _SHIPPING | _ENDED),
        "ship_part": frozenset(_SHIPPING | _ENDED),
        "ship": frozenset({State.SHIPPED} | _ENDED),
        "undo_part": frozenset({State.POSTED, State.PARTLY_SHIPPED} | _ENDED),
        "undo": frozenset({State.POSTED} | _ENDED),
        "cancel": frozenset({State.SHIPPED} | _ENDED),  # what has left is a return, not a cancellation
        "finish_cancel": frozenset({State.CANCELLED}),
        "file": frozenset(State) - {State.CAPTURED},  # what goes on already, or ended, is no history
        "take_up": frozenset(State) - {State.HISTORICAL},
    },
)
