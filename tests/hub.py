"""A hub in one process that a test cranks by hand: real PostgreSQL and Redis, real HTTP, no threads but the calls'."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from app.flows.runtime import STEPS, Steps
from app.infra.bell import make_redis
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub, open_hub
from app.infra.outbox import Place
from app.infra.remote.spec import AdapterSpec
from app.infra.routes import add_route
from app.infra.uow import Trail, UnitOfWork
from app.infra.workers import Heart
from app.jobs.bells import WorkerBell
from app.jobs.dispatcher import Dispatcher
from app.jobs.drain import Drain
from app.jobs.relay import sweep
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.settings import Settings

PATIENCE_SECONDS = 30.0


def forget_all(hub: Hub) -> None:
    """Let a hub that outlives a test read every table anew: it keeps pictures of some for a second."""
    for picture in (hub.connections, hub.routes, hub.flags, hub.owners, hub.validations):
        picture.forget()


class Crank:
    """One worker's parts and a bell that only remembers. `settle` runs everything that is ready."""

    def __init__(
        self,
        settings: Settings,
        *,
        adapter: Callable[[str], AdapterSpec],
        steps: Steps = STEPS,
        clock: Clock = SYSTEM_CLOCK,
        threads: int = 8,
    ) -> None:
        self.rung: list[Place] = []
        self.steps = steps
        self.redis = make_redis(settings.redis_url)
        self.bell = WorkerBell(self.redis, self.rung.append)
        self.hub: Hub = open_hub(
            settings, adapter=adapter, subscriptions=steps.by_event, bell=lambda _: self.bell, clock=clock
        )
        self.heart = Heart(self.hub, "worker", "test", calls_out=True)
        self.heart.start()
        self.drain = Drain(self.hub, steps, self.bell, self.heart.worker)
        self.dispatcher = Dispatcher(self.hub, steps, self.heart.worker, threads=threads)

    def close(self) -> None:
        self.dispatcher.stop(0)
        self.heart.stop()
        self.hub.close()
        self.redis.close()

    def uow(self, trail: Trail | None = None) -> UnitOfWork:
        return self.hub.unit_of_work(trail)

    def settle(self) -> None:
        """Drain, dispatch and sweep until nothing is ready and no call is under way."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            places = self.ready()
            for place in places:
                if place.connection:
                    self.dispatcher.wake(place)
                else:
                    self.drain.run(place)
            self.dispatcher.turn()
            if self.dispatcher.calls:
                self.dispatcher.heard(0.05)
            elif not places and not self.ready():  # what was just recorded may have told something new
                return
        raise AssertionError(f"not settled within {PATIENCE_SECONDS} s: {self.states()}")

    def ready(self) -> list[Place]:
        """Every place with ready work, as the relay sees it."""
        return sweep(self.hub)

    def hasten(self) -> None:
        """Let what waits for a later time be due now."""
        with self.uow() as uow:
            uow.sql("UPDATE hub.delivery SET next_at = now() WHERE state = 'due'")

    def states(self, subscriber: str = "") -> dict[str, int]:
        """How many deliveries are in each state."""
        with self.uow() as uow:
            rows = uow.sql(
                "SELECT state, count(*) FROM hub.delivery WHERE %(s)s IN ('', subscriber) GROUP BY state",
                {"s": subscriber},
            )
            return dict(rows.fetchall())

    def rows(self, statement: str, **given: Any) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        with self.uow() as uow:
            return list(uow.sql(statement, given).fetchall())

    def connect(
        self, name: str, adapter: str, *, role: str = "", secrets: dict[str, Any] | None = None, **given: Any
    ) -> None:
        """Add a connection, and a route to it where it plays a role."""
        with self.uow() as uow:
            sealed = self.hub.vault.seal(secrets, name) if secrets else None
            uow.session.add(ConnectionRow(name=name, adapter=adapter, title=name, settings=given, secrets=sealed))
            uow.session.flush()
            if role:
                add_route(uow, role, name)
        self.hub.connections.forget()
        self.hub.routes.forget()
