"""5,000 calls from four processes against a vendor's enforced limit, of which another user takes a third.

The time is measured against the least in which anybody could get them through; see bench/quota_limits.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request

from app.infra.embedded.ground import free_port
from bench import quota_ours
from bench.figures import Bench, Measured, less
from bench.ground import ROOT, Ground, await_port, prepared
from bench.ours import LEFT
from bench.quota_limits import CALLS, own_seconds

PROCESSES = 4
PATIENCE_SECONDS = 180.0


def measure() -> dict[str, Measured]:
    """Both vendors, one after the other; the worse of each figure."""
    with prepared() as ground:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with ground.command((sys.executable, "-m", "bench.quota_remote", str(port))):
            await_port(port)
            quota_ours.connect(ground, url)
            runs = [_run(ground, url, vendor) for vendor in quota_ours.QUOTAS]
    slowest = max(runs, key=lambda run: run[0])
    return {
        "quota_time_ratio": Measured(value=slowest[0], baseline=slowest[1]),
        "quota_429_share": Measured(value=max(run[2] for run in runs)),
    }


def _run(ground: Ground, url: str, vendor: str) -> tuple[float, float, float]:
    """Time ÷ the limit's own time, that time in seconds, the share of calls that were refused."""
    quota_ours.publish(ground, vendor, CALLS)
    command = [sys.executable, "-m", "bench.quota_ours", vendor]
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
        while (row := line.execute(LEFT, {"queue": "orders", "connection": vendor}).fetchone()) and row[0]:
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise RuntimeError(f"not done after {PATIENCE_SECONDS} s")
            time.sleep(0.05)
    seconds = time.perf_counter() - began
    for child in children:
        if child.wait(30):
            raise RuntimeError(f"a worker ended with {child.returncode}")
    with urllib.request.urlopen(url, timeout=10) as answer:
        counts = json.load(answer)
    own, share = own_seconds(vendor), counts["refused"] / counts["calls"]
    print(f"{vendor}: {seconds:.1f} s of {own:.1f} s, {counts}", file=sys.stderr)
    return seconds / own, own, share


BENCHES = (
    Bench(figures=(less("quota_time_ratio", "ratio", 1.15), less("quota_429_share", "ratio", 0.01)), run=measure),
)
