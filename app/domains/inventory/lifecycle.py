"""The life of a reservation, by quantity: a part of a line that moves on alone becomes a row of its own."""

from __future__ import annotations

from enum import StrEnum

from app.kernel.lifecycle import Lifecycle


class State(StrEnum):
    QUOTED = "quoted"  # a cart or a promise to collect: short-lived
    HELD = "held"  # an order has it
    ALLOCATED = "allocated"  # the ERP or warehouse accepted the order
    CONSUMED = "consumed"  # shipped; a return is a new movement
    RELEASED = "released"  # cancelled, edited down, refunded before shipping
    EXPIRED = "expired"  # not paid in time
    SHORT = "short"  # the picker did not find it


OPEN = (State.QUOTED, State.HELD, State.ALLOCATED)
_ENDED = frozenset(State) - frozenset(OPEN)

RESERVATION = Lifecycle(
    "inventory.reservation",
    start=State.QUOTED,
    moves={
        "hold": {State.QUOTED: State.HELD},
        "allocate": {State.HELD: State.ALLOCATED},
        # goods that left were accepted, whoever has not told us yet
        "consume": {State.ALLOCATED: State.CONSUMED, State.HELD: State.CONSUMED},
        "release": {State.QUOTED: State.RELEASED, State.HELD: State.RELEASED, State.ALLOCATED: State.RELEASED},
        "expire": {State.QUOTED: State.EXPIRED, State.HELD: State.EXPIRED},
        "fall_short": {State.ALLOCATED: State.SHORT, State.HELD: State.SHORT},
        "undo_shipment": {State.CONSUMED: State.ALLOCATED},
    },
    late={
        "hold": frozenset({State.HELD, State.ALLOCATED, State.CONSUMED}),
        "allocate": _ENDED | {State.ALLOCATED},
        "release": _ENDED,
        "expire": _ENDED | {State.ALLOCATED},
    },
)


def movable(trigger: str) -> list[str]:
    """The states from which `trigger` leads on."""
    return [state.value for state in RESERVATION.moves[trigger]]
