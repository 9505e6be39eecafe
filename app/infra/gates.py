"""The gates of all connections of one process: what its breakers and quotas share Redis with."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import redis

from app.infra.remote.breaker import BreakerPolicy, Breakers
from app.infra.remote.gate import Gate
from app.infra.remote.quota import SCRIPT, Ledger, Standing, standings
from app.infra.remote.quotas import Quota, quotas_of, refused


class Gates:
    """Every gate by connection. A gate outlives its connection's settings, which it takes over as they change."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.breakers = Breakers(client)
        self._quota = client.register_script(SCRIPT)
        self._known: dict[str, Gate] = {}
        self._lock = threading.Lock()

    def of(self, name: str, declared: Sequence[Quota], settings: Mapping[str, Any]) -> Gate:
        """The gate of a connection, by what its adapter declares and its settings change."""
        quotas, policy = limits_of(declared, settings)
        with self._lock:
            gate = self._known.get(name)
            if gate is None:
                ledger = Ledger(self._client, name, self._quota)
                gate = self._known[name] = Gate(name, self.breakers, ledger)
        gate.quotas, gate.policy = quotas, policy
        return gate

    def standings(self, gate: Gate) -> list[Standing]:
        """How a connection's quotas stand. Raises redis.RedisError."""
        return standings(self._client, gate.name, gate.quotas, self._quota) if gate.quotas else []

    def workers_are(self, count: int) -> None:
        """So many worker processes live: each keeps to its share of a limit while Redis is away."""
        for gate in list(self._known.values()):
            gate.workers = max(1, count)

    def flush(self) -> None:
        """Settle what has ended at every connection."""
        for gate in list(self._known.values()):
            gate.flush()


def limits_of(declared: Sequence[Quota], settings: Mapping[str, Any]) -> tuple[tuple[Quota, ...], BreakerPolicy]:
    """The quotas and the breaker's policy in force. Raises Invalid(`connections.settings`): field, rule, fix."""
    return quotas_of(declared, settings.get("quotas")), policy_of(settings.get("breaker"))


def policy_of(given: Mapping[str, Any] | None) -> BreakerPolicy:
    """A breaker's policy by a connection's settings. Raises Invalid, which names field, rule and fix."""
    known = {one.name: one for one in fields(BreakerPolicy)}
    wrong = []
    for name, value in (given or {}).items():
        if name not in known:
            fix = f"use one of {', '.join(known)}"
            wrong.append({"field": f"breaker.{name}", "rule": "is unknown", "fix": fix})
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _most(name):
            fix = f"give a number above 0, {_most(name):g} at most"
            wrong.append({"field": f"breaker.{name}", "rule": f"is out of range: {value!r}", "fix": fix})
    if wrong:
        raise refused(wrong)
    return BreakerPolicy(**(given or {}))


def _most(name: str) -> float:
    return {"ratio": 1.0, "probes": 100.0}.get(name, 86400.0)
