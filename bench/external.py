"""Orders a second to an ERP that takes 20 ms, against a Dramatiq message for each delivery with httpx."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from app.infra.embedded.ground import free_port
from bench import external_ours, peers
from bench.figures import Bench, Measured, more
from bench.ground import ROOT, Ground, await_port, prepared
from bench.ours import LEFT

PROCESSES = 2
JOBS, PEER_JOBS, ROUNDS = 6000, 3000, 3
PEER = Path(__file__).with_name("external_peer.py")


def measure() -> dict[str, Measured]:
    """In turns, the middle of each; a call that was made twice spoils the figure."""
    with prepared() as ground:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with ground.command((sys.executable, "-m", "bench.external_remote", str(port))):
            await_port(port)
            external_ours.connect(ground, url)
            ours, theirs = [], []
            for number in range(ROUNDS):
                ours.append(_ours(ground, url, f"r{number}"))
                theirs.append(_theirs(ground, url))
    rate, peer = sorted(ours)[ROUNDS // 2], sorted(theirs)[ROUNDS // 2]
    return {"external_ratio": Measured(value=rate / peer, baseline=peer)}


def _ours(ground: Ground, url: str, mark: str) -> float:
    external_ours.publish(ground, JOBS, mark)
    command = [sys.executable, "-m", "bench.external_ours"]
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
    with ground.database() as line:
        while (row := line.execute(LEFT, {"queue": "orders", "connection": "erp"}).fetchone()) and row[0]:
            if time.perf_counter() - began > 120:
                raise RuntimeError("not done after two minutes")
            time.sleep(0.05)
    seconds = time.perf_counter() - began
    for child in children:
        if child.wait(30):
            raise RuntimeError(f"a worker ended with {child.returncode}")
    _require_once(url, JOBS)
    return JOBS / seconds


def _theirs(ground: Ground, url: str) -> float:
    command = [peers.python(), str(PEER), ground.plain_url, ground.settings.redis_url, str(PEER_JOBS), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    _require_once(url, PEER_JOBS)
    return float(json.loads(done.stdout.strip().splitlines()[-1])["per_second"])


def _require_once(url: str, jobs: int) -> None:
    with urllib.request.urlopen(url, timeout=10) as answer:
        counts = json.load(answer)
    if counts != {"calls": jobs, "keys": jobs}:
        raise RuntimeError(f"{jobs} papers made {counts['calls']} calls with {counts['keys']} keys")


BENCHES = (Bench(figures=(more("external_ratio", "ratio", 3.0),), run=measure),)
