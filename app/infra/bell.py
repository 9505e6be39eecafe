"""The bell: one short-lived flag in Redis for each place with work, so that a hundred publishers ring once.

A lost bell costs at most a second, until the relay sweeps; a lost Redis costs no work at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.infra.outbox import Place

FLAG_MILLISECONDS = 2000  # a flag whose message was lost must not silence the next ring for long
GATHER_SECONDS = 0.002  # a delay nobody notices; at full load it is one ring instead of many
ANSWER_SECONDS = 1.0  # Redis answers within a millisecond or is away
log = structlog.get_logger()


def make_redis(url: str) -> redis.Redis:
    """A client that never sends a command twice and never hangs."""
    return redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


class Ringer(Protocol):
    """Sends the message that wakes a worker for a place."""

    def __call__(self, place: Place) -> None: ...


def flag_of(place: Place) -> str:
    return f"hub:bell:{place.queue}:{place.connection or place.partition}"


class RedisBell:
    """Rings by Dramatiq messages, one for each place and flag."""

    def __init__(self, client: redis.Redis, send: Ringer) -> None:
        self._client, self._send = client, send

    def ring(self, places: Iterable[Place]) -> None:
        """Wake whoever works there, unless somebody has rung in the last two seconds and was not heard yet."""
        wanted = list(places)
        if not wanted:
            return
        try:
            pipe = self._client.pipeline(transaction=False)
            for place in wanted:
                pipe.set(flag_of(place), 1, nx=True, px=FLAG_MILLISECONDS)
            for place, fresh in zip(wanted, pipe.execute(), strict=True):
                if fresh:
                    self._send(place)
        except redis.RedisError as away:
            log.warning("bell.not_rung", places=len(wanted), error=type(away).__name__)

    def ring_again(self, places: Iterable[Place]) -> None:
        """Ring whatever the flag says: the relay's way."""
        try:
            for place in places:
                self._client.set(flag_of(place), 1, px=FLAG_MILLISECONDS)
                self._send(place)
        except redis.RedisError as away:
            log.warning("bell.not_rung", error=type(away).__name__)

    def set_flag(self, place: Place) -> None:
        self._quietly(lambda: self._client.set(flag_of(place), 1, px=FLAG_MILLISECONDS))

    def clear_flag(self, place: Place) -> None:
        self._quietly(lambda: self._client.delete(flag_of(place)))

    def is_set(self, place: Place) -> bool:
        return bool(self._quietly(lambda: self._client.exists(flag_of(place))))

    def _quietly(self, command: Callable[[], object]) -> object:
        try:
            return command()
        except redis.RedisError as away:
            log.warning("bell.redis_away", error=type(away).__name__)
            return None


class GatheringBell(RedisBell):
    """Rings from a thread of its own for everything that was published within two milliseconds: for the web, where a
    thousand requests a second would ring the same few places one by one."""

    def __init__(self, client: redis.Redis, send: Ringer) -> None:
        super().__init__(client, send)
        self._pending: set[Place] = set()
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self, places: Iterable[Place]) -> None:
        with self._lock:
            self._pending.update(places)
            if self._thread is None:  # on first use, since a server forks before it
                self._thread = threading.Thread(target=self._loop, name="bell", daemon=True)
                self._thread.start()
        self._something.set()

    def _loop(self) -> None:
        pause = threading.Event()
        while True:
            self._something.wait()
            pause.wait(GATHER_SECONDS)
            self._something.clear()
            with self._lock:
                places, self._pending = self._pending, set()
            super().ring(places)
