"""The lives of a product, of each of its variants, and of its listings at channels, as tables."""

from __future__ import annotations

from enum import StrEnum

from app.kernel.lifecycle import Lifecycle


class Status(StrEnum):
    DRAFT = "draft"  # known; not offered yet
    ACTIVE = "active"  # offered
    RETIRED = "retired"  # not offered any more; orders of before still know it


PRODUCT = Lifecycle(
    "product",
    start=Status.DRAFT,
    moves={
        "activate": {Status.DRAFT: Status.ACTIVE, Status.RETIRED: Status.ACTIVE},
        "retire": {Status.DRAFT: Status.RETIRED, Status.ACTIVE: Status.RETIRED},
        "redraft": {Status.RETIRED: Status.DRAFT},
    },
    late={
        "activate": frozenset({Status.ACTIVE}),
        "retire": frozenset({Status.RETIRED}),
        "redraft": frozenset({Status.DRAFT}),
    },
)


class ListingState(StrEnum):
    NONE = "none"  # not at the channel, and not meant to be
    WAITING = "waiting"  # something that the channel requires is missing
    PENDING = "pending"  # on its way to the channel
    LIVE = "live"  # it stands there as the hub wishes
    REJECTED = "rejected"  # the channel refused it
    PAUSED = "paused"  # it is there and not shown


_SETTLED = tuple(state for state in ListingState if state is not ListingState.PENDING)


def _from_pending(there: ListingState) -> dict[ListingState, ListingState]:
    return {ListingState.PENDING: there}


LISTING = Lifecycle(
    "listing",
    start=ListingState.NONE,
    moves={
        "mark": dict.fromkeys(_SETTLED, ListingState.PENDING),
        "wait": _from_pending(ListingState.WAITING),
        "show": _from_pending(ListingState.LIVE),
        "refuse": _from_pending(ListingState.REJECTED),
        "pause": _from_pending(ListingState.PAUSED),
        "drop": _from_pending(ListingState.NONE),
    },
    late={"mark": frozenset({ListingState.PENDING})},
)
