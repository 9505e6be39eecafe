"""Seconds from kill -9 of a worker in the middle of a batch until that batch's work stands, once, by another's hand.

`python -m bench.recovery` is a worker that stops in the middle of its first batch while the file `hold` is there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.flows.runtime import Outcome, Told, step
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from app.jobs import worker
from bench import latency
from bench.figures import Bench, Measured, less
from bench.ground import Ground, prepared
from bench.thing import ThingMoved, make_things, move

BATCH, ROUNDS = 50, 3
HELD_SECONDS = 60.0  # longer than anybody waits for the kill


def declare() -> None:
    """The trial's step, beside those of the program. To be called once in a process."""
    step("bench.move", on=ThingMoved, queue="orders", do_many=move_and_hold)


def move_and_hold(uow: UnitOfWork, told: Sequence[Told[ThingMoved]]) -> Mapping[int, Outcome] | None:
    """Change the rows, and then, where this worker is the one to be killed, wait for that with the batch in hand."""
    home = Path(os.environ[latency.STOOD]).parent
    moved = move(uow, told)
    try:
        (home / "hold").rename(home / "held")
    except FileNotFoundError:
        numbers = [one.fact.number for one in told]
        uow.after_commit(lambda: latency.stood(numbers))
        return moved
    (home / "victim").write_text(str(os.getpid()), encoding="ascii")
    threading.Event().wait(HELD_SECONDS)
    return moved


def measure() -> dict[str, Measured]:
    """The slowest of three kills, each of another worker; a piece of work that was done twice spoils it."""
    with prepared() as ground:
        make_things(ground)
        (ground.home / "stood").touch()
        hub = latency.open_publisher(ground.settings)
        with ground.process("relay"):
            taken = [_kill(ground, hub, number) for number in range(ROUNDS)]
        hub.close()
        with ground.database() as line:
            row = line.execute("SELECT sum(n) FROM bench.thing").fetchone()
    if row is None or int(str(row[0])) != BATCH * ROUNDS:
        raise RuntimeError(f"{BATCH * ROUNDS} facts had {row and row[0]} effects")
    return {"recovery_seconds": Measured(value=max(taken))}


def _kill(ground: Ground, hub: Hub, number: int) -> float:
    """Two workers; kill the one that has the batch in hand; gives the seconds until all of it stood."""
    command = (sys.executable, "-m", "bench.recovery")
    file = ground.home / "stood"
    with ground.command(command, 2, {**ground.environment, latency.STOOD: str(file)}):
        (ground.home / "hold").touch()
        with hub.unit_of_work() as uow:
            for n in range(BATCH):
                uow.publish(ThingMoved(thing="t0", number=number * BATCH + n))
        victim = _victim(ground.home / "victim")
        _await_two(ground)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        stood = latency.read(file, (number + 1) * BATCH)
    return max(stood.values()) - killed


def _victim(file: Path) -> int:
    until = time.monotonic() + latency.PATIENCE_SECONDS
    while not file.exists() or not (said := file.read_text(encoding="ascii")):
        if time.monotonic() > until:
            raise TimeoutError("no worker took the batch")
        time.sleep(0.01)
    file.unlink()
    return int(said)


def _await_two(ground: Ground) -> None:
    """Wait until the other worker is up too: a start is no part of the recovery."""
    until = time.monotonic() + latency.PATIENCE_SECONDS
    beating = "SELECT count(*) FROM hub.worker WHERE kind = 'worker' AND beat_at > now() - interval '1 s'"
    with ground.database() as line:
        while line.execute(beating).fetchone() != (2,):
            if time.monotonic() > until:
                raise TimeoutError("the second worker did not come up")
            time.sleep(0.05)


BENCHES = (Bench(figures=(less("recovery_seconds", "s", 2.0),), run=measure),)

if __name__ == "__main__":
    from bench.recovery import declare as declare_once  # the module that its steps are known by, not __main__

    declare_once()
    worker.main()
