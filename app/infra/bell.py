"""The bell: one short-lived flag in Redis for each place with work, so that a hundred publishers ring once.

A lost bell costs at most a second, until the relay sweeps; a lost Redis costs no work at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.infra import sentinel
from app.infra.outbox import Place

FLAG_MILLISECONDS = 2000  # a flag whose message was lost must not silence the next ring for long
CLOSE_SECONDS = 2.0
GATHER_SECONDS = 0.005  # a delay nobody notices; at full load it is one ring instead of many
ANSWER_SECONDS = 1.0  # Redis answers within a millisecond or is away
# Sets the flags that nobody has set; says which those are. One command for all places costs a client a tenth of many.
RING = """
local fresh = {}
for n, flag in ipairs(KEYS) do
    if redis.call('SET', flag, 1, 'NX', 'PX', ARGV[1]) then fresh[#fresh + 1] = n end
end
return fresh
"""
log = structlog.get_logger()


def make_redis(url: str, *, answer_seconds: float = ANSWER_SECONDS, connections: int | None = None) -> redis.Redis:
    """A client that never sends a command twice and never hangs: of a server, or of what Sentinel says is the master.

    `answer_seconds` is longer for a client that blocks on a list.
    """
    line: dict[str, Any] = {
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": ANSWER_SECONDS,
        "socket_keepalive": True,  # what lies between us and a managed Redis forgets silent lines
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
    if connections is not None:
        line["max_connections"] = connections
    if sentinel.is_watched(url):
        return sentinel.connect(sentinel.read_address(url), **line)
    if url.startswith("unix:"):
        line.pop("socket_keepalive")
    return redis.Redis.from_url(url, **line)


class Ringer(Protocol):
    """Sends the message that wakes a worker for a place."""

    def __call__(self, place: Place) -> None: ...


def flag_of(place: Place) -> str:
    return f"hub:bell:{place.queue}:{place.connection or place.partition}"


class RedisBell:
    """Rings by Dramatiq messages, one for each place and flag."""

    def __init__(self, client: redis.Redis, send: Ringer) -> None:
        self._client, self._send = client, send
        self._ring = client.register_script(RING)

    def ring(self, places: Iterable[Place]) -> None:
        """Wake whoever works there, unless somebody has rung in the last two seconds and was not heard yet."""
        wanted = list(places)
        if not wanted:
            return
        try:
            for n in self._ring(keys=[flag_of(place) for place in wanted], args=[FLAG_MILLISECONDS]):
                self._send(wanted[n - 1])
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

    def close(self) -> None:
        """Ring no more; nothing to end here."""

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
    """Rings from a thread of its own: at once, and then for everything that was published within five milliseconds. For
    the web, where a thousand requests a second would ring the same few places one by one."""

    def __init__(self, client: redis.Redis, send: Ringer) -> None:
        super().__init__(client, send)
        self._pending: set[Place] = set()
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def ring(self, places: Iterable[Place]) -> None:
        with self._lock:
            self._pending.update(places)
            if self._thread is None:  # on first use, since a server forks before it
                self._thread = threading.Thread(target=self._loop, name="bell", daemon=True)
                self._thread.start()
        if not self._something.is_set():  # asking is cheap, and waking a thread that is awake is not
            self._something.set()

    def close(self) -> None:
        """Let a ring under way end, before its connection is closed under it."""
        self._closed = True
        self._something.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _loop(self) -> None:
        pause = threading.Event()
        while not self._closed:
            self._something.wait()
            self._something.clear()
            with self._lock:
                places, self._pending = self._pending, set()
            super().ring(places)
            pause.wait(GATHER_SECONDS)
