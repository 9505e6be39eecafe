"""Whether this process still beats. One that was frozen has lost its work to another and must not write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from app.kernel.errors import Waits

SILENCE = 1.0  # others take over after 1.5 s; the difference is the margin
LOST = 1.5  # after such a silence others may have taken what this process held, also when it beats again


class Pulse:
    """When this process last told the database that it lives. A process that never beats is not asked.

    `lives` counts the silences after which its work may have been taken over: what was claimed in an earlier life is
    not ours any more, however well we beat by now.
    """

    def __init__(self) -> None:
        self.last: float | None = None
        self.lives = 0

    def felt(self, began: float) -> None:
        """A beat that was begun then is in the database."""
        if self.last is not None and monotonic() - self.last > LOST:
            self.lives += 1
        self.last = began

    def stopped(self) -> None:
        self.last = None


PULSE = Pulse()
_call = threading.local()


@contextmanager
def within_life(life: int) -> Iterator[None]:
    """Whatever this thread sends meanwhile belongs to work that was claimed in that life."""
    _call.life = life
    try:
        yield
    finally:
        del _call.life


def forbid_frozen_process() -> None:
    """Called by the outbound client before every request."""
    if PULSE.last is None:
        return
    if monotonic() - PULSE.last > SILENCE or getattr(_call, "life", PULSE.lives) != PULSE.lives:
        message = "this worker was silent for too long; another has its work"
        raise Waits("hub.frozen", message, seconds=SILENCE)  # nothing was sent: no attempt is counted
