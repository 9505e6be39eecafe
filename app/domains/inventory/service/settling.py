"""What a person says about a drift: the hub is corrected by it, or it is accepted as it is."""

from __future__ import annotations

from app.domains.inventory.canonical import Snapshot
from app.domains.inventory.service import drifting, outgoing, recounting
from app.domains.inventory.service.counting import count_many
from app.domains.inventory.service.drifting import LEDGER, Drift
from app.domains.inventory.service.holding_back import SOURCE
from app.domains.inventory.service.locking import open_levels
from app.infra.uow import UnitOfWork

OF_SKU = "SELECT id FROM inventory.drift WHERE kind = 'ledger' AND sku = %(sku)s AND state = 'open'"


def correct_drift(uow: UnitOfWork, drift_id: int, who: str) -> Drift:
    """Make the two books agree: counters by the ledger, a level by its source's count, a listing by what is offered.

    Raises NotFound, Refused where the drift is closed, Superseded where the source has counted anew since.
    """
    drift = drifting.locked(uow, drift_id)
    closed = [drift_id]
    if drift.kind == LEDGER:
        recounting.correct(uow, {drift.sku})
        closed = [row[0] for row in uow.sql(OF_SKU, {"sku": drift.sku})]
    elif drift.kind == SOURCE:
        _take(uow, drift)
    else:
        outgoing.mark(uow, [drift.other], [drift.sku])
    drifting.close(uow, closed, "corrected", who)
    return drift


def accept_drift(uow: UnitOfWork, drift_id: int, who: str) -> Drift:
    """Leave both books as they are. It is noted anew where it is found again."""
    drift = drifting.locked(uow, drift_id)
    drifting.close(uow, [drift_id], "accepted", who)
    return drift


def _take(uow: UnitOfWork, drift: Drift) -> None:
    place = (drift.sku, drift.location)
    level = open_levels(uow, {place: drift.other})[place]
    assert drift.as_of is not None, "a count has its instant"
    snapshot = Snapshot(
        source=drift.other, sku=drift.sku, location=drift.location, on_hand=drift.theirs, as_of=drift.as_of,
        sequence=level.sequence, reports=level.reports,
    )  # fmt: skip
    (counted,) = count_many(uow, [snapshot], approved=True)
    if counted.error is not None:
        raise counted.error
