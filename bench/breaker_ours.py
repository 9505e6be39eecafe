"""A worker's dispatcher that is rung for a connection once a second: `python -m bench.breaker_ours`."""

from __future__ import annotations

import signal
import threading

from app.infra.outbox import Place
from app.infra.workers import Heart
from app.jobs.dispatcher import Dispatcher
from app.settings import Settings
from bench.quota_ours import RING_SECONDS, THREADS, open_trial


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    hub, steps = open_trial(Settings.from_environment())
    heart = Heart(hub, "worker", "bench", calls_out=True)
    heart.start()
    dispatcher = Dispatcher(hub, steps, heart.worker, threads=THREADS)
    dispatcher.start()
    while not stop.wait(RING_SECONDS):
        dispatcher.wake(Place("orders", "window", 0))
    dispatcher.stop(5)
    heart.stop()
    hub.close()


if __name__ == "__main__":
    main()
