"""A worker process: drains partitions, calls outside, beats. `python -m app.jobs.worker`"""

from __future__ import annotations

import signal
import threading

import dramatiq
import redis
import structlog

from app import flows, registry
from app.flows.runtime import STEPS
from app.infra.hub import Hub, open_hub
from app.infra.outbox import Place
from app.infra.telemetry import configure_logs
from app.infra.workers import Heart
from app.jobs.bells import WorkerBell
from app.jobs.broker import declare_wake, make_broker, make_ringer
from app.jobs.dispatcher import Dispatcher
from app.jobs.drain import Drain
from app.jobs.relay import sweep
from app.jobs.shares import Shares
from app.kernel.garbage import settle_in
from app.kernel.queues import served_of
from app.kernel.version import VERSION
from app.settings import Settings

STOP_SECONDS = 4.0  # calls under way get this long to end; the supervisor waits a second longer
FETCH_MILLISECONDS = 1000  # how long an idle consumer blocks before it looks whether it is to stop
LOOK_SECONDS = 1.0  # as often as the relay sweeps
LOOKED, KEPT_SECONDS = "hub:looked", 60  # a key that says nothing, and goes where nobody looks any more
log = structlog.get_logger()


class Worker:
    """Everything of one worker process. `start`, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._served = served_of(settings.worker_queues)
        bells: list[WorkerBell] = []

        def bell(client: redis.Redis) -> WorkerBell:
            self._broker = make_broker(settings, client)
            bells.append(WorkerBell(client, make_ringer(self._broker), self._served))
            return bells[0]

        flows.load()
        self.hub: Hub = open_hub(
            settings, adapter=registry.adapter, subscriptions=STEPS.by_event, bell=bell,
            pool_size=settings.drain_threads + 4,
        )  # fmt: skip
        self.bell = bells[0]
        self.heart = Heart(self.hub, "worker", VERSION, calls_out=True, serves=self._served)
        self.dispatcher = Dispatcher(self.hub, STEPS, self.heart.worker, threads=settings.call_threads)
        self.bell.dispatcher = self.dispatcher
        self.drain = Drain(self.hub, STEPS, self.bell, self.heart.worker)
        self.shares = Shares(self.hub.queues, self._served, settings.drain_threads)
        self._stopping = threading.Event()
        self._looking = threading.Thread(target=self._without_bells, name="without-bells", daemon=True)
        declare_wake(self._broker, self.hear)
        self._threads = dramatiq.Worker(
            self._broker, queues=set(self._served), worker_timeout=FETCH_MILLISECONDS,
            worker_threads=settings.drain_threads + 1,  # while all drain, one hears who else waits
        )  # fmt: skip

    def hear(self, place: Place) -> None:
        """A bell rang: drain the partition here, or let the dispatcher look at the connection."""
        if place.connection:
            self.bell.clear_flag(place)
            self.dispatcher.wake(place)
            return
        following = place if self.shares.enter(place) else None
        while following is not None:
            following = self.shares.leave(following, unfinished=self._drain(following))

    def _drain(self, place: Place) -> bool:
        """Empty a partition; True where it may not be empty: this thread was needed elsewhere, or a bell rang late."""
        if not self.bell.begin(place):
            return False
        left = False

        def enough() -> bool:
            nonlocal left
            left = self.shares.gives_way(place.queue)
            return left

        try:
            self.drain.run(place, enough)
        except Exception as error:  # the relay rings again for what is left; this thread has others to serve
            log.error("worker.drain_failed", place=place, error=type(error).__name__, exc_info=error)
        finally:
            rung = self.bell.finish(place)
        return left or rung

    def _without_bells(self) -> None:
        """While Redis is away or full no bell is heard: look for work as the relay does; orders go on, a bit later."""
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.hub.redis.set(LOOKED, 1, ex=KEPT_SECONDS)  # one that is full answers, and takes nothing
                continue
            except redis.RedisError:
                log.warning("worker.redis_away")
            try:
                for place in sweep(self.hub):
                    if place.queue in self._served:
                        self.hear(place)
            except Exception as error:
                log.error("worker.sweep_failed", error=type(error).__name__, exc_info=error)

    def start(self) -> None:
        self.heart.start()
        self.hub.pressure.watch()
        self._looking.start()
        self.dispatcher.start()
        self._threads.start()
        log.info("worker.started", worker=self.heart.worker)

    def stop(self) -> None:
        self._stopping.set()
        self._threads.stop(timeout=int(STOP_SECONDS * 500))
        self.dispatcher.stop(STOP_SECONDS / 2)
        self.heart.stop()
        self.hub.close()
        log.info("worker.stopped", worker=self.heart.worker)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings.from_environment()
    configure_logs(settings)
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    worker = Worker(settings)
    settle_in()
    worker.start()
    stop.wait()
    worker.stop()


if __name__ == "__main__":
    main()
