"""From which event on anything is open: what claims and reads need not look before, so that years behind cost nothing.

A bound that is too low costs time alone; one too high would hide work. So it moves up by whole partitions that hold
nothing open and are a day old, which no open transaction still fills; and what opens ended work lowers it in the same
transaction, under the decider lock of the place, after which everybody reads it anew. A relay sets it each minute.
"""

from __future__ import annotations

from collections.abc import Collection

from app.infra.partitions import last_event, partitions_of
from app.infra.rows import OPEN, listed
from app.infra.uow import UnitOfWork

READ = "SELECT event_id FROM hub.open_from"
HOLD = "SELECT FROM hub.open_from FOR KEY SHARE"  # keeps the relay from moving it; replays do not wait for one another
LOWER = "UPDATE hub.open_from SET event_id = %(event)s WHERE event_id > %(event)s"
LOCK = "SELECT FROM hub.open_from FOR UPDATE"
FIRST = "INSERT INTO hub.open_from (event_id) VALUES (0) ON CONFLICT DO NOTHING"
SET = "UPDATE hub.open_from SET event_id = %(event)s WHERE event_id <> %(event)s"
BUSY = f"""
SELECT EXISTS (SELECT FROM hub.delivery
                WHERE event_id >= %(low)s AND event_id < %(high)s AND state IN ({listed(OPEN)}))
    OR coalesce((SELECT at > now() - interval '1 day' FROM hub.event
                  WHERE id >= %(low)s AND id < %(high)s ORDER BY id DESC LIMIT 1), false)
"""
KEY = "open_from"


def open_from(uow: UnitOfWork) -> int:
    """The bound, read once in a transaction; ask after the decider lock is held."""
    if KEY not in uow.session.info:
        row = uow.sql(READ).fetchone()
        uow.session.info[KEY] = int(row[0]) if row else 0
    return int(uow.session.info[KEY])


def opened_again(uow: UnitOfWork, events: Collection[int]) -> None:
    """Deliveries of these events were ended and are open again."""
    if events:
        uow.sql(HOLD)
        uow.sql(LOWER, {"event": min(events)})
        uow.session.info.pop(KEY, None)


def set_open_from(uow: UnitOfWork) -> int:
    """Move the bound to where it belongs; returns it. Whoever opens ended work meanwhile waits, or is waited for."""
    if not uow.sql(LOCK).rowcount:
        uow.sql(FIRST)
        return 0
    last = last_event(uow)
    bound = 0
    for one in partitions_of(uow, "delivery"):
        low, high = int(one.low), int(one.high)
        row = uow.sql(BUSY, {"low": low, "high": high}).fetchone()
        bound = low
        if high > last or one.detaching or (row and row[0]):
            break
    uow.sql(SET, {"event": bound})
    return bound
