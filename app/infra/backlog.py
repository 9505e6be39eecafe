"""How much waits in each queue and for how long, measured by the relay, told through Redis, read at no cost.

The measure is an estimate whose cost does not grow with what waits: a place is counted exactly up to `NEAR`
deliveries, and from there on by how densely its ids lie at a few points. What nobody can work on, because its
connection is paused or its breaker open, counts nowhere. While Redis is away nothing is known, and nobody is slowed.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import cast

import redis
import structlog

from app.infra.lines import Lines
from app.infra.outbox import NOWHERE, Place
from app.infra.uow import UnitOfWork
from app.kernel.errors import Transient
from app.kernel.queues import QUEUES, QueueRule

NEAR = 200  # deliveries of a place that are counted one by one
POINTS = 8  # where the density of ids is read beyond them …
WINDOW = 50  # … over so many deliveries each
HEAD = 100  # deliveries at the head of a place among which the one that has waited longest is looked for
KEY = "hub:load"
KEPT_SECONDS = 10  # a measure older than that says nothing: the relay measures every second
READ_SECONDS = 1.0
COME_BACK = (
    20.0,
    40.0,
)  # seconds: long enough to work off a few thousand deliveries, spread so that not all come at once
OPENS_AGAIN = 0.8  # of the bound: a queue that is full opens below this, so that it does not flap
INSIDE_SECONDS = (5.0, 30.0)  # orders that wait so long for a thread of ours: the hub is busy, overloaded
OUTSIDE_SECONDS = (30.0, 120.0)  # orders that wait so long for one remote; two minutes is what a merchant is promised
CALM_AGAIN = 0.5  # of what raised a level: below this it falls again
log = structlog.get_logger()

PLACES = """
WITH RECURSIVE place AS (
    (SELECT queue, connection, partition FROM hub.delivery WHERE state IN ('due', 'running')
      ORDER BY queue, connection, partition LIMIT 1)
    UNION ALL
    SELECT n.queue, n.connection, n.partition FROM place p CROSS JOIN LATERAL (
        SELECT d.queue, d.connection, d.partition FROM hub.delivery d
         WHERE d.state IN ('due', 'running')
           AND (d.queue, d.connection, d.partition) > (p.queue, p.connection, p.partition)
         ORDER BY d.queue, d.connection, d.partition LIMIT 1) n)
"""
HERE = """FROM hub.delivery d WHERE d.queue = p.queue AND d.connection = p.connection AND d.partition = p.partition
              AND d.state IN ('due', 'running')"""
MEASURE = f"""
{PLACES}
SELECT p.queue, p.connection, p.partition, near.n, near.last, far.id, coalesce(head.seconds, 0)::float8
  FROM place p LEFT JOIN hub.connection c ON c.name = p.connection
 CROSS JOIN LATERAL (SELECT count(*)::int AS n, max(x.id) AS last FROM (
           SELECT d.id {HERE} ORDER BY d.id LIMIT {NEAR}) x) near
 CROSS JOIN LATERAL (SELECT d.id {HERE} ORDER BY d.id DESC LIMIT 1) far
 CROSS JOIN LATERAL (SELECT extract(epoch FROM now() - min(x.next_at)) AS seconds FROM (
           SELECT d.state, d.next_at {HERE} ORDER BY d.id LIMIT {HEAD}) x
            WHERE x.state = 'due' AND x.next_at <= now()) head
 WHERE p.connection <> '{NOWHERE}' AND p.connection <> ALL(%(shut)s::text[]) AND (c.state IS NULL OR c.state = 'on')
"""
DENSITY = f"""
SELECT p.n, near.found, near.last
  FROM unnest(%(queues)s::text[], %(connections)s::text[], %(partitions)s::smallint[], %(points)s::bigint[])
       WITH ORDINALITY p(queue, connection, partition, point, n)
 CROSS JOIN LATERAL (SELECT count(*)::int AS found, max(x.id) AS last FROM (
           SELECT d.id {HERE} AND d.id > p.point ORDER BY d.id LIMIT {WINDOW}) x) near
"""
COUNT = """
INSERT INTO hub.tally (name, label, n)
SELECT 'intake_slowed', * FROM unnest(%(labels)s::text[], %(counts)s::bigint[]) RETURNING name
"""


class BacklogFull(Transient):
    """Too much of this kind of work waits: come back later. Nothing was kept."""

    status = 429


@dataclass(frozen=True, slots=True)
class Standing:
    """A place with what waits there, and how long the first of it has been ready."""

    place: Place
    waiting: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The relay's last measure: by queue how much waits and how long, which are full, how far it presses where.

    `levels`: 0 calm, 1 busy, 2 overloaded; of the hub itself at "", and of each connection that orders wait for.
    """

    waiting: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    full: Sequence[str] = ()
    levels: Mapping[str, int] = field(default_factory=dict)


CALM = Load()


# Everything is read in the order of an index, a few rows of it. A plan that sorts would first read all that waits, and
# seems the cheaper one wherever the statistics are of a quiet minute.
IN_ORDER = "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"


