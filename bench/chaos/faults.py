"""What can go wrong, by name: each fault strikes, lasts for its seconds, and is over when its function returns."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import psycopg
import redis

from bench.chaos.house import House
from bench.chaos.outside import Outside
from bench.chaos.proxy import Proxy

AN_HOUR = 3600.0
SILENT = (1.8, 3.0)  # seconds: others take over after 1.5, and the frozen one must notice when it wakes
AWAY = (0.5, 2.5)
SKEWED = ("worker.1", "worker.2", "relay", "scheduler")
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where faults strike."""

    house: House
    outside: Outside
    database: Proxy
    bells: Proxy
    remotes: Proxy
    random: Random

    @property
    def redis(self) -> redis.Redis:
        """Past the proxy, on a connection of its own."""
        return redis.Redis.from_url(self.house.ground.settings.redis_url, socket_timeout=5)

    def last(self, seconds: tuple[float, float]) -> float:
        """Let a fault last for a while; gives for how long."""
        lasting = self.random.uniform(*seconds)
        time.sleep(lasting)
        return lasting


Fault = Callable[[Field], str]  # what exactly was done, in words


def kill(field: Field) -> str:
    return field.house.kill_one(field.random)


def freeze(field: Field) -> str:
    """A worker stands still for longer than others wait for it, and goes on as if nothing had been."""
    name = field.random.choice(("worker.1", "worker.2"))
    with field.house.stopped(name):
        seconds = field.last(SILENT)
    return f"{name} for {seconds:.1f} s"


def clock(field: Field) -> str:
    """A process comes back with a clock that is an hour wrong, until something restarts it."""
    name, by = field.random.choice(SKEWED), field.random.choice((AN_HOUR, -AN_HOUR))
    field.house.restart(name, skewed=by)
    return f"{name} by {by:+.0f} s"


def postgres_cut(field: Field) -> str:
    """The administrator ends every session."""
    with psycopg.connect(field.house.ground.plain_url, autocommit=True, connect_timeout=5) as line:
        row = line.execute(TERMINATE).fetchone()
    return f"{row[0] if row else 0} sessions"


def postgres_restart(field: Field) -> str:
    """A fast shutdown, with its checkpoint, and a start."""
    return _restart(field, signal.SIGINT)


def postgres_crash(field: Field) -> str:
    """An immediate shutdown: the start recovers from the log."""
    return _restart(field, signal.SIGQUIT)


def _restart(field: Field, how: signal.Signals) -> str:
    ground, began = field.house.ground, time.monotonic()
    assert ground.servers is not None
    pid = int((ground.home / "postgresql" / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    os.kill(pid, how)
    while not ground.servers.revive():
        time.sleep(0.02)
    return f"for {time.monotonic() - began:.1f} s"


def postgres_drop(field: Field) -> str:
    return _drop(field, field.database)


def postgres_stall(field: Field) -> str:
    return _stall(field, field.database)


def redis_drop(field: Field) -> str:
    return _drop(field, field.bells)


def redis_stall(field: Field) -> str:
    return _stall(field, field.bells)


def _drop(field: Field, way: Proxy) -> str:
    """Connections are reset and new ones refused for a while."""
    way.cut(refuse=True)
    seconds = field.last(AWAY)
    way.heal()
    return f"for {seconds:.1f} s"


def _stall(field: Field, way: Proxy) -> str:
    """Connections stay up and nothing passes for a while: the worst way to be away."""
    way.stall()
    seconds = field.last(AWAY)
    way.heal()
    return f"for {seconds:.1f} s"


def redis_cut(field: Field) -> str:
    with field.redis as client:
        return f"{client.execute_command('CLIENT', 'KILL', 'TYPE', 'normal')} connections"


def redis_emptied(field: Field) -> str:
    with field.redis as client:
        client.flushall()
    return ""


def redis_full(field: Field) -> str:
    """No memory is left: it answers, and takes nothing in."""
    with field.redis as client:
        client.config_set("maxmemory", 1)
        seconds = field.last(AWAY)
        client.config_set("maxmemory", 0)
    return f"for {seconds:.1f} s"


def remote_slow(field: Field) -> str:
    return _trouble(field, "latency")


def remote_refuses(field: Field) -> str:
    return _trouble(field, field.random.choice(("status", "throttle")))


def remote_loses(field: Field) -> str:
    return _trouble(field, field.random.choice(("drop_after", "drop_before")))


def remote_doubles(field: Field) -> str:
    """Some answers arrive twice on their connection, the second where the next one is expected."""
    field.remotes.doubling = count = field.random.randint(3, 8)
    return f"{count} answers"


def remote_stall(field: Field) -> str:
    return _stall(field, field.remotes)


def webhooks_twice(field: Field) -> str:
    return _trouble(field, field.random.choice(("duplicate", "reorder")), vendor="webhooks")


def _trouble(field: Field, kind: str, vendor: str = "") -> str:
    vendor = vendor or field.random.choice(("business_central", "business_central", "shopify"))
    return field.outside.trouble(vendor, kind, field.random)


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill, freeze, clock, postgres_cut, postgres_restart, postgres_crash, postgres_drop, postgres_stall, redis_cut,
        redis_drop, redis_stall, redis_emptied, redis_full, remote_slow, remote_refuses, remote_loses, remote_doubles,
        remote_stall, webhooks_twice,
    )
}  # fmt: skip
BESIDE = ("remote_slow", "remote_refuses", "remote_loses", "webhooks_twice")  # also while others strike


def chosen(names: str) -> Sequence[str]:
    """The faults of a comma-separated list, all where it is empty. Raises ValueError naming what is unknown."""
    wanted = [name for name in names.replace(" ", "").split(",") if name]
    if unknown := sorted(set(wanted) - FAULTS.keys()):
        raise ValueError(f"there is no fault {unknown[0]!r}: give some of {', '.join(FAULTS)}")
    return tuple(wanted or FAULTS)
