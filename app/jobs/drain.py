"""Inside steps: one decider per partition, a batch in one transaction with the end of its deliveries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from app.flows.policy import count_took, defers
from app.flows.runtime import Ended, Later, Steps, Told
from app.infra.bell import RedisBell
from app.infra.db import is_away, is_contention
from app.infra.hub import Hub
from app.infra.locks import try_place
from app.infra.open_from import open_from
from app.infra.outbox import Place
from app.infra.uow import Trail, UnitOfWork
from app.jobs.batches import ASIDE, END, POSTPONE, READ, SUPERSEDE, Ready, pairs_of, run_steps
from app.jobs.poison import MOST_DEATHS, InHand
from app.jobs.settle import Missed, Reading, Verdict, judge, settle, wake_run
from app.jobs.strangers import Stranger, knows, leave

BATCH = 100
log = structlog.get_logger()

DEATHS = """
WITH dead AS (
    UPDATE hub.delivery SET deaths = deaths + 1
     WHERE event_id = ANY(%(events)s::bigint[]) AND id = ANY(%(ids)s::bigint[]) AND state = 'due'
    RETURNING event_id, id, subscriber, lane, attempt, deaths, edited)
SELECT d.event_id, d.id, d.subscriber, d.lane, d.attempt, e.key, coalesce(d.edited, e.payload), e.correlation_id,
       e.origin, e.traceparent, e.type
  FROM dead d JOIN hub.event e ON e.id = d.event_id WHERE d.deaths >= %(most)s
