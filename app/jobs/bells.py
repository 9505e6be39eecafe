"""A worker's own bell: what it publishes itself it hears itself, without a trip through Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import redis

from app.infra.bell import RedisBell, Ringer
from app.infra.outbox import Place
from app.jobs.dispatcher import Dispatcher


class WorkerBell(RedisBell):
    """Rings the own dispatcher while it has room, and only raises the flag of a partition that is drained here."""

    def __init__(self, client: redis.Redis, send: Ringer) -> None:
        super().__init__(client, send)
        self.dispatcher: Dispatcher | None = None
        self._draining: set[Place] = set()
        self._lock = threading.Lock()

    def ring(self, places: Iterable[Place]) -> None:
        others = []
        for place in places:
            if place.connection and self.dispatcher is not None and self.dispatcher.has_room:
                self.dispatcher.wake(place)
            elif place in self._draining:
                self.set_flag(place)
            else:
                others.append(place)
        super().ring(others)

    def begin(self, place: Place) -> bool:
        """Say that a thread of this process drains a place; False where one does already, and will go on."""
        with self._lock:
            if place in self._draining:
                self.set_flag(place)
                return False
            self._draining.add(place)
            return True

    def finish(self, place: Place) -> None:
        with self._lock:
            self._draining.discard(place)
