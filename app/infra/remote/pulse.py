"""Whether this process still beats. One that was frozen has lost its work to another and must not write."""

from __future__ import annotations

from time import monotonic

from app.kernel.errors import Transient

SILENCE = 1.0  # others take over after 1.5 s; the difference is the margin


class Pulse:
    """The last time this process told the database that it lives. A process that never beats is not asked."""

    def __init__(self) -> None:
        self.last: float | None = None

    def felt(self) -> None:
        self.last = monotonic()

    def stopped(self) -> None:
        self.last = None


PULSE = Pulse()


def forbid_frozen_process() -> None:
    """Called by the outbound client before every request."""
    if PULSE.last is not None and monotonic() - PULSE.last > SILENCE:
        raise Transient("hub.frozen", "this worker was silent for too long; another has its work")
