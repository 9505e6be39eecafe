"""Durable ordered steps a second: change one row by its key and be recorded as done, against what a user could take."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench import peers
from bench.figures import Bench, Measured, less, more
from bench.ground import ROOT, Ground, prepared
from bench.thing import COUNT, KEYS, make_things, publish, read_log

PROCESSES, THREADS = 2, 4
PEER_JOBS = 6000
HERE = Path(__file__).parent


def drain(ground: Ground, *, logged: bool) -> float:
    """Seconds from the start signal until nothing is left; the workers are up before it."""
    command = [sys.executable, "-m", "bench.thing", str(THREADS), "log" if logged else "plain"]
    children = [
        subprocess.Popen(command, cwd=ROOT, env=ground.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    began = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
    for child in children:
        if child.wait(120):
            raise RuntimeError(f"a worker ended with {child.returncode}")
    return time.perf_counter() - began


def measure_rate() -> dict[str, Measured]:
    """Ours, then each peer on the same servers."""
    with prepared(HUB_PARTITIONS="8") as ground:
        make_things(ground)
        ours = []
        for _ in range(3):
            publish(ground, COUNT, KEYS)
            ours.append(COUNT / drain(ground, logged=False))
        rate = sorted(ours)[1]
        queuer = peer(ground, "pgqueuer_peer.py", PEER_JOBS)
        message = peer(ground, "message_peer.py", PEER_JOBS)
    return {
        "steps_inside_pgqueuer": Measured(value=rate / queuer, baseline=queuer),
        "steps_inside_message": Measured(value=rate / message, baseline=message),
    }


def peer(ground: Ground, script: str, jobs: int) -> float:
    """Jobs a second of another system, by its own script in its own environment."""
    where = (ground.plain_url, ground.settings.redis_url)
    command = [peers.python(), str(HERE / script), *where, str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(json.loads(done.stdout.strip().splitlines()[-1])["per_second"])


def measure_order() -> dict[str, Measured]:
    """Of 400 facts of four things with eight workers: how many were run after a later one of the same thing."""
    with prepared(HUB_PARTITIONS="8") as ground:
        make_things(ground)
        publish(ground, 400, 4)
        drain(ground, logged=True)
        seen = read_log(ground)
    if len(seen) != 400:
        raise RuntimeError(f"{len(seen)} of 400 were run")
    last: dict[str, int] = {}
    wrong = 0
    for key, number in seen:
        wrong += number < last.get(key, -1)
        last[key] = max(number, last.get(key, -1))
    return {"steps_out_of_order": Measured(value=float(wrong))}


BENCHES = (
    Bench(
        figures=(more("steps_inside_pgqueuer", "ratio", 5.0), more("steps_inside_message", "ratio", 15.0)),
        run=measure_rate,
    ),
    Bench(figures=(less("steps_out_of_order", "deliveries", 0.0),), run=measure_order),
)
