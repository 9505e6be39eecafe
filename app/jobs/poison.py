"""The poison guard: a message that kills its worker is found, and others flow.

What is in hand inside stands in Redis while it runs; a note that nobody took away is a death. For a call outside the
claim itself counts: who takes it over knows that its holder died. After two deaths a call runs with no other beside it,
so that at the third only the culprit is set aside.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from time import monotonic
from typing import Protocol, TypeVar, cast

import redis
import structlog

from app.infra.outbox import Place

ALONE_DEATHS = 2  # from so many on a call runs alone in its process
MOST_DEATHS = 3  # a delivery that was in hand so often when a worker died is set aside
KEPT_SECONDS = 86400  # a day: long enough for a machine that comes back in the morning
ALONE_SECONDS = 70.0  # the longest call and its lease: if it is not quiet by then, others go on and it waits again
log = structlog.get_logger()


class Held(Protocol):
    """What counts deaths."""

    @property
    def deaths(self) -> int: ...


H = TypeVar("H", bound=Held)


class InHand:
    """Notes of the batches that are being run, one for each place."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def note(self, place: Place, pairs: Sequence[tuple[int, int]]) -> None:
        """Say that these (event id, delivery id) are in hand there."""
        try:
            self._client.set(_key(place), json.dumps(pairs), ex=KEPT_SECONDS)
        except redis.RedisError as away:
            log.warning("poison.not_noted", error=type(away).__name__)

    def clear(self, place: Place) -> None:
        try:
            self._client.delete(_key(place))
        except redis.RedisError as away:
            log.warning("poison.not_cleared", error=type(away).__name__)

    def noted(self, place: Place) -> list[tuple[int, int]]:
        """What was in hand there when somebody died; nothing where Redis is away."""
        try:
            found = cast(bytes | None, self._client.get(_key(place)))
        except redis.RedisError as away:
            log.warning("poison.not_read", error=type(away).__name__)
            return []
        return [(event_id, number) for event_id, number in json.loads(found)] if found else []


class Alone:
    """Lets a call that two workers died with run when no other call of this process is under way. One thread's own."""

    def __init__(self) -> None:
        self.place: Place | None = None  # where such a call waits for the others to end
        self._until, self._calls = 0.0, 0

    def leave(self, place: Place) -> None:
        """Nothing can be called there now: it is not waited for, others go on; it is met again when it can be."""
        if place == self.place:
            self.place = None

    def room(self, place: Place, calls: int, room: int) -> int:
        """How many may be claimed there while `calls` are under way and its connection has `room` for so many."""
        if self.place is not None and monotonic() > self._until:
            self.place = None
        if room <= 0 and not calls:  # it is quiet here: paused, or full of what others call
            self.leave(place)
        self._calls = calls
        if self.place is None:
            return room
        return min(room, 1) if place == self.place and not calls else 0

    def parted(self, place: Place, held: Sequence[H]) -> tuple[list[H], list[H]]:
        """What of the claimed runs now, and what is to be given back until it is quiet here."""
        suspects = [one for one in held if ALONE_DEATHS <= one.deaths < MOST_DEATHS]
        if not suspects:
            if place == self.place:
                self.place = None
            return list(held), []
        if self.place is None:
            self.place, self._until = place, monotonic() + ALONE_SECONDS
        if len(held) == 1 and not self._calls and place == self.place:
            return suspects, []
        return [one for one in held if one not in suspects], suspects


def _key(place: Place) -> str:
    return f"hub:in_hand:{place.queue}:{place.partition}"
