"""The Redis broker that carries bells. A message holds no work, so it may be lost, doubled or late."""

from __future__ import annotations

from collections.abc import Callable

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DramatiqError

from app.infra.bell import Ringer
from app.infra.outbox import QUEUES, Place
from app.settings import Settings

NAMESPACE = "hub:dramatiq"
HEARTBEAT_MILLISECONDS = 15_000  # a dead worker's bells are of no use; the relay rings again anyway
log = structlog.get_logger()


def make_broker(settings: Settings, client: redis.Redis) -> RedisBroker:
    """No middleware: retries, time limits and dead letters live in PostgreSQL."""
    broker: RedisBroker = RedisBroker(  # type: ignore[no-untyped-call]
        client=client, namespace=NAMESPACE, middleware=[], heartbeat_timeout=HEARTBEAT_MILLISECONDS,
        maintenance_chance=1000, dead_message_ttl=60_000,
    )  # fmt: skip
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
