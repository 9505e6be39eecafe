"""Milliseconds from a fact's commit until the effect of the step that hears it stands, with real worker processes.

`python -m bench.latency` is such a worker: the program's own, with the trial's step beside its own steps.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles

import redis

from app import registry
from app.flows.runtime import Outcome, Told, step
from app.infra.bell import GatheringBell
from app.infra.hub import Hub, open_hub
from app.infra.uow import UnitOfWork
from app.jobs import worker
from app.jobs.broker import make_broker, make_ringer
from app.settings import Settings
from bench.figures import Bench, Measured, less
from bench.ground import prepared
from bench.thing import KEYS, ThingMoved, make_things, move, trial_steps

RATE, SECONDS, WARM_UP = 100.0, 20.0, 300
STOOD = "BENCH_STOOD"  # the file to which a worker says when each effect stood
PATIENCE_SECONDS = 30.0


def declare() -> None:
    """The trial's step, beside those of the program. To be called once in a process."""
    step("bench.move", on=ThingMoved, queue="orders", do_many=move_and_tell)


def move_and_tell(uow: UnitOfWork, told: Sequence[Told[ThingMoved]]) -> Mapping[int, Outcome] | None:
    """Change the rows, and say when that stood, by the clock that all processes of a machine share."""
    numbers = [one.fact.number for one in told]
    uow.after_commit(lambda: stood(numbers))
    return move(uow, told)


def stood(numbers: Sequence[int]) -> None:
    now = time.monotonic()
    with Path(os.environ[STOOD]).open("a", encoding="ascii", buffering=1 << 16) as said:  # one write for all of it
        said.write("".join(f"{number} {now}\n" for number in numbers))


def measure() -> dict[str, Measured]:
    """At an even pace, one thing after the other, once everything is warm."""
    with prepared() as ground:
        make_things(ground)
        file = ground.home / "stood"
        file.touch()
        with ground.command((sys.executable, "-m", "bench.latency"), 2, {**ground.environment, STOOD: str(file)}):
            hub = open_publisher(ground.settings)
            publish(hub, range(WARM_UP))
            read(file, WARM_UP)
            told = publish(hub, range(WARM_UP, WARM_UP + int(RATE * SECONDS)))
            effects = read(file, WARM_UP + len(told))
            hub.close()
    taken = [(effects[number] - at) * 1000 for number, at in told.items()]
    parts = quantiles(taken, n=100)
    return {"steps_latency_p50": Measured(value=parts[49]), "steps_latency_p99": Measured(value=parts[98])}


def open_publisher(settings: Settings) -> Hub:
    """A process that tells as the web does: for the trial's step alone, ringing from a thread of its own."""

    def bell(client: redis.Redis) -> GatheringBell:
        return GatheringBell(client, make_ringer(make_broker(settings, client)))

    heard = trial_steps(logged=False).by_event
    return open_hub(settings, adapter=registry.adapter, subscriptions=heard, bell=bell, pool_size=2)


def publish(hub: Hub, numbers: range) -> dict[int, float]:
    """Tell one fact after the other at the pace; gives when each was committed."""
    began, committed = time.monotonic(), {}
    for n, number in enumerate(numbers):
        if (wait := began + n / RATE - time.monotonic()) > 0:
            time.sleep(wait)
        with hub.unit_of_work() as uow:
            uow.publish(ThingMoved(thing=f"t{number % KEYS}", number=number))
            uow.after_commit(lambda number=number: committed.update({number: time.monotonic()}))  # type: ignore[misc]
    return committed


def read(file: Path, count: int) -> dict[int, float]:
    """When each effect stood, once so many do."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(lines := file.read_text(encoding="ascii").splitlines()) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{len(lines)} of {count} effects after {PATIENCE_SECONDS} s")
        time.sleep(0.05)
    return {int(number): float(at) for number, at in map(str.split, lines)}


BENCHES = (Bench(figures=(less("steps_latency_p50", "ms", 5.0), less("steps_latency_p99", "ms", 25.0)), run=measure),)

if __name__ == "__main__":
    from bench.latency import declare as declare_once  # the module that facts and steps are known by, not __main__

    declare_once()
    worker.main()
