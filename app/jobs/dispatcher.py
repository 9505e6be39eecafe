"""Outside steps: one dispatcher for each worker process. It records what came back and claims what is next, in one
short transaction for each connection; the calls themselves run on threads, with no transaction open.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue

import structlog

from app.flows.policy import defers
from app.flows.runtime import Steps
from app.infra.connections import Connection
from app.infra.db import is_away
from app.infra.hub import Hub
from app.infra.outbox import NOWHERE, QUEUE_NUMBERS, Place
from app.infra.remote.gate import under
from app.infra.remote.permit import Permit
from app.infra.remote.pulse import PULSE, within_life
from app.infra.remote.shadow import NotSent, Sent
from app.infra.uow import Trail, UnitOfWork
from app.jobs.admissions import Admissions
from app.jobs.claims import disown, running
from app.jobs.planning import Planner
from app.jobs.recording import Answer, Recorder, decide
from app.jobs.rehearsal import listened
from app.kernel.queues import kept_threads, room_for, served_of

BUSY_TICK = 0.005  # how long answers are gathered before they are recorded together …
CALLS_PER_TICK = 2  # … longer the more calls are under way, since a round costs ten statements …
MOST_TICKS, ENOUGH = 8, 24  # … but no longer than this, or until there are answers for a good round
IDLE_TICK = 0.5
AWAY_SECONDS = 0.25  # between tries while the database is away; answers wait in memory
log = structlog.get_logger()


class Dispatcher:
    """Calls outside for one worker process. `wake` may be called from any thread."""

    def __init__(self, hub: Hub, steps: Steps, worker: int, *, threads: int) -> None:
        self._hub, self._threads, self._worker = hub, threads, worker
        self._kept = kept_threads(hub.queues, served_of(hub.settings.worker_queues), threads)
        self._starved: set[Place] = set()  # places of queues that had no thread left; rung again when calls end
        self._admissions = Admissions(hub)
        self._recorder = Recorder(hub, worker)
        self._planner = Planner(hub, steps, self._recorder, worker, self.wake)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._rung: set[Place] = set()
        self._in_flight: dict[Place, int] = {}
        self._held: set[int] = set()  # deliveries that are called for, or whose answers are not recorded yet
        self._unsure: set[Place] = set()  # the last round broke off: it may have claimed what we never learnt of
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="dispatcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self, place: Place) -> None:
        """Look at a connection's work soon."""
        with self._lock:
            self._rung.add(place)
        self._bell.set()

    @property
    def calls(self) -> int:
        """Calls under way in this process."""
        with self._lock:
            return sum(self._in_flight.values())

    @property
    def unrecorded(self) -> int:
        """Answers that came and wait to be recorded."""
        return self._answers.qsize()

    def has_room(self, queue: str) -> bool:
        """Whether a queue may have another call here, by its share."""
        return self._share(queue) > 0

    def heard(self, seconds: float) -> bool:
        """Wait until something was rung or answered; False where nothing was within the time."""
        rang = self._bell.wait(seconds)
        self._bell.clear()
        return rang

    def stop(self, seconds: float) -> None:
        """Claim nothing more, let calls under way end, record them."""
        self._stop.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def turn(self) -> int:
        """One round at every place that was rung or answered; returns the calls under way.

        A round that fails keeps its answers and spoils no other place's, unless the database is away for all.
        """
        answers = self._gather()
        with self._lock:
            rung, self._rung = self._rung | self._admissions.due(), set()
        if answers:
            rung, self._starved = rung | self._starved, set()
        if self._planner.alone.place is not None:
            rung.add(self._planner.alone.place)
        waiting = sorted(rung | answers.keys(), key=lambda place: (QUEUE_NUMBERS[place.queue], place.connection))
        for n, place in enumerate(waiting):
            if place not in answers and not self._share(place.queue):
                self._starved.add(place)  # no transaction, only to find that there is no thread
                continue
            try:
                self._round(place, answers.get(place, []))
            except Exception as error:
                self._unsure.add(place)
                self._keep(answers.get(place, []))
                if is_away(error):
                    for other in waiting[n:]:
                        self.wake(other)
                    for other in waiting[n + 1 :]:
                        self._keep(answers.get(other, []))
                    raise
                log.error("dispatcher.round_failed", place=place, error=type(error).__name__, exc_info=error)
        return self.calls

    def _loop(self) -> None:
        while not (self._stop.is_set() and not self.calls and self._answers.empty()):
            self.heard(self._admissions.idle(IDLE_TICK))
            self._await_answers()
            try:
                self.turn()
                self._admissions.tend()
            except Exception as error:
                log.warning("dispatcher.database_away", error=type(error).__name__)
                threading.Event().wait(AWAY_SECONDS)

    def _await_answers(self) -> None:
        """A house with much under way has fewer, larger rounds; one with little waits for five milliseconds."""
        for _ in range(min(MOST_TICKS, max(1, self.calls // CALLS_PER_TICK))):
            if self._answers.qsize() >= ENOUGH:
                return
            threading.Event().wait(BUSY_TICK)

    def _gather(self) -> dict[Place, list[Answer]]:
        found: dict[Place, list[Answer]] = {}
        while True:
            try:
                answer = self._answers.get_nowait()
            except Empty:
                return found
            found.setdefault(answer.held.place, []).append(answer)

    def _round(self, place: Place, answers: list[Answer]) -> None:
        """Record and claim together; where that fails, each answer and each plan alone."""
        if place.connection in ("", NOWHERE):
            return
        if not self._admissions.ask(place, self._threads) and not answers and place not in self._unsure:
            self._planner.alone.leave(place)
            return  # its breaker is open or its quota used up: what waits costs nothing
        life = PULSE.lives  # read before the claim: what is claimed and then frozen must not be sent
        answers.sort(key=lambda answer: answer.held.key)  # rows of several orders are locked in one order everywhere
        try:
            with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
                connection = decide(self._hub, uow, place)
                self._recorder.record(uow, answers)
                planned = self._claim(uow, place, connection, answers, alone=False)
        except Exception as error:
            if is_away(error):
                raise
            log.info("dispatcher.one_by_one", connection=place.connection, error=type(error).__name__)
            self._recorder.record_alone(answers)
            with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
                connection = decide(self._hub, uow, place)
                planned = self._claim(uow, place, connection, answers, alone=True)
        self._unsure.discard(place)
        self._held.difference_update(answer.held.delivery_id for answer in answers)
        self._count(place, -len(answers))
        self._send(place, connection, planned, life)

    def _claim(
        self, uow: UnitOfWork, place: Place, connection: Connection, answers: Sequence[Answer], *, alone: bool
    ) -> list[Answer]:
        """Claim as much as there is room for once these answers are recorded."""
        if place in self._unsure:
            disown(uow, place, self._worker, self._held)
        room = min(self._admissions.room(place), self._room(uow, place, connection, len(answers)))
        return self._planner.claim(uow, place, room, alone=alone)

    def _room(self, uow: UnitOfWork, place: Place, connection: Connection, answered: int) -> int:
        """How many more calls a connection may have: its own limit over all processes, its queue's share of ours."""
        if connection.state == "paused" or self._stop.is_set() or defers(self._hub.pressure.load, place):
            self._planner.alone.leave(place)
            return 0
        share = self._share(place.queue, answered)
        if share == 0:
            self._starved.add(place)
        room = min(share, connection.concurrency - running(uow, place))
        return self._planner.alone.room(place, self.calls - answered, room)

    def _share(self, queue: str, answered: int = 0) -> int:
        """Threads that a queue may still take here, `answered` of its calls being over."""
        with self._lock:
            busy: Counter[str] = Counter()
            for place, calls in self._in_flight.items():
                busy[place.queue] += calls
        busy[queue] -= answered
        return room_for(self._hub.queues, queue, self._threads, busy, self._kept)

    def _send(self, place: Place, connection: Connection, planned: Sequence[Answer], life: int) -> None:
        self._count(place, len(planned))
        self._held.update(answer.held.delivery_id for answer in planned)
        permits = self._admissions.permits(place, connection, len(planned))
        for answer, permit in zip(planned, permits, strict=True):
            self._pool.submit(self._call, connection, answer, life, permit)

    def _call(self, connection: Connection, planned: Answer, life: int, permit: Permit | None) -> None:
        held = planned.held
        writes: Sequence[Sent] = ()
        started = self._hub.clock.now()
        structlog.contextvars.bind_contextvars(correlation_id=held.trail.correlation_id, delivery=held.delivery_id)
        try:
            assert held.step.call is not None
            with within_life(life), under(connection.gate, permit), listened(held) as writes:
                value, failure = held.step.call(connection, planned.plan), None
        except NotSent:
            value, failure = None, None
        except Exception as error:  # the recorder tells expected failures from bugs
            value, failure = None, error
            log.info("call.failed", step=held.step.name, connection=connection.name, error=type(error).__name__)
        structlog.contextvars.clear_contextvars()
        ended = self._hub.clock.now()
        said = {"value": value, "error": failure, "writes": tuple(writes)}
        self._answers.put(replace(planned, started_at=started, ended_at=ended, **said))
        self._bell.set()

    def _count(self, place: Place, change: int) -> None:
        with self._lock:
            self._in_flight[place] = self._in_flight.get(place, 0) + change

    def _keep(self, answers: Sequence[Answer]) -> None:
        """They stay in memory until they are recorded; to record one twice changes nothing, its fence is spent."""
        for answer in answers:
            self._answers.put(answer)