"""


class Vanished(Exception):
    """A delivery of this batch is not due any more: somebody dismissed it meanwhile."""


class Drain:
    """Empties partitions of a queue. One object serves every thread of a process."""

    def __init__(self, hub: Hub, steps: Steps, bell: RedisBell, worker: int, *, batch: int = BATCH) -> None:
        self._hub, self._steps, self._bell, self._worker, self._batch = hub, steps, bell, worker, batch
        self.guard = InHand(hub.redis)

    def run(self, place: Place, enough: Callable[[], bool] = lambda: False) -> int:
        """Run what is ready there until nothing is; returns how many deliveries ended. Cheap when another has it.

        `enough` is asked between batches: it sends this thread elsewhere. What is deferred waits until it is rung.
        """
        mark, ended = 0, 0
        while not defers(self._hub.pressure.load, place):
            self._bell.set_flag(place)
            try:
                batch = self._turn(place, mark, self._batch)
            except Died:
                self._bury(place)
                batch = self._one_by_one(place, mark)
            except Exception as error:
                self._log_repeat(place, error)
                batch = self._one_by_one(place, mark)
            if batch is None:
                return ended
            ended += batch.ended
            if batch.full:
                mark = batch.mark
            elif batch.woken or self._bell.is_set(place):
                mark = 0
            else:
                return ended
            if enough():
                return ended
        return ended

    def _turn(self, place: Place, mark: int, limit: int) -> Batch | None:
        """One batch in one transaction; None where another decides this partition."""
        with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
            if not try_place(uow, place.queue, place.partition):
                return None
            self._bell.clear_flag(place)
            if self.guard.noted(place):
                raise Died
            ready, mark, full = self._read(uow, place, mark, limit)
            if not ready:
                return Batch(0, mark, full=full, woken=0)
            run = self._put_aside(uow, ready)
            woken = self._noted(uow, place, run)
        return Batch(len(run), mark, full=full, woken=woken)

    def _read(self, uow: UnitOfWork, place: Place, mark: int, limit: int) -> tuple[list[Ready], int, bool]:
        """What is ready above the mark, the last id of it, and whether there may be more; strangers are left."""
        given = {
            "queue": place.queue,
            "partition": place.partition,
            "mark": mark,
            "batch": limit,
            "from": open_from(uow),
        }
        rows = uow.sql(READ, given).fetchall()
        known = [row for row in rows if knows(self._steps, row[2], row[10])]
        if len(known) < len(rows):
            strange = [row for row in rows if row not in known]
            strangers = [Stranger(event_id=row[0], delivery_id=row[1], subscriber=row[2]) for row in strange]
            leave(uow, place, self._steps, strangers)
        return [self._ready_of(row) for row in known], rows[-1][1] if rows else mark, len(rows) == limit

    def _ready_of(self, row: tuple[Any, ...]) -> Ready:
        event_id, number, subscriber, lane, attempt, key, payload, correlation, origin, trace, event_type = row
        trail = Trail(correlation_id=correlation, causation_id=event_id, origin=origin, traceparent=trace)
        step = self._steps.by_name[subscriber]
        return Ready(event_id, number, step, lane, attempt, key, payload, trail, event_type)

    def _put_aside(self, uow: UnitOfWork, ready: Sequence[Ready]) -> list[Ready]:
        aside = {row[0] for row in uow.sql(ASIDE, {**pairs_of(ready), "from": open_from(uow)})}
        return [one for one in ready if one.delivery_id not in aside]

    def _noted(self, uow: UnitOfWork, place: Place, run: Sequence[Ready]) -> int:
        """Run with a note of what is in hand, taken away while the place is ours: later it would be another's."""
        self.guard.note(place, [(one.event_id, one.delivery_id) for one in run])
        try:
            return self._run(uow, run) if run else 0
        finally:
            self.guard.clear(place)

    def _run(self, uow: UnitOfWork, run: Sequence[Ready]) -> int:
        outcomes = run_steps(uow, run)
        later = {one: found for one in run if isinstance(found := outcomes.get(one.delivery_id), Later)}
        ended = {one: found for one in run if isinstance(found := outcomes.get(one.delivery_id), Ended)}
        done = [one for one in run if one not in later and one not in ended] if outcomes else run
        finished = uow.sql(END, pairs_of(done)).fetchall()
        if len(finished) != len(done):
            raise Vanished
        count_took(uow, finished)
        if ended:
            codes = [found.code for found in ended.values()]
            uow.sql(SUPERSEDE, {**pairs_of(list(ended)), "codes": codes})
        if later:
            given = {
                "seconds": [found.seconds for found in later.values()],
                "codes": [found.code for found in later.values()],
            }
            uow.sql(POSTPONE, {**pairs_of(list(later)), **given})
        uow.tally("deliveries_done", run[0].step.queue, len(done))
        uow.tally("deliveries_superseded", run[0].step.queue, len(ended))
        return wake_run(uow, [one.lane for one in (*done, *ended) if one.lane], self._batch)

    def _one_by_one(self, place: Place, mark: int) -> Batch | None:
        """What failed as a batch, each in its own transaction and only while first of its lane: one culprit pays."""
        with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
            ready, mark, full = self._read(uow, place, mark, self._batch)
        ended = 0
        for one in ready:
            outcome = self._alone(place, one)
            if outcome is None:
                return None
            ended += outcome
        return Batch(ended, mark, full=full, woken=1)

    def _alone(self, place: Place, one: Ready) -> int | None:
        started = self._hub.clock.now()
        try:
            with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
                if not try_place(uow, place.queue, place.partition):
                    return None
                run = self._put_aside(uow, [one])
                self._noted(uow, place, run)
        except Vanished:
            return 0
        except Exception as error:
            if is_away(error):
                return None  # nothing was changed, and no attempt is counted for it; the relay rings once it is back
            if is_contention(error):
                return 0  # nothing was changed; the next round runs it again, no attempt counted
            self._missed(one, error, started)
            return 0
        return len(run)

    def _missed(self, one: Ready, error: Exception, started: datetime) -> None:
        verdict = judge(error, one.attempt + 1)
        if verdict.outcome == "bug":
            log.error(
                "step.bug", step=one.step.name, delivery=one.delivery_id, code=verdict.reading.code, exc_info=error
            )
        self._settle(one, verdict, started)

    def _settle(self, one: Ready, verdict: Verdict, started: datetime) -> None:
        told: Told[Any] = one.told_of(None)
        missed = Missed(step=one.step, told=told, verdict=verdict, key=one.key, started_at=started, worker=self._worker)
        with self._hub.unit_of_work(one.trail) as uow:
            if settle(uow, missed) and verdict.state == "superseded" and one.lane:
                wake_run(uow, [one.lane], self._batch)

    def _bury(self, place: Place) -> None:
        """Count a death for what was in hand here; at the third a delivery is set aside."""
        with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
            if not try_place(uow, place.queue, place.partition) or not (pairs := self.guard.noted(place)):
                return
            given = {"events": [pair[0] for pair in pairs], "ids": [pair[1] for pair in pairs], "most": MOST_DEATHS}
            dead = [self._ready_of(row) for row in uow.sql(DEATHS, given) if row[2] in self._steps.by_name]
        self.guard.clear(place)
        title = "A message was in hand when workers died three times; it is set aside"
        for one in dead:
            reading = Reading(code="hub.poison", about=f"delivery {one.delivery_id}", title=title)
            verdict = Verdict(reading=reading, state="parked", outcome="poison")
            self._settle(one, verdict, self._hub.clock.now())

    def _log_repeat(self, place: Place, error: Exception) -> None:
        log.info("drain.one_by_one", queue=place.queue, partition=place.partition, error=type(error).__name__)


class Died(Exception):
    """A batch was in hand here when its worker died."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one turn did: how many ended, the last id read, whether more is likely."""

    ended: int
    mark: int
    full: bool
    woken: int
