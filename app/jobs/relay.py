"""The relay: sweeps once a second what is due and was not heard, and keeps the house. Any number may run.

`python -m app.jobs.relay`
"""

from __future__ import annotations

import signal
import threading
from datetime import datetime
from time import monotonic

import structlog

from app import flows, registry
from app.flows.policy import defers
from app.flows.runtime import STEPS
from app.infra.backlog import Load, judge, measure
from app.infra.bell import RedisBell
from app.infra.breaking import write_down
from app.infra.deadlines import AT_ONCE, tell_missed
from app.infra.draining import note_emptied
from app.infra.hub import Hub, open_hub
from app.infra.locks import HubJob, try_job
from app.infra.open_from import set_open_from
from app.infra.outbox import NOWHERE, Place
from app.infra.partitions import make_ahead
from app.infra.telemetry import configure_logs
from app.infra.took import TALLY
from app.infra.workers import Heart
from app.jobs.broker import make_broker, make_ringer
from app.jobs.keeper import Keeper
from app.kernel.version import VERSION
from app.settings import Settings

SWEEP_SECONDS = 1.0
WAKE_SECONDS = 60.0
PARTITION_SECONDS = 60.0
log = structlog.get_logger()

# Every place with open work, one index probe each; then whether something there is ready.
SWEEP = """
WITH RECURSIVE place AS (
    (SELECT queue, connection, partition FROM hub.delivery WHERE state IN ('due', 'running')
      ORDER BY queue, connection, partition LIMIT 1)
    UNION ALL
    SELECT n.queue, n.connection, n.partition FROM place p CROSS JOIN LATERAL (
        SELECT d.queue, d.connection, d.partition FROM hub.delivery d
         WHERE d.state IN ('due', 'running')
           AND (d.queue, d.connection, d.partition) > (p.queue, p.connection, p.partition)
         ORDER BY d.queue, d.connection, d.partition LIMIT 1) n)
SELECT p.queue, p.connection, p.partition FROM place p LEFT JOIN hub.connection c ON c.name = p.connection
 WHERE p.connection <> '-' AND p.connection <> ALL(%(shut)s::text[])
   AND (c.state IS NULL OR c.state IN ('on', 'draining'))
   AND EXISTS (SELECT FROM hub.delivery d
                WHERE d.queue = p.queue AND d.connection = p.connection AND d.partition = p.partition
                  AND d.id <= coalesce(c.drain_to, d.id)
                  AND (d.state = 'due' AND d.next_at <= now()
                       OR d.state = 'running' AND (d.next_at <= now() OR NOT EXISTS (
                          SELECT FROM hub.worker w
                           WHERE w.id = d.holder AND w.beat_at > now() - interval '1.5 s'))))
"""

FOLD = f"""
WITH gone AS (DELETE FROM hub.tally RETURNING name, label, n),
hourly AS (
    INSERT INTO hub.took (policy, hour, bound, n)
    SELECT split_part(label, '|', 1), date_trunc('hour', now(), 'UTC'), split_part(label, '|', 2)::float8, sum(n)
      FROM gone WHERE name = '{TALLY}' GROUP BY 1, 3
    ON CONFLICT (policy, hour, bound) DO UPDATE SET n = hub.took.n + excluded.n)
INSERT INTO hub.counter (name, label, n, folded_at)
SELECT name, label, sum(n), now() FROM gone WHERE name <> '{TALLY}' GROUP BY name, label
ON CONFLICT (name, label) DO UPDATE SET n = hub.counter.n + excluded.n, folded_at = now()
"""

# A lane whose first open delivery is `behind` was not woken when the one before it ended.
WAKE_LOST = """
UPDATE hub.delivery d SET state = 'due'
  FROM (SELECT DISTINCT lane FROM hub.delivery WHERE state = 'behind' AND lane IS NOT NULL) l
  CROSS JOIN LATERAL (SELECT b.event_id, b.id FROM hub.delivery b WHERE b.lane = l.lane
                         AND b.state IN ('due','running','behind','parked','rejected') ORDER BY b.id LIMIT 1) n
 WHERE d.event_id = n.event_id AND d.id = n.id AND d.state = 'behind'
"""


