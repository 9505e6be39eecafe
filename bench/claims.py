"""What a claim costs when years of finished work lie beside it: two databases of one server, round by round in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from app.flows.runtime import Steps
from app.infra.hub import Hub
from app.infra.locks import hold_place
from app.infra.open_from import set_open_from
from app.infra.partitions import make_ahead
from app.infra.workers import Heart
from app.jobs import claims
from bench.external_ours import PLACE, PaperMade, connect, open_trial
from bench.figures import Bench, Measured, less
from bench.ground import Ground, prepared

FEW, MANY = 50_000, 5_000_000
BEHIND = 100_000  # what stands behind one parked head, in both
READY, ROOM = 4_800, 16
SLAB = 250_000  # finished deliveries that one statement makes
WARM = 20  # rounds before plans and caches are what they stay

EVENTS = """
INSERT INTO hub.event (id, type, key, payload, correlation_id, at)
SELECT g, 'bench.paper_made.v1', 'bench:old-' || g, jsonb_build_object('paper', 'old-' || g), 'c' || g,
       now() - (%(last)s - g) * interval '6 s' FROM generate_series(%(low)s::bigint, %(high)s::bigint) g
"""
DELIVERIES = """
INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane, attempt, fence)
SELECT g, 'bench.post', 'erp', 'orders', 0, 'paper|erp|bench:old-' || g, 1, 1
  FROM generate_series(%(low)s::bigint, %(high)s::bigint) g
"""
FINISH = "UPDATE hub.delivery SET state = 'done', done_at = now() WHERE event_id BETWEEN %(low)s AND %(high)s"
STAND = """
INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane, state)
SELECT g, 'bench.post', 'erp', 'orders', 0, 'paper|erp|bench:one', CASE g WHEN %(low)s THEN 'parked' ELSE 'behind' END
  FROM generate_series(%(low)s::bigint, %(high)s::bigint) g
"""


@dataclass(slots=True)
class Side:
    """One database with its finished work, and a worker that claims there."""

    hub: Hub
    heart: Heart
    steps: Steps
    seconds: list[float]


@contextmanager
def side(ground: Ground, database: str, finished: int) -> Iterator[Side]:
    """A database with so many finished deliveries, a crowd behind one parked head, and work that is ready."""
    with ground.database() as line:
        line.execute(f"CREATE DATABASE {database} TEMPLATE hub")
    address = ground.settings.database_url.rpartition("/")[0] + f"/{database}"
    there = Ground(ground.home, ground.environment, replace(ground.settings, database_url=address))
    connect(there, "http://127.0.0.1:1")
    hub, steps = open_trial(there.settings)
    with psycopg.connect(there.plain_url, autocommit=True) as line:
        _fill(hub, line, finished)
    for start in range(0, READY, 800):
        with hub.unit_of_work() as uow:
            for number in range(start, start + 800):
                uow.publish(PaperMade(paper=f"new-{number}"))
    heart = Heart(hub, "worker", "bench")
    heart.start()
    yield Side(hub, heart, steps, [])
    heart.stop()
    hub.close()


def _fill(hub: Hub, line: psycopg.Connection[tuple[object, ...]], finished: int) -> None:
    whole = finished + BEHIND + 1
    for low in range(1, finished + 1, SLAB):
        given = {"low": low, "high": min(low + SLAB - 1, finished), "last": whole}
        _make_room(hub, line, given)
        line.execute(EVENTS, given)
        line.execute(DELIVERIES, given)
        line.execute(FINISH, given)
    given = {"low": finished + 1, "high": whole, "last": whole}
    _make_room(hub, line, given)
    line.execute(EVENTS, given)
    line.execute(STAND, given)
    line.execute("VACUUM ANALYZE hub.event, hub.delivery")  # as autovacuum has by then
    for _ in range(2):  # as the relay does each minute; the first time it only begins
        with hub.unit_of_work() as uow:
            set_open_from(uow)


def _make_room(hub: Hub, line: psycopg.Connection[tuple[object, ...]], given: dict[str, int]) -> None:
    line.execute("SELECT setval('hub.event_id', %(high)s)", given)
    make_ahead(hub)


def round_of(one: Side) -> None:
    """Claim what there is room for as the dispatcher does, timed; end it, not timed."""
    with one.hub.unit_of_work() as uow:
        hold_place(uow, PLACE.queue, 64)
        began = time.perf_counter()
        claims.running(uow, PLACE)
        held = claims.claim(uow, PLACE, one.steps, room=ROOM, worker=one.heart.worker, lease=70, latest=[])
        one.seconds.append(time.perf_counter() - began)
    if len(held) != ROOM:
        raise RuntimeError(f"{len(held)} claimed where {ROOM} are ready")
    with one.hub.unit_of_work() as uow:
        claims.end(uow, held)


def measure() -> dict[str, Measured]:
    """The median of a claim beside many finished deliveries ÷ the same beside few."""
    with prepared() as ground, side(ground, "few", FEW) as few, side(ground, "many", MANY) as many:
        for _ in range(READY // ROOM):
            round_of(few)
            round_of(many)
    short, long = (statistics.median(one.seconds[WARM:]) for one in (few, many))
    return {"claim_flatness": Measured(value=long / short, baseline=short * 1000)}


BENCHES = (Bench(figures=(less("claim_flatness", "ratio", 1.3),), run=measure),)
