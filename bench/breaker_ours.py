"""A worker's dispatcher that is rung for a connection once a second: `python -m bench.breaker_ours`."""

from __future__ import annotations

import signal
import threading

from app.infra.outbox import Place
from app.settings import Settings
from bench.ours import dispatching
from bench.quota_ours import RING_SECONDS, THREADS, open_trial


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    hub, steps = open_trial(Settings.from_environment())
    with dispatching(hub, steps, THREADS) as (dispatcher, _):
        while not stop.wait(RING_SECONDS):
            dispatcher.wake(Place("orders", "window", 0))


if __name__ == "__main__":
    main()
