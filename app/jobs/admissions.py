"""What may be claimed: the dispatcher asks a connection's gate before it opens a transaction, so that work which must
wait for a breaker or a quota costs no statement, no attempt and no thread, however much of it there is.
"""

from __future__ import annotations

from time import monotonic

from app.infra.connections import Connection
from app.infra.hub import Hub
from app.infra.outbox import Place
from app.infra.remote.gate import Admission
from app.infra.remote.permit import Permit

FIRST = 4  # calls asked for at a place of which nothing is known
SHORTEST_WAIT = 0.02  # so that what a quota lets through one by one is claimed by the handful
LONGEST_WAIT = 5.0  # an operator may reset a breaker, another process may learn of more room
FLUSH_SECONDS = 0.25
COUNT_SECONDS = 10.0
ALIVE = "SELECT count(*) FROM hub.worker WHERE kind = 'worker' AND beat_at > now() - interval '5 s'"


class Admissions:
    """What one dispatcher may claim at each place. Belongs to the dispatcher's thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._allowed: dict[Place, int] = {}
        self._open: dict[Place, Admission] = {}
        self._appetite: dict[Place, int] = {}
        self._later: dict[Place, float] = {}
        self._flushed = self._counted = float("-inf")

    def ask(self, place: Place, most: int) -> int:
        """How many calls may begin at a place, `most` at most. What is not used by the next question is given back."""
        self._allowed[place] = self._asked(place, most)
        return self._allowed[place]

    def _asked(self, place: Place, most: int) -> int:
        connection = self._connection(place)
        self.permits(place, connection, 0)
        self._later.pop(place, None)
        if connection.gate is None or connection.state == "paused":
            return most
        wanted = min(most, connection.concurrency, self._appetite.get(place, FIRST))
        if wanted <= 0:
            return 0
        admission = connection.gate.admit(place.queue, wanted)
        if admission.count == 0:
            self._later[place] = monotonic() + min(LONGEST_WAIT, max(SHORTEST_WAIT, admission.seconds))
        else:
            self._open[place] = admission
        return admission.count

    def room(self, place: Place) -> int:
        """How many calls were admitted at a place when it was last asked for."""
        return self._allowed.get(place, 0)

    def permits(self, place: Place, connection: Connection, count: int) -> list[Permit | None]:
        """A permit for each call that begins; the rest of what was admitted is given back."""
        admission = self._open.pop(place, None)
        if admission is None or connection.gate is None:
            return [None] * count
        if count:
            self._appetite[place] = 2 * count if count == admission.count else count + 2
        else:
            self._appetite[place] = FIRST
        return [*connection.gate.permits(admission, place.queue, count)]

    def due(self) -> set[Place]:
        """Places whose wait is over."""
        now = monotonic()
        return {place for place, at in self._later.items() if at <= now}

    def idle(self, longest: float) -> float:
        """Seconds until a wait is over, `longest` at most."""
        now = monotonic()
        return max(0.0, min((longest, *(at - now for at in self._later.values()))))

    def tend(self) -> None:
        """Settle what ended where nobody asks for more; count now and then who shares the limits."""
        now = monotonic()
        if now - self._flushed >= FLUSH_SECONDS:
            self._flushed = now
            self._hub.gates.flush()
        if now - self._counted >= COUNT_SECONDS:
            self._counted = now
            with self._hub.unit_of_work() as uow:
                row = uow.sql(ALIVE).fetchone()
            self._hub.gates.workers_are(row[0] if row else 1)

    def _connection(self, place: Place) -> Connection:
        known = self._hub.connections.known(place.connection)
        if known is not None:
            return known
        with self._hub.unit_of_work() as uow:
            return self._hub.connections.get(uow.session, place.connection)