def sweep(hub: Hub) -> list[Place]:
    """Every place with work that is ready now, but for connections whose breaker is open."""
    shut = hub.gates.breakers.shut()
    with hub.unit_of_work() as uow:
        return [Place(*row) for row in uow.sql(SWEEP, {"shut": shut})]


class Relay:
    """One relay. `turn` is one second's work and safe to run beside any number of others."""

    def __init__(self, hub: Hub, bell: RedisBell) -> None:
        self._hub, self._bell = hub, bell
        self._last: dict[HubJob, float] = {}
        self.turned_at: datetime | None = None

    def turn(self) -> int:
        """Ring for everything that is ready; returns how many places were rung."""
        load = self._weigh()
        places = [place for place in sweep(self._hub) if not defers(load, place)]
        self._bell.ring_again(place for place in places if place.connection != NOWHERE)
        self._fold()
        write_down(self._hub)
        self._tell_missed()
        if self._due(HubJob.WAKE, WAKE_SECONDS):
            self._wake_lost()
        if self._due(HubJob.PARTITIONS, PARTITION_SECONDS):
            make_ahead(self._hub)
            self._set_open_from()
        self.turned_at = self._hub.clock.now()
        return len(places)

    def _due(self, job: HubJob, seconds: float) -> bool:
        last = self._last.get(job)
        if last is not None and monotonic() - last < seconds:
            return False
        self._last[job] = monotonic()
        return True

    def _weigh(self) -> Load:
        """Measure what waits and tell everybody; one relay does, the others hear it like everybody."""
        before = self._hub.pressure.look()
        with self._hub.unit_of_work() as uow:
            if not try_job(uow, HubJob.MEASURE):
                return before
            standings = measure(uow)
        load = judge(standings, before, self._hub.queues)
        self._hub.pressure.tell(load)
        return load

    def _fold(self) -> None:
        with self._hub.unit_of_work() as uow:
            if try_job(uow, HubJob.FOLD):
                uow.sql(FOLD)
                note_emptied(uow)

    def _tell_missed(self) -> None:
        told = AT_ONCE
        while told == AT_ONCE:
            with self._hub.unit_of_work() as uow:
                told = tell_missed(uow)
            if told:
                log.info("relay.deadlines_missed", count=told)

    def _wake_lost(self) -> None:
        with self._hub.unit_of_work() as uow:
            if try_job(uow, HubJob.WAKE) and (woken := uow.sql(WAKE_LOST).rowcount):
                log.warning("relay.woke_lost_lanes", lanes=woken)

    def _set_open_from(self) -> None:
        with self._hub.unit_of_work() as uow:
            if try_job(uow, HubJob.OPEN_FROM):
                set_open_from(uow)


def main() -> None:
    """Sweep until SIGTERM or SIGINT."""
    settings = Settings.from_environment()
    configure_logs(settings)
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    flows.load()
    bells: list[RedisBell] = []

    def bell(client: object) -> RedisBell:
        bells.append(RedisBell(client, make_ringer(make_broker(settings, client))))  # type: ignore[arg-type]
        return bells[0]

    hub = open_hub(settings, adapter=registry.adapter, subscriptions=STEPS.by_event, bell=bell, pool_size=4)
    heart = Heart(hub, "relay", VERSION)
    heart.start()
    relay = Relay(hub, bells[0])
    keeper = Keeper(hub)
    keeper.start()
    log.info("relay.started", worker=heart.worker)
    while not stop.is_set():
        try:
            relay.turn()
        except Exception as error:
            log.error("relay.turn_failed", error=type(error).__name__, exc_info=error)
        stop.wait(SWEEP_SECONDS)
    keeper.stop()
    heart.stop()
    hub.close()


if __name__ == "__main__":
    main()
