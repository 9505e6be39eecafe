"""A breaker for each connection: while a remote does not answer, nobody calls it but a few probes.

All processes share one by way of Redis (scripts/breaker.lua moves it, in one step). While Redis is away each process
goes on with what it last knew, by the same rules; what an emptied Redis forgot, whoever remembers it brings back.

closed     calls go out; outcomes are counted over a sliding window
open       nothing goes out until the open time is over; it doubles with each opening in a row
half_open  a few probes go out: one that is answered closes it, one that is not opens it again
held       opened by a person, until a person resets it
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import redis
import structlog

from app.kernel.clock import SYSTEM_CLOCK

BREAKERS = "hub:breakers"
MOVES = "hub:breaker:moves"
LOOK_SECONDS = 0.5  # how old a process' picture of the breakers may be: a trip holds everywhere after this
AWAY_SECONDS = 1.0  # how long Redis is left alone after it did not answer
SLICES = 10
PROBE_LIFE = 45_000  # ms: no request lasts longer; a probe whose process died is forgotten
SCRIPT = Path(__file__).with_name("scripts").joinpath("breaker.lua").read_text(encoding="utf-8")
State = dict[str, Any]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a breaker opens and for how long. Times in seconds, as a connection's settings give them."""

    window: float = 30.0  # outcomes count for so long
    volume: int = 20  # fewer say nothing
    ratio: float = 0.5  # of them failed
    open: float = 2.0  # the first time; long enough for a restart at the other side, short enough to go unnoticed
    longest: float = 60.0  # one probe a minute is nothing to a remote, and nobody waits longer for its return
    probes: int = 3

    def milliseconds(self) -> dict[str, float]:
        return {**asdict(self), **{name: getattr(self, name) * 1000 for name in ("window", "open", "longest")}}


@dataclass(slots=True)
class Breakers:
    """The breakers of all connections, as one process sees and moves them. Safe to use from any thread."""

    client: redis.Redis
    _known: dict[str, State] = field(default_factory=dict)
    _good: dict[str, int] = field(default_factory=dict)
    _policies: dict[str, BreakerPolicy] = field(default_factory=dict)
    _looked: float = float("-inf")
    _away_until: float = float("-inf")
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _offset: float = 0.0  # from this process' steady clock to Redis' own, whatever this machine's calendar says
    _run: Any = None

    def __post_init__(self) -> None:
        self._run = self.client.register_script(SCRIPT)
        self._offset = SYSTEM_CLOCK.now().timestamp() * 1000 - monotonic() * 1000

    def now(self) -> float:
        """Milliseconds since 1970 by Redis' clock, which all processes share."""
        return monotonic() * 1000 + self._offset

    def state(self, name: str) -> State:
        """What this process knows of a connection's breaker, half a second old at most while Redis answers."""
        self.look()
        return self._known.get(name) or new_state()

    def known(self) -> Mapping[str, State]:
        """Every breaker that was ever used, by connection."""
        self.look()
        return dict(self._known)

    def shut(self) -> list[str]:
        """Connections that may not be called at all now: open or held. Those whose open time is over are left out."""
        now = self.now()
        return sorted(name for name, state in self.known().items() if wait_of(state, now) > 0)

    def admit(self, name: str, count: int, policy: BreakerPolicy) -> tuple[int, float, bool]:
        """How many of `count` calls may go out, the seconds until one may, and whether they are probes."""
        if count <= 0 or (state := self.state(name))["state"] == "closed":
            return count, 0.0, False
        if (wait := wait_of(state, self.now())) > 0:
            return 0, wait / 1000, False
        moved = self._move(name, "probe", {"count": count}, policy)
        return int(moved["granted"]), moved["wait"] / 1000, moved["state"] != "closed"

    def answered(self, name: str, policy: BreakerPolicy, *, probe: bool) -> None:
        """The remote answered, whatever it said."""
        self._policies[name] = policy
        if self.state(name)["state"] != "closed":
            if probe:
                self._move(name, "record", {"good": 1, "bad": 0, "why": "", "probe": True}, policy)
            return
        with self._lock:
            self._good[name] = self._good.get(name, 0) + 1

    def failed(self, name: str, why: str, policy: BreakerPolicy, *, probe: bool) -> None:
        """A call got no answer, or one that says "not now"."""
        with self._lock:
            good = self._good.pop(name, 0)
        before = self.state(name)["state"]
        moved = self._move(name, "record", {"good": 0 if probe else good, "bad": 1, "why": why, "probe": probe}, policy)
        if moved["state"] == "open" != before:
            log.warning("breaker.opened", connection=name, why=why, seconds=(moved["until_ms"] - moved["now"]) / 1000)

    def release(self, name: str, count: int, policy: BreakerPolicy) -> None:
        """So many probes were not sent after all, or said nothing about the remote."""
        self._move(name, "record", {"good": 0, "bad": 0, "why": "", "probe": True, "count": count}, policy)

    def trip(self, name: str, who: str, why: str, policy: BreakerPolicy) -> State:
        """Open it until somebody resets it. Raises redis.RedisError where the others cannot be told."""
        return self._asked(name, "trip", {"by": who, "why": why}, policy)

    def reset(self, name: str, who: str, why: str, policy: BreakerPolicy) -> State:
        """Close it, whatever it knows. Raises redis.RedisError where the others cannot be told."""
        return self._asked(name, "reset", {"by": who, "why": why}, policy)

    def moves(self) -> list[dict[str, Any]]:
        """Openings and closings that nobody wrote down yet, oldest first. Raises redis.RedisError."""
        return [json.loads(move) for move in self.client.lrange(MOVES, 0, -1)]

    def written_down(self, count: int) -> None:
        """The first `count` moves are kept elsewhere now. Raises redis.RedisError."""
        self.client.ltrim(MOVES, count, -1)

    def look(self) -> None:
        """Read the breakers of all processes where the picture is old, and tell what was answered since."""
        with self._lock:
            if monotonic() - max(self._looked, self._away_until - LOOK_SECONDS) < LOOK_SECONDS:
                return
            self._looked = monotonic()
            told, self._good = self._good, {}
        try:
            for name, good in told.items():
                given = json.dumps({"good": good, "bad": 0, "why": "", "probe": False})
                self._call(name, "record", given, self._policies[name])
            pipe = self.client.pipeline(transaction=False)
            pipe.hgetall(BREAKERS)
            pipe.time()
            found, (seconds, micros) = pipe.execute()
            self._offset = seconds * 1000 + micros / 1000 - monotonic() * 1000
            shared = {name.decode(): json.loads(raw) for name, raw in found.items()}
            self._bring_back(shared)
        except redis.RedisError as away:
            self._left_alone(away)
        else:
            with self._lock:
                self._known = shared

    def _bring_back(self, shared: dict[str, State]) -> None:
        now = self.now()
        for name, state in list(self._known.items()):
            if name not in shared and state["state"] == "open" and wait_of(state, now) > 0:
                policy = self._policies.get(name, BreakerPolicy())
                shared[name] = json.loads(self._call(name, "restore", json.dumps(state), policy))

    def _asked(self, name: str, verb: str, given: Mapping[str, Any], policy: BreakerPolicy) -> State:
        moved: State = json.loads(self._call(name, verb, json.dumps(given), policy))
        with self._lock:
            self._known[name] = moved
        return moved

    def _move(self, name: str, verb: str, given: Mapping[str, Any], policy: BreakerPolicy) -> State:
        self._policies[name] = policy
        if monotonic() >= self._away_until:
            try:
                return self._asked(name, verb, given, policy)
            except redis.RedisError as away:
                self._left_alone(away)
        with self._lock:
            moved = step(self._known.get(name) or new_state(), verb, given, policy, self.now())
            self._known[name] = moved
            return moved

    def _call(self, name: str, verb: str, given: str, policy: BreakerPolicy, now: str = "") -> Any:
        return self._run(keys=[BREAKERS, MOVES], args=[name, verb, given, json.dumps(policy.milliseconds()), now])

    def _left_alone(self, away: redis.RedisError) -> None:
        if monotonic() >= self._away_until:
            log.warning("breaker.redis_away", error=type(away).__name__)
        self._away_until = monotonic() + AWAY_SECONDS