def measure(uow: UnitOfWork) -> list[Standing]:
    """Every place with open work that can go on, at a cost that depends on the number of places alone."""
    uow.sql(IN_ORDER)
    shut = uow.hub.gates.breakers.shut()  # nobody can work on these, as with a paused one
    rows = uow.sql(MEASURE, {"shut": shut}).fetchall()
    beyond = [(Place(*row[:3]), row[4], row[5]) for row in rows if row[3] == NEAR and row[5] > row[4]]
    more = _beyond(uow, beyond)
    return [Standing(place := Place(*row[:3]), row[3] + more.get(place, 0), row[6]) for row in rows]


def _beyond(uow: UnitOfWork, stretches: Sequence[tuple[Place, int, int]]) -> dict[Place, int]:
    """How many lie in each stretch of ids: its length times the mean density at a few points of it."""
    points = [
        (place, first + (last - first) * n // POINTS, last - first)
        for place, first, last in stretches
        for n in range(POINTS)
    ]
    if not points:
        return {}
    given = {
        "queues": [place.queue for place, _, _ in points],
        "connections": [place.connection for place, _, _ in points],
        "partitions": [place.partition for place, _, _ in points],
        "points": [point for _, point, _ in points],
    }
    estimate: dict[Place, float] = {}
    for n, found, last in uow.sql(DENSITY, given):
        place, point, length = points[n - 1]
        estimate[place] = estimate.get(place, 0.0) + (found / (last - point) if found else 0.0) * length / POINTS
    return {place: round(many) for place, many in estimate.items()}


def judge(standings: Sequence[Standing], before: Load, rules: Mapping[str, QueueRule]) -> Load:
    """What a measure means, given what was said before: what is full opens later than it closed, a level falls late."""
    waiting: Counter[str] = Counter(dict.fromkeys(QUEUES, 0))
    seconds: dict[str, float] = dict.fromkeys(QUEUES, 0.0)
    pressing: dict[str, float] = {}
    for one in standings:
        waiting[one.place.queue] += one.waiting
        seconds[one.place.queue] = max(seconds[one.place.queue], one.seconds)
        if one.place.queue == "orders":
            pressing[one.place.connection] = max(pressing.get(one.place.connection, 0.0), one.seconds)
    full = [
        rule.name
        for rule in rules.values()
        if rule.bound and waiting[rule.name] >= rule.bound * (OPENS_AGAIN if rule.name in before.full else 1)
    ]
    levels = {
        where: level
        for where, waited in pressing.items()
        if (level := _level(waited, OUTSIDE_SECONDS if where else INSIDE_SECONDS, before.levels.get(where, 0)))
    }
    return Load(waiting=dict(waiting), seconds=seconds, full=full, levels=levels)


def _level(waited: float, bounds: Sequence[float], before: int) -> int:
    risen = sum(waited >= bound for bound in bounds)
    kept = sum(waited >= bound * CALM_AGAIN for bound in bounds)
    return max(risen, min(before, kept))


class Pressure:
    """A process' picture of the load, at most a second old. `look` reads it; `watch` has it read every second."""

    def __init__(self, client: redis.Redis, lines: Lines) -> None:
        self._client, self._lines = client, lines
        self._load, self._read_at = CALM, float("-inf")
        self._slowed: Counter[tuple[str, str]] = Counter()
        self._lock, self._hearing = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def load(self) -> Load:
        """What was last heard; calm where that is too long ago."""
        return self._load if monotonic() - self._read_at < KEPT_SECONDS else CALM

    def is_full(self, queue: str) -> bool:
        """Whether intake for a queue is to be slowed, without asking anybody."""
        if self._thread is None:
            self.watch()
        return queue in self.load.full

    def slowed(self, who: str, queue: str) -> BacklogFull:
        """Count a refusal, and word it."""
        with self._lock:
            self._slowed[who, queue] += 1
        said = f"too much {queue} work waits in the hub; send this again when Retry-After has passed"
        return BacklogFull("hub.backlog_full", said, retry_after=random.uniform(*COME_BACK), about=queue)

    def tell(self, load: Load) -> None:
        """The relay's word to everybody."""
        with self._hearing:
            try:
                self._client.set(KEY, json.dumps(asdict(load)), ex=KEPT_SECONDS)
            except redis.RedisError as away:
                log.warning("load.not_told", error=type(away).__name__)
            self._load, self._read_at = load, monotonic()

    def look(self) -> Load:
        """Read the relay's last word now."""
        with self._hearing:
            try:
                found = cast("bytes | None", self._client.get(KEY))
            except redis.RedisError as away:
                log.warning("load.not_read", error=type(away).__name__)
                return self.load
            self._load, self._read_at = (Load(**json.loads(found)) if found else CALM), monotonic()
            return self._load

    def watch(self) -> None:
        """Have it read every second from now on, in a thread of its own: on first use, since a server forks before."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="load", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(READ_SECONDS)

    def flush(self) -> None:
        """Write down how many were slowed since last time; while the database is away they are counted later."""
        with self._lock:
            slowed, self._slowed = self._slowed, Counter()
        if not slowed:
            return
        try:
            labels = [f"{who}|{queue}" for who, queue in slowed]
            self._lines.run(COUNT, {"labels": labels, "counts": list(slowed.values())})
        except Transient:
            with self._lock:
                self._slowed.update(slowed)

    def _loop(self) -> None:
        while not self._stop.is_set():
            self.look()
            self.flush()
            self._stop.wait(READ_SECONDS)
