"""Replay by filter: what a person chose goes again, page by page, at a rate, and is told apart afterwards.

What is to go is chosen once, at the start, so that what gives up again is not replayed in a circle. Each delivery is
told to look before it writes, so that what had its effect is found and not repeated.
"""

from __future__ import annotations

from collections import Counter

from app.flows.running import inside_run
from app.infra.replay.again import release
from app.infra.replay.many import REPLAY, mark, next_chosen
from app.infra.runs.work import Page, Run
from app.infra.uow import UnitOfWork

MOST_AT_ONCE = 500  # the places of these deliveries are held while they are released: some tens of milliseconds


def page(uow: UnitOfWork, run: Run) -> Page:
    """Release the next of the chosen deliveries, in the order in which they were told."""
    chosen = next_chosen(uow, run.id, run.checkpoint, min(run.room, MOST_AT_ONCE))
    if not chosen:
        return Page(checkpoint=run.checkpoint, finished=True)
    released = release(uow, [one.key for one in chosen], run.who)
    gone = [one for one in chosen if one.key[1] in released]
    mark(uow, run.id, [one.key for one in gone])
    counts = Counter(f"were_{one.was}" for one in gone)
    if left := len(chosen) - len(gone):
        counts["left"] = left  # somebody has replayed or dismissed them meanwhile
    event_id, number = chosen[-1].key
    return Page(checkpoint={"event_id": event_id, "delivery": number}, done=len(chosen), counts=counts)


inside_run(REPLAY, title="Replay", page=page)
