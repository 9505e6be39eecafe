"""Counting who knocks how often: a sliding window in Redis, shared by all processes.

Redis may be emptied or away at any moment; then nobody is refused, since a counter must not stop the trade.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError

# Two fixed windows, the older weighed by what of it still lies inside the sliding one; the server's clock counts.
ADMIT = """
local now = redis.call('TIME')
local seconds = tonumber(ARGV[1])
local moment = tonumber(now[1]) + tonumber(now[2]) / 1000000
local window = math.floor(moment / seconds)
local here, before = KEYS[1] .. ':' .. window, KEYS[1] .. ':' .. (window - 1)
local old = tonumber(redis.call('GET', before) or '0') * (1 - (moment / seconds - window))
local count = old + tonumber(redis.call('GET', here) or '0')
if count < tonumber(ARGV[2]) then
    redis.call('INCR', here)
    redis.call('EXPIRE', here, seconds * 2)
    count = count + 1
    return {1, tostring(tonumber(ARGV[2]) - count), tostring((window + 1) * seconds - moment)}
end
return {0, '0', tostring((window + 1) * seconds - moment)}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether one more is welcome, how many after it, and in how many seconds the window turns."""

    welcome: bool
    left: int
    seconds: int


class Throttle:
    """At most `limit` in any `seconds`, for each name."""

    def __init__(self, redis: Redis, kind: str, *, limit: int, seconds: int) -> None:
        self._redis, self._kind, self.limit, self.seconds = redis, kind, limit, seconds

    def admit(self, name: str) -> Admission:
        """Count one more by `name`."""
        try:
            said = cast(Any, self._redis.eval(ADMIT, 1, self._key(name), str(self.seconds), str(self.limit)))
        except RedisError:
            return Admission(welcome=True, left=self.limit, seconds=self.seconds)
        welcome, left, seconds = (float(part) for part in said)
        return Admission(welcome=bool(welcome), left=math.floor(left), seconds=max(1, math.ceil(seconds)))

    def _key(self, name: str) -> str:
        """Names may be addresses of people, so Redis sees a digest."""
        return f"throttle:{self._kind}:{hashlib.sha256(name.encode()).hexdigest()[:24]}"


class Tries:
    """Failures in a row by name, forgotten `seconds` after the last one."""

    def __init__(self, redis: Redis, kind: str, *, seconds: int) -> None:
        self._redis, self._kind, self.seconds = redis, kind, seconds

    def count(self, name: str) -> int:
        try:
            return int(cast(Any, self._redis.get(self._key(name))) or 0)
        except RedisError:
            return 0

    def add(self, name: str) -> int:
        """One more failure; the number of them."""
        key = self._key(name)
        try:
            failures = int(cast(Any, self._redis.incr(key)))
            self._redis.expire(key, self.seconds)
        except RedisError:
            return 1
        return failures

    def _key(self, name: str) -> str:
        return f"tries:{self._kind}:{hashlib.sha256(name.encode()).hexdigest()[:24]}"
