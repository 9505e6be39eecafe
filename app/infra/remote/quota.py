"""What a connection's calls may take of the vendor's limits: shared by all processes, and by purpose.

One script (scripts/quota.lua) settles what ended calls spent and takes for new ones, from all quotas of a connection
together or from none. While Redis is away each process keeps to its share: the limit, divided by the workers alive.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import redis
import structlog

from app.infra.remote.quotas import DAY, RESERVED, Quota, QuotaKind, Report
from app.kernel.clock import SYSTEM_CLOCK

SCRIPT = Path(__file__).with_name("scripts").joinpath("quota.lua").read_text(encoding="utf-8")
AWAY_SECONDS = 1.0  # how long Redis is left alone after it did not answer
LOCAL_BURST = 0.1  # of a share: alone, nobody knows what was spent a moment ago
KEPT_HOURS = 24  # of who spent how much
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What was taken for `count` calls or requests, or nothing and the seconds until something may be."""

    count: int
    seconds: float = 0.0
    why: str = ""  # the quota that is used up
    at: float = 0.0  # ms; the past it is settled against


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a part of a grant. `granted` and `spent` are amounts by quota; `after` is in seconds."""

    purpose: str
    at: float
    granted: Mapping[str, float]
    spent: Mapping[str, float]
    reports: Mapping[str, Report] = field(default_factory=dict)
    refused: bool = False
    after: float = 0.0

    def as_json(self) -> dict[str, Any]:
        told = {name: {k: v for k, v in asdict(r).items() if v is not None} for name, r in self.reports.items()}
        return {
            "purpose": self.purpose, "at": self.at, "granted": dict(self.granted), "spent": dict(self.spent),
            "reports": told, "refused": self.refused, "after": self.after * 1000,
        }  # fmt: skip


class Ledger:
    """One connection's quotas in one process. Safe to use from any thread."""

    def __init__(self, client: redis.Redis, connection: str, run: Any) -> None:
        self._client, self._connection, self._run = client, connection, run
        self._settled: list[Settled] = []
        self._seeded = False  # this process has seen the shared state: where it is gone, it was lost
        self._away_until = float("-inf")
        self._share = LocalShare()
        self._lock = threading.Lock()

    def settle_later(self, settled: Settled) -> None:
        """Tell it with the next question, or at `flush`."""
        with self._lock:
            self._settled.append(settled)

    def flush(self, quotas: Sequence[Quota]) -> None:
        if self._settled:
            self._ask(quotas, None)

    def take(
        self, quotas: Sequence[Quota], purpose: str, count: int, amounts: Mapping[str, float], *, workers: int,
        under_way: bool = False,
    ) -> Grant:  # fmt: skip
        """Take `amounts` for each of up to `count` calls. What is under way already may use what is reserved."""
        share = 0.0 if under_way else RESERVED.get(purpose, 0.0)
        wanted = {"count": count, "amounts": dict(amounts), "share": share}
        answer = self._ask(quotas, wanted)
        if answer is None:
            return self._share.take(quotas, count, amounts, workers)
        wait, why, at = answer["wait"] / 1000, answer["why"], answer["at"]
        return Grant(count=int(answer["granted"]), seconds=wait, why=why, at=at)

    def _ask(self, quotas: Sequence[Quota], wanted: dict[str, Any] | None) -> dict[str, Any] | None:
        with self._lock:
            told, self._settled = self._settled, []
        if monotonic() < self._away_until:
            self._share.end(told)
            return None
        request = {
            "quotas": [_as_json(quota) for quota in quotas],
            "settle": [one.as_json() for one in told],
            "seeded": self._seeded,
            "keep": int(1000 * (DAY + 2 * max((quota.window for quota in quotas), default=0))),
            **({"take": wanted} if wanted else {}),
        }
        hour = int(SYSTEM_CLOCK.now().timestamp() // 3600)
        try:
            raw = self._run(keys=[state_key(self._connection), spent_key(self._connection, hour)],
                            args=[json.dumps(request), ""])  # fmt: skip
        except redis.RedisError as away:
            log.warning("quota.redis_away", connection=self._connection, error=type(away).__name__)
            self._away_until = monotonic() + AWAY_SECONDS
            self._share.end(told)
            return None
        self._seeded = True
        answer: dict[str, Any] = json.loads(raw)
        return answer


@dataclass(slots=True)
class LocalShare:
    """This process' part of every limit while nobody can be asked: paced, with next to no burst."""

    _free: dict[str, tuple[float, float]] = field(default_factory=dict)  # quota → (free, at)
    _under_way: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, quotas: Sequence[Quota], count: int, amounts: Mapping[str, float], workers: int) -> Grant:
        now = monotonic()
        with self._lock:
            granted, seconds, why = count, 0.0, ""
            for quota in quotas:
                amount = amounts.get(quota.name, 0.0)
                if amount <= 0:
                    continue
                free, rate = self._room(quota, amount, workers, now)
                if free < amount:
                    wait = (amount - free) / rate if rate else 0.1
                    seconds, why = max((seconds, why), (wait, quota.name))
                granted = min(granted, max(0, int(free // amount)))
            if granted:
                self._use(quotas, amounts, granted, now)
            return Grant(count=granted, seconds=seconds, why=why)

    def end(self, told: Sequence[Settled]) -> None:
        """Calls have ended."""
        with self._lock:
            for name in self._under_way:
                ended = sum(one.granted.get(name, 0.0) for one in told)
                self._under_way[name] = max(0.0, self._under_way[name] - ended)

    def _room(self, quota: Quota, amount: float, workers: int, now: float) -> tuple[float, float]:
        share = quota.limit / max(1, workers)
        if quota.kind is QuotaKind.CONCURRENCY:
            return max(1.0, share // 1) - self._under_way.get(quota.name, 0.0), 0.0
        rate, burst = share / quota.window, max(amount, LOCAL_BURST * share)
        free, at = self._free.get(quota.name, (burst, now))
        free = min(burst, free + (now - at) * rate)
        self._free[quota.name] = (free, now)
        return free, rate

    def _use(self, quotas: Sequence[Quota], amounts: Mapping[str, float], count: int, now: float) -> None:
        for quota in quotas:
            if quota.kind is QuotaKind.CONCURRENCY:
                before = self._under_way.get(quota.name, 0.0)
                self._under_way[quota.name] = before + count * amounts.get(quota.name, 0.0)
            elif quota.name in self._free:
                self._free[quota.name] = (self._free[quota.name][0] - count * amounts.get(quota.name, 0.0), now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One quota as it stands: `used` is ours of `limit`, `others` what other users take (per window)."""

    quota: Quota
    limit: float
    used: float
    others: float
    free: float
    blocked_seconds: float
    spent_hour: Mapping[str, float]  # by purpose
    spent_day: Mapping[str, float]


def standings(client: redis.Redis, connection: str, quotas: Sequence[Quota], run: Any) -> list[Standing]:
    """How a connection's quotas stand, and who spent them. Raises redis.RedisError; changes nothing."""
    hour = int(SYSTEM_CLOCK.now().timestamp() // 3600)
    request = {"quotas": [_as_json(quota) for quota in quotas], "look": True, "settle": [], "seeded": False, "keep": 1}
    keys = [state_key(connection), spent_key(connection, hour)]
    look = json.loads(run(keys=keys, args=[json.dumps(request), ""]))["look"]
    pipe = client.pipeline(transaction=False)
    for back in range(KEPT_HOURS):
        pipe.hgetall(spent_key(connection, hour - back))
    hours = [{name.decode(): float(amount) for name, amount in one.items()} for one in pipe.execute()]
    return [
        Standing(
            quota=quota, limit=look[quota.name]["limit"], used=look[quota.name]["used"],
            others=look[quota.name]["others"], free=max(0.0, look[quota.name]["free"]),
            blocked_seconds=look[quota.name]["blocked"] / 1000,
            spent_hour=_by_purpose(quota.name, hours[:1]), spent_day=_by_purpose(quota.name, hours),
        )
        for quota in quotas
    ]  # fmt: skip


def state_key(connection: str) -> str:
    return f"hub:quota:{connection}"


def spent_key(connection: str, hour: int) -> str:
    return f"hub:quota:{connection}:spent:{hour}"


def _by_purpose(quota: str, hours: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for hour in hours:
        for name, amount in hour.items():
            of, _, purpose = name.partition("|")
            if of == quota:
                found[purpose] = found.get(purpose, 0.0) + amount
    return dict(sorted(found.items()))


def _as_json(quota: Quota) -> dict[str, Any]:
    window = int(quota.window * 1000)
    return {"name": quota.name, "kind": str(quota.kind), "limit": quota.limit, "window": window}
