"""How soon a newcomer's hub takes its first webhook: one command in an empty folder, the demo connected, 202."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.infra.embedded import ground
from bench.figures import Bench, Measured, less
from bench.ground import ROOT
from bench.ingest import headers
from bench.trade import SECRET, order_body

GIVE_UP_SECONDS = 120.0
LOOK_SECONDS = 0.02
STOP_SECONDS = 15.0
RUNS = 3


def measure() -> dict[str, Measured]:
    """The middle of three starts, each in a folder of its own."""
    body = order_body()
    return {"first_webhook_seconds": Measured(value=sorted(_start(body) for _ in range(RUNS))[1])}


def _start(body: str) -> float:
    home, port = Path(tempfile.mkdtemp(prefix="hub-bench-")), ground.free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "MAKE"))}
    inherited = {name: value for name, value in inherited.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    given = {
        "HUB_HOME": str(home / "var"), "HUB_PORT": str(port), "HUB_SANDBOX_PORT": str(ground.free_port()),
        "HUB_DEMO": "1", "HUB_DEMO_RATE": "0", "HUB_DEMO_SECRET": SECRET,
    }  # fmt: skip
    log = home / "run.log"
    with log.open("wb") as said:
        began = time.perf_counter()
        hub = subprocess.Popen(
            [sys.executable, "-m", "app.commands.run"], cwd=ROOT, env=inherited | given, stdout=said, stderr=said
        )
        try:
            _await_accepted(hub, port, body, log)
            return time.perf_counter() - began
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(STOP_SECONDS)
            shutil.rmtree(home, ignore_errors=True)


def _await_accepted(hub: subprocess.Popen[bytes], port: int, body: str, log: Path) -> None:
    until = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < until and hub.poll() is None:
        if _post(port, body) == http.client.ACCEPTED:
            return
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"no webhook was accepted:\n{log.read_text(errors='replace')[-2000:]}")


def _post(port: int, body: str) -> int:
    """The status with which the shop's webhook is answered; 0 while nobody answers."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    named = {name: value.replace("{n}", "first") for name, value in headers(body).items()}
    with contextlib.closing(line), contextlib.suppress(OSError, http.client.HTTPException):
        line.request("POST", "/webhooks/shop/orders/create", body=body.encode(), headers=named)
        return line.getresponse().status
    return 0


BENCHES = (Bench(figures=(less("first_webhook_seconds", "s", 5.0),), run=measure),)
