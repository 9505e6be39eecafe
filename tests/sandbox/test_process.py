from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

pytestmark = pytest.mark.capability("TRY-1")

ROOT = Path(__file__).resolve().parents[2]
GRANIAN = Path(sys.executable).with_name("granian")
SECONDS = 20  # a process on two busy cores is up long before


@pytest.fixture
def address(http: urllib3.PoolManager, free_port: Callable[[], int], tmp_path: Path) -> Iterator[str]:
    """The address of a sandbox that is a process of its own, served as the demo and the benchmarks serve it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(GRANIAN), "--interface", "wsgi", "--workers", "1", "--blocking-threads", "8", "--no-ws", "--host",
        "127.0.0.1", "--port", str(port), "app.sandbox.wsgi:application",
    ]  # fmt: skip
    environ = {**os.environ, "HUB_SANDBOX_STORE": str(tmp_path), "HUB_DEMO_RATE": "0"}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(http, f"{url}/_faults")
            yield url
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait(http: urllib3.PoolManager, url: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            assert http.request("GET", url).status == 200
            return
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < end, "the sandbox did not come up"
            time.sleep(0.05)


def test_a_dropped_answer_is_lost_at_once_under_the_real_server(address: str, http: urllib3.PoolManager) -> None:
    rule = {"vendor": "business_central", "match": "POST token", "kind": "drop_after", "times": 1}
    assert http.request("POST", f"{address}/_faults", json=rule).status == 200
    began = time.monotonic()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        http.request("POST", f"{address}/business-central/marlow/oauth2/v2.0/token", body=b"grant_type=x")
    assert time.monotonic() - began < 3
    answer = http.request("POST", f"{address}/business-central/marlow/oauth2/v2.0/token", body=b"grant_type=x")
    assert (answer.status, answer.json()["error"]) == (400, "unsupported_grant_type")
    assert http.request("GET", f"{address}/_books/companies?count=1").json() == {"count": 1}
