"""Outside steps: one dispatcher for each worker process. It records what came back and claims what is next, in one
short transaction for each connection; the calls themselves run on threads, with no transaction open.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue

import structlog
from sqlalchemy.exc import DBAPIError

from app.flows.runtime import Steps
from app.infra.connections import Connection
from app.infra.hub import Hub
from app.infra.outbox import NOWHERE, Place
from app.infra.remote.pulse import PULSE, within_life
from app.infra.uow import Trail, UnitOfWork
from app.jobs.claims import running
from app.jobs.planning import Planner
from app.jobs.recording import Answer, Recorder, decide

BUSY_TICK = 0.005  # how long answers are gathered before they are recorded together
IDLE_TICK = 0.5
AWAY_SECONDS = 1.0  # between tries while the database is away; answers wait in memory
log = structlog.get_logger()


class Dispatcher:
    """Calls outside for one worker process. `wake` may be called from any thread."""

    def __init__(self, hub: Hub, steps: Steps, worker: int, *, threads: int) -> None:
        self._hub, self._threads = hub, threads
        self._recorder = Recorder(hub, worker)
        self._planner = Planner(hub, steps, self._recorder, worker, self.wake)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._rung: set[Place] = set()
        self._in_flight: dict[Place, int] = {}
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
    def has_room(self) -> bool:
        return self.calls < self._threads

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
        """One round at every place that was rung or answered; returns the calls under way."""
        answers = self._gather()
        with self._lock:
            rung, self._rung = self._rung, set()
        for place in sorted(rung | answers.keys()):
            self._round(place, answers.get(place, []))
        return self.calls

    def _loop(self) -> None:
        while not (self._stop.is_set() and not self.calls and self._answers.empty()):
            self.heard(IDLE_TICK)
            threading.Event().wait(BUSY_TICK)
            try:
                self.turn()
            except Exception as error:
                log.error("dispatcher.round_failed", error=type(error).__name__, exc_info=error)
                threading.Event().wait(AWAY_SECONDS)

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
        self._count(place, -len(answers))
        life = PULSE.lives  # read before the claim: what is claimed and then frozen must not be sent
        answers.sort(key=lambda answer: answer.held.key)  # rows of several orders are locked in one order everywhere
        try:
            with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
                connection = decide(self._hub, uow, place)
                self._recorder.record(uow, answers)
                planned = self._planner.claim(uow, place, self._room(uow, place, connection), alone=False)
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                self._keep(place, answers)
                raise
            log.info("dispatcher.one_by_one", connection=place.connection, error=type(error).__name__)
            self._recorder.record_alone(answers)
            with self._hub.unit_of_work(Trail(correlation_id="")) as uow:
                connection = decide(self._hub, uow, place)
                planned = self._planner.claim(uow, place, self._room(uow, place, connection), alone=True)
        self._send(place, connection, planned, life)

    def _room(self, uow: UnitOfWork, place: Place, connection: Connection) -> int:
        """How many more calls a connection may have: its own limit over all processes, and our free threads."""
        if connection.state == "paused" or self._stop.is_set():
            return 0
        return min(self._threads - self.calls, connection.concurrency - running(uow, place))

    def _send(self, place: Place, connection: Connection, planned: Sequence[Answer], life: int) -> None:
        self._count(place, len(planned))
        for answer in planned:
            self._pool.submit(self._call, connection, answer, life)

    def _call(self, connection: Connection, planned: Answer, life: int) -> None:
        held = planned.held
        started = self._hub.clock.now()
        structlog.contextvars.bind_contextvars(correlation_id=held.trail.correlation_id, delivery=held.delivery_id)
        try:
            assert held.step.call is not None
            with within_life(life):
                value, failure = held.step.call(connection, planned.plan), None
        except Exception as error:  # the recorder tells expected failures from bugs
            value, failure = None, error
            log.info("call.failed", step=held.step.name, connection=connection.name, error=type(error).__name__)
        structlog.contextvars.clear_contextvars()
        ended = self._hub.clock.now()
        self._answers.put(replace(planned, started_at=started, ended_at=ended, value=value, error=failure))
        self._bell.set()

    def _count(self, place: Place, change: int) -> None:
        with self._lock:
            self._in_flight[place] = self._in_flight.get(place, 0) + change

    def _keep(self, place: Place, answers: Sequence[Answer]) -> None:
        """The database is away: the answers stay in memory until it is back."""
        self._count(place, len(answers))
        for answer in answers:
            self._answers.put(answer)
