"""The keeper: a thread of each relay that lets partitions leave in quiet hours, forgets what is past its age, and
samples what the tables take.

What it does may take minutes, so it never runs in the relay's own turn. Any number may run; locks part them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

import structlog

from app.infra.hub import Hub
from app.infra.retention.ages import prune
from app.infra.retention.leaving import Piece, leave
from app.infra.retention.storage import sample
from app.infra.windows import end_window, unended_window

WINDOW = "retention"
QUIET = timedelta(hours=4)  # after the window opens: when trade begins the rest waits for the next night
LOOK_SECONDS = 20.0
SAMPLE_SECONDS = 3600.0
PRUNE_SECONDS = 300.0
log = structlog.get_logger()


class Keeper:
    """Looks whether a window of retention stands open, and works it off. `start`, then `stop`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="keeper", daemon=True)
        self._sampled = self._pruned = float("-inf")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after the piece in hand; what is left is done after the next start."""
        self._stop.set()
        self._thread.join(5)

    def turn(self) -> list[Piece]:
        """One look: sample and prune when it is time, do what an open window asks for; returns what left."""
        if monotonic() - self._sampled >= SAMPLE_SECONDS:
            sample(self._hub)
            self._sampled = monotonic()
        if monotonic() - self._pruned >= PRUNE_SECONDS:
            self._forget()
            self._pruned = monotonic()
        with self._hub.unit_of_work() as uow:
            instant = unended_window(uow, WINDOW, since=self._hub.clock.now() - QUIET)
        return self._keep(instant) if instant else []

    def _forget(self) -> None:
        if gone := prune(self._hub, self._stop):
            log.info("keeper.pruned", rows=dict(gone))

    def _keep(self, instant: datetime) -> list[Piece]:
        done = leave(self._hub, self._stop, instant + QUIET)
        if done is None:
            return []
        if not self._stop.is_set():
            with self._hub.unit_of_work() as uow:
                end_window(uow, WINDOW, instant, *told(done))
        return done

    def _loop(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.turn()
            except Exception as error:
                log.error("keeper.turn_failed", error=type(error).__name__, exc_info=error)


def told(done: Sequence[Piece]) -> tuple[str, dict[str, int]]:
    """The outcome of a run and its counts, as its window keeps them."""
    counts = dict(Counter(piece.did for piece in done))
    counts["bytes_dropped"] = sum(piece.bytes for piece in done if piece.did == "dropped")
    failed = counts.get("failed", 0) + counts.get("waits", 0)
    outcome = "incomplete" if failed else "nothing to do" if not done else "done"
    return outcome, counts
