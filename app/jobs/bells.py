"""A worker's own bell: what it publishes itself it hears itself, without a trip through Redis."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

import redis

from app.infra.bell import RedisBell, Ringer
from app.infra.outbox import Place
from app.jobs.dispatcher import Dispatcher
from app.kernel.queues import QUEUES


class WorkerBell(RedisBell):
    """Rings the own dispatcher while it has room, and only notes what is rung at a partition that is drained here."""

    def __init__(self, client: redis.Redis, send: Ringer, served: Collection[str] = QUEUES) -> None:
        super().__init__(client, send)
        self._served = frozenset(served)
        self.dispatcher: Dispatcher | None = None
        self._draining: dict[Place, bool] = {}  # and whether it was rung meanwhile
        self._lock = threading.Lock()

    def ring(self, places: Iterable[Place]) -> None:
        others = []
        for place in places:
            if place.connection and self._has_room(place.queue):
                assert self.dispatcher is not None
                self.dispatcher.wake(place)
            elif not self._noted(place):
                others.append(place)
        super().ring(others)

    def _has_room(self, queue: str) -> bool:
        return self.dispatcher is not None and queue in self._served and self.dispatcher.has_room(queue)

    def begin(self, place: Place) -> bool:
        """Say that a thread of this process drains a place; False where one does already, and will go on."""
        with self._lock:
            if place in self._draining:
                self._draining[place] = True
                return False
            self._draining[place] = False
            return True

    def finish(self, place: Place) -> bool:
        """Say that it drains it no longer; True where it was rung meanwhile, perhaps after the last look."""
        with self._lock:
            return self._draining.pop(place)

    def _noted(self, place: Place) -> bool:
        with self._lock:
            if place in self._draining:
                self._draining[place] = True
                return True
            return False
