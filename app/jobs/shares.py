"""Which queue gets the next drain thread of a process: by weight, and one is always kept for orders."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping

from app.infra.outbox import Place
from app.kernel.queues import QueueRule, gives_way, kept_threads, next_queue, room_for


class Shares:
    """The drain threads of a process. Who may not drain now leaves the place here for whoever comes free."""

    def __init__(self, rules: Mapping[str, QueueRule], served: Collection[str], threads: int) -> None:
        self._rules, self._threads = rules, threads
        self._kept = kept_threads(rules, served, threads)
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, dict[Place, None]] = {}  # by queue, in the order in which they were left
        self._lock = threading.Lock()

    def enter(self, place: Place) -> bool:
        """Take a thread for a place; False where its queue has no room, and another thread will come for it."""
        with self._lock:
            if self._room(place.queue):
                self._busy[place.queue] += 1
                return True
            self._waiting.setdefault(place.queue, {})[place] = None
            return False

    def leave(self, place: Place, *, unfinished: bool) -> Place | None:
        """Give a thread back; returns the place that it goes on with, None where nothing waits that has room."""
        with self._lock:
            self._busy[place.queue] -= 1
            if unfinished:
                self._waiting.setdefault(place.queue, {})[place] = None
            able = [queue for queue, places in self._waiting.items() if places and self._room(queue)]
            if not able:
                return None
            queue = next_queue(self._rules, able, self._busy)
            following = next(iter(self._waiting[queue]))
            del self._waiting[queue][following]
            self._busy[queue] += 1
            return following

    def gives_way(self, queue: str) -> bool:
        """Whether a thread that drains this queue should rather serve one that waits."""
        with self._lock:
            waiting = [other for other, places in self._waiting.items() if places]
            return gives_way(self._rules, queue, waiting, self._busy)

    def _room(self, queue: str) -> int:
        return room_for(self._rules, queue, self._threads, self._busy, self._kept)