def new_state() -> State:
    """A breaker that knows nothing yet."""
    return {
        "state": "closed", "until_ms": 0, "since": 0, "why": "", "by": "", "trips": 0, "out": 0, "out_until": 0,
        "good": {}, "bad": {}, "granted": 0, "wait": 0,
    }  # fmt: skip


def wait_of(state: State, now: float) -> float:
    """Milliseconds until a probe may go out; for ever, in steps of a minute, where a person holds it open."""
    if state["state"] == "held":
        return 60_000.0
    return max(0.0, float(state["until_ms"]) - now) if state["state"] == "open" else 0.0


def step(before: State, verb: str, given: Mapping[str, Any], policy: BreakerPolicy, now: float) -> State:
    """The rules of scripts/breaker.lua, for one process alone. `verb` is record or probe; times in milliseconds."""
    s = {**new_state(), **deepcopy(before), "granted": 0, "wait": 0, "now": now}
    if verb == "record":
        _record(s, given, policy.milliseconds(), now)
    elif s["state"] == "closed":
        s["granted"] = given["count"]
    elif (wait := wait_of(s, now)) > 0:
        s["wait"] = policy.longest * 1000 if s["state"] == "held" else wait
    else:
        if s["state"] == "open":
            s |= {"state": "half_open", "since": now, "out": 0}
        out = 0 if now >= s["out_until"] else s["out"]
        s["granted"] = max(0, min(given["count"], policy.probes - out))
        if s["granted"]:
            s |= {"out": out + s["granted"], "out_until": now + PROBE_LIFE}
        else:
            s |= {"out": out, "wait": 1000}
    return s


def _record(s: State, given: Mapping[str, Any], policy: Mapping[str, float], now: float) -> None:
    width = policy["window"] / SLICES
    if s["state"] == "closed":
        slice_ = str(int(now // width))
        for side in ("good", "bad"):
            s[side][slice_] = s[side].get(slice_, 0) + given[side]
            s[side] = {at: n for at, n in s[side].items() if int(at) > int(now // width) - SLICES}
        good, bad = sum(s["good"].values()), sum(s["bad"].values())
        if given["bad"] > 0 and good + bad >= policy["volume"] and bad / (good + bad) >= policy["ratio"]:
            _open(s, given["why"], policy, now)
        return
    if not given["probe"] or s["state"] == "held":
        return
    s["out"] = max(0, s["out"] - given.get("count", 1))
    if given["bad"] > 0:
        if s["state"] == "half_open":
            _open(s, given["why"], policy, now)
    elif given["good"] > 0:
        _moved(s, "closed", "a probe was answered", now)
        s["until_ms"] = 0


def _open(s: State, why: str, policy: Mapping[str, float], now: float) -> None:
    if s["state"] == "closed" and now - s["since"] > policy["longest"]:
        s["trips"] = 0
    s["trips"] += 1
    s["until_ms"] = now + min(policy["longest"], policy["open"] * 2 ** min(20, s["trips"] - 1))
    _moved(s, "open", why, now)


def _moved(s: State, to: str, why: str, now: float) -> None:
    s |= {"state": to, "since": now, "why": why, "by": "hub", "good": {}, "bad": {}, "out": 0}
