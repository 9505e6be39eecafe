"""A Dramatiq broker that carries bells over Redis lists. A message holds no work, so it may be lost, doubled or late.

Dramatiq's own Redis broker keeps every message safe by polling, acknowledging and scavenging, which costs more than all
the work a bell wakes: 0.8 ms a message and a poll of every queue twenty times a second. A bell needs none of that. Here
a consumer blocks on its list and hears at once; what is lost with Redis is rung again by the relay within a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import cast

import dramatiq
import redis
import structlog
from dramatiq.broker import Broker, Consumer, MessageProxy
from dramatiq.errors import DramatiqError

from app.infra.bell import Ringer, make_redis
from app.infra.outbox import QUEUES, Place
from app.settings import Settings

AWAY_SECONDS = 0.2  # between tries to hear while Redis is away
MOST_WAITING = 1000  # bells that nobody hears need not pile up: one for each place would do
KEY = "hub:bells:{queue}"
log = structlog.get_logger()


class BellBroker(Broker):
    """Queues are Redis lists; nothing is acknowledged, delayed or kept."""

    def __init__(self, client: redis.Redis, address: str) -> None:
        super().__init__(middleware=[])
        self.client, self._address = client, address

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: dramatiq.Message[None], *, delay: int | None = None) -> dramatiq.Message[None]:
        """Ring. `delay` is not offered: what is due later is a row with a time."""
        if delay is not None:
            raise ValueError("a bell rings now; work for later is a delivery with next_at")
        key = KEY.format(queue=message.queue_name)
        if int(str(self.client.rpush(key, message.encode()))) > MOST_WAITING:
            self.client.ltrim(key, -MOST_WAITING, -1)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        return BellConsumer(self._address, queue_name, timeout)


class BellConsumer(Consumer):
    """Waits for the next bell of one queue, on a connection of its own."""

    def __init__(self, address: str, queue_name: str, timeout: int) -> None:
        self._client = make_redis(address, answer_seconds=timeout / 1000 + 1, connections=1)
        self._key, self._seconds = KEY.format(queue=queue_name), timeout / 1000

    def __next__(self) -> MessageProxy | None:
        try:
            found = self._client.blpop([self._key], timeout=self._seconds)
        except redis.RedisError as away:  # Dramatiq would be deaf for three seconds
            log.warning("bell.not_heard", error=type(away).__name__)
            threading.Event().wait(AWAY_SECONDS)
            return None
        return MessageProxy(dramatiq.Message.decode(cast(bytes, found[1]))) if isinstance(found, list | tuple) else None

    def ack(self, message: MessageProxy) -> None:
        return None

    def nack(self, message: MessageProxy) -> None:
        log.warning("bell.failed", place=message.args)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        return None

    def close(self) -> None:
        self._client.close()


def make_broker(settings: Settings, client: redis.Redis) -> BellBroker:
    """No middleware: retries, time limits and dead letters live in PostgreSQL."""
    broker = BellBroker(client, settings.redis_url)
    dramatiq.set_broker(broker)
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


def make_ringer(broker: dramatiq.Broker) -> Ringer:
    """What sends a bell's message: one actor, told a place."""

    def send(place: Place) -> None:
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=place.queue,
            actor_name="wake",
            args=(place.queue, place.connection, place.partition),
            kwargs={},
            options={},
        )
        try:
            broker.enqueue(message)
        except (DramatiqError, redis.RedisError) as away:
            log.warning("bell.not_rung", error=type(away).__name__)

    return send


def declare_wake(broker: dramatiq.Broker, hear: Callable[[Place], None]) -> None:
    """Declare the one actor on every queue."""

    def wake(queue: str, connection: str, partition: int) -> None:
        hear(Place(queue, connection, partition))

    dramatiq.actor(actor_name="wake", broker=broker, queue_name=QUEUES[0])(wake)
