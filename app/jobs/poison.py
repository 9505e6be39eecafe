"""The poison guard: what is in hand stands in Redis while it runs; a note that nobody took away is a death."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

import redis
import structlog

from app.infra.outbox import Place

MOST_DEATHS = 3  # a delivery that was in hand so often when a worker died is set aside
KEPT_SECONDS = 86400  # a day: long enough for a machine that comes back in the morning
log = structlog.get_logger()


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


def _key(place: Place) -> str:
    return f"hub:in_hand:{place.queue}:{place.partition}"
