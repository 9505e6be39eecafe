"""A replay of 100,000 deliveries that had their effect: how many effects are repeated, counted at the other side."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from app.infra.embedded.ground import free_port
from app.infra.replay.many import begin_replay, survived
from app.infra.replay.selection import Filter
from app.infra.runs.work import run_of
from bench.figures import Bench, Measured, less
from bench.ground import ROOT, Ground, await_port, prepared
from bench.replay_ours import SheetMade, connect, open_trial

COUNT = 100_000
AT_ONCE = 2_000
PROCESSES = 2
LONGEST = 600.0  # seconds for either half
LEFT = "SELECT count(*) FROM hub.delivery WHERE state IN ('due', 'running', 'behind')"


def measure() -> dict[str, Measured]:
    """Make every paper once, then replay them all: each is looked up, none is written again."""
    with prepared() as ground:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with ground.command((sys.executable, "-m", "bench.replay_remote", str(port))):
            await_port(port)
            connect(ground.settings, url)
            _publish(ground)
            with _workers(ground):
                _await(lambda: _left(ground) == 0)
                made = _counts(url)
                run_id = _begin(ground)
                _await(lambda: _done(ground, run_id) and _left(ground) == 0)
            after = _counts(url)
            _require(ground, run_id, made, after)
    return {"replay_100k_repeated": Measured(value=after["written"] - made["written"])}


def _publish(ground: Ground) -> None:
    hub, _ = open_trial(ground.settings)
    for start in range(0, COUNT, AT_ONCE):
        with hub.unit_of_work() as uow:
            for number in range(start, start + AT_ONCE):
                uow.publish(SheetMade(sheet=f"p{number}"))
    hub.close()
    with ground.database() as line:
        line.execute("VACUUM ANALYZE hub.delivery")


def _begin(ground: Ground) -> str:
    hub, _ = open_trial(ground.settings)
    with hub.unit_of_work() as uow:
        hour_ago = hub.clock.now() - timedelta(hours=1)
        wanted = Filter(states=("done",), step="bench.sheet", since=hour_ago)
        run_id = begin_replay(uow, wanted, "bench", "to count what it repeats", rate=None)
    hub.close()
    return run_id


def _done(ground: Ground, run_id: str) -> bool:
    with ground.database() as line:
        row = line.execute("SELECT state = 'done' FROM hub.run WHERE id = %s", (run_id,)).fetchone()
    return bool(row and row[0])


def _left(ground: Ground) -> int:
    with ground.database() as line:
        row = line.execute(LEFT).fetchone()
    return int(str(row[0])) if row else 0


def _require(ground: Ground, run_id: str, made: dict[str, int], after: dict[str, int]) -> None:
    """A figure of a replay that did not look at every one of them says nothing."""
    hub, _ = open_trial(ground.settings)
    with hub.unit_of_work() as uow:
        row, ended = run_of(uow, run_id), survived(uow, run_id)
    hub.close()
    if made != {"written": COUNT, "keys": COUNT, "looked": 0}:
        raise RuntimeError(f"{COUNT} papers were made as {made}")
    if (row.total, row.done, ended.ended) != (COUNT, COUNT, COUNT) or after["looked"] < COUNT:
        raise RuntimeError(f"of {row.total} chosen {row.done} went again, {ended.ended} ended, {after}")


@contextmanager
def _workers(ground: Ground) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.replay_ours"]
    children = [
        subprocess.Popen(command, cwd=ROOT, env=ground.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        yield
        for child in children:
            child.communicate(b"stop\n", timeout=30)
    finally:
        for child in children:
            child.kill()
            child.wait(5)


def _await(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + LONGEST
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"not done after {LONGEST:g} s")
        time.sleep(0.5)


def _counts(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
    return found


BENCHES = (Bench(figures=(less("replay_100k_repeated", "effects", 0),), run=measure),)
