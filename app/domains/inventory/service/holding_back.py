"""Counts that are too far from what was believed to be taken unasked wait for a person, as drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domains.inventory.canonical import Snapshot
from app.domains.inventory.service import drifting
from app.domains.inventory.service.drifting import Drift, Rule
from app.domains.inventory.service.figures import Believed
from app.domains.inventory.service.locking import Level, Place
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused

SOURCE = "source"


def hold_back(
    uow: UnitOfWork, news: Sequence[Snapshot], levels: Mapping[Place, Level], believed: Mapping[Place, Believed],
    rules: Mapping[str, Rule],
) -> dict[Snapshot, Refused]:  # fmt: skip
    """The figures that their source's rule does not let through, each noted as a drift; a first count always passes."""
    far: list[tuple[Snapshot, Drift]] = []
    for snapshot in news:
        place = (snapshot.sku, snapshot.location)
        rule, level = rules.get(snapshot.source, rules.get("")), levels[place]
        if rule is None or level.as_of is None:
            continue
        drift = Drift(
            kind=SOURCE, other=snapshot.source, sku=snapshot.sku, location=snapshot.location, field="on_hand",
            ours=level.on_hand + believed[place].until, theirs=snapshot.on_hand, as_of=snapshot.as_of,
        )  # fmt: skip
        if drift.size > max(rule.tolerance, rule.automatic_up_to):
            far.append((snapshot, drift))
    causes = drifting.causes(uow, [(one.sku, one.location, one.theirs - one.ours) for _, one in far])
    drifting.note(uow, [one.because(cause) for (_, one), cause in zip(far, causes, strict=True)])
    return {snapshot: _waits(one) for snapshot, one in far}


def _waits(one: Drift) -> Refused:
    where = f"{one.sku} at {one.location}"
    return Refused(
        "inventory.needs_approval",
        f"{where}: {one.other} counted {one.theirs:f} where {one.ours:f} was believed: approve it, or count again",
        about=where,
    )
