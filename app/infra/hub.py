"""What every process of the hub holds: database, Redis, connections, routes, outbox, units of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from app.infra.backlog import Pressure
from app.infra.bell import RedisBell, Ringer, make_redis
from app.infra.connections import Connections
from app.infra.db import make_engine, make_sessions
from app.infra.flags import Flags
from app.infra.gates import Gates
from app.infra.ids import new_id
from app.infra.lines import Lines
from app.infra.notices import Intake, NoticeReceived
from app.infra.outbox import Bell, PostgresOutbox, Subscription, partition_mask
from app.infra.ownership import Owners
from app.infra.remote.spec import AdapterSpec
from app.infra.routes import Routes
from app.infra.secrets import Vault
from app.infra.uow import Trail, UnitOfWork
from app.infra.validation import Validations
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.queues import QueueRule, rules_of
from app.settings import Settings


@dataclass(slots=True)
class Hub:
    """One process' hold on the hub. Made by `open_hub`; closed with the process."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    redis: redis.Redis
    vault: Vault
    gates: Gates
    connections: Connections
    routes: Routes
    flags: Flags
    outbox: PostgresOutbox
    intake: Intake
    lines: Lines
    bell: Bell
    adapter: Callable[[str], AdapterSpec]
    queues: Mapping[str, QueueRule]
    pressure: Pressure
    clock: Clock = field(default=SYSTEM_CLOCK)
    owners: Owners = field(default_factory=Owners)
    validations: Validations = field(default_factory=Validations)

    def unit_of_work(self, trail: Trail | None = None) -> UnitOfWork:
        """A unit of work; without a trail it starts a story of its own."""
        return UnitOfWork(self.sessions, trail or Trail(correlation_id=new_id()), self.outbox, self)

    def close(self) -> None:
        self.bell.close()
        self.pressure.stop()
        self.lines.close()
        self.engine.dispose()
        self.redis.close()


def open_hub(
    settings: Settings,
    *,
    adapter: Callable[[str], AdapterSpec],
    subscriptions: Mapping[str, Sequence[Subscription]],
    send: Ringer | None = None,
    bell: Callable[[redis.Redis], Bell] | None = None,
    pool_size: int = 10,
    clock: Clock = SYSTEM_CLOCK,
) -> Hub:
    """Wire a process. `send` carries the bell's messages; `bell` replaces the bell where a process has its own."""
    client = make_redis(settings.redis_url)
    ringing = bell(client) if bell else RedisBell(client, send or _unheard)
    engine = make_engine(settings.database_url, pool_size=pool_size, prepared=settings.prepared)
    lines = Lines(engine, prepared=settings.prepared)
    vault = Vault([settings.secret_key, *settings.other_secret_keys])
    routes = Routes(clock)
    sessions = make_sessions(engine)
    gates = Gates(client)
    heard = tuple(subscriptions.get(NoticeReceived.event_type, ()))
    return Hub(
        settings=settings,
        engine=engine,
        sessions=sessions,
        redis=client,
        vault=vault,
        gates=gates,
        connections=Connections(adapter, vault, gates, allow_loopback=settings.allow_loopback),
        routes=routes,
        flags=Flags(sessions),
        outbox=PostgresOutbox(subscriptions, routes, ringing, settings.partitions),
        intake=Intake(heard, ringing, partition_mask(settings.partitions), lines),
        lines=lines,
        bell=ringing,
        adapter=adapter,
        queues=rules_of(settings.queues),
        pressure=Pressure(client, lines),
        clock=clock,
    )


def _unheard(place: object) -> None:
    """A process without a broker rings nobody; the relay finds the work within a second."""
