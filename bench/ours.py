"""What our side of every trial with a remote shares: settings of any kind, and a worker's calls without its drain."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.flows.runtime import Steps
from app.infra.hub import Hub
from app.infra.outbox import Place
from app.infra.remote.spec import SettingsSchema
from app.infra.workers import Heart
from app.jobs.dispatcher import Dispatcher
from app.kernel.garbage import settle_in

STOP_SECONDS = 5.0  # calls under way get this long to end
LEFT = """
SELECT EXISTS (SELECT FROM hub.delivery WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0
                  AND state IN ('due', 'running'))
"""


class TrialSettings(SettingsSchema):
    """Takes whatever it is given."""

    class Meta:
        unknown = "include"


@contextmanager
def dispatching(hub: Hub, steps: Steps, threads: int) -> Iterator[tuple[Dispatcher, int]]:
    """A dispatcher at work, with the number of the worker it is of; closes the hub at the end."""
    heart = Heart(hub, "worker", "bench", calls_out=True)
    heart.start()
    dispatcher = Dispatcher(hub, steps, heart.worker, threads=threads)
    settle_in()
    dispatcher.start()
    yield dispatcher, heart.worker
    dispatcher.stop(STOP_SECONDS)
    heart.stop()
    hub.close()


def call_all(hub: Hub, steps: Steps, place: Place, *, threads: int, look_seconds: float) -> None:
    """Say "ready", and once told to go call for everything at a place; looks so often whether something is left."""
    pause = threading.Event()
    with dispatching(hub, steps, threads) as (dispatcher, _):
        print("ready", flush=True)
        sys.stdin.readline()
        while True:
            dispatcher.wake(place)
            pause.wait(look_seconds)
            with hub.unit_of_work() as uow:
                row = uow.sql(LEFT, {"queue": place.queue, "connection": place.connection}).fetchone()
            if row is None or not row[0]:
                return
