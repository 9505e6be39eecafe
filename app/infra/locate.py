"""From a delivery's own id to its key, without reading every partition: closed deliveries have no index by id."""

from __future__ import annotations

from collections.abc import Sequence

from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused

Key = tuple[int, int]  # (event id, delivery id)
AROUND = 5_000  # events: deliveries are numbered as their events are, but for what was told at the same moment

STANDING = """
SELECT event_id, id FROM hub.delivery WHERE id = ANY(%(ids)s::bigint[]) AND state IN ('parked', 'rejected')
"""
EDGES = """
SELECT coalesce((SELECT event_id FROM hub.delivery ORDER BY event_id LIMIT 1), 0),
       coalesce((SELECT event_id FROM hub.delivery ORDER BY event_id DESC LIMIT 1), 0)
"""
FROM_ON = "SELECT event_id, id FROM hub.delivery WHERE event_id >= %(event)s ORDER BY event_id LIMIT 1"
BETWEEN = """
SELECT event_id, id FROM hub.delivery
 WHERE event_id BETWEEN %(low)s AND %(high)s AND id = ANY(%(ids)s::bigint[])
"""


def locate(uow: UnitOfWork, ids: Sequence[int]) -> list[Key]:
    """The keys of these deliveries, by id; one that is not kept is left out. Raises Refused where none is named."""
    if not ids:
        raise Refused("deliveries.nothing_chosen", "no delivery was named")
    wanted = sorted(set(ids))
    keys: list[Key] = [(row[0], row[1]) for row in uow.sql(STANDING, {"ids": wanted})]
    missing = sorted(set(wanted) - {number for _, number in keys})
    while missing:
        near = _near(uow, missing[0])
        given = {"low": near - AROUND, "high": near + AROUND, "ids": missing}
        found = [(row[0], row[1]) for row in uow.sql(BETWEEN, given)]
        keys += found
        missing = sorted(set(missing[1:]) - {number for _, number in found})
    return sorted(keys, key=lambda key: key[1])


def _near(uow: UnitOfWork, number: int) -> int:
    """The event at which delivery ids reach `number`, by halving over the primary key."""
    row = uow.sql(EDGES).fetchone()
    assert row is not None
    low, high = int(row[0]), int(row[1]) + 1
    while low < high:
        middle = (low + high) // 2
        found = uow.sql(FROM_ON, {"event": middle}).fetchone()
        if found is None or found[1] >= number:
            high = middle
        else:
            low = int(found[0]) + 1
    return low
