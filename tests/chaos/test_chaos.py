"""`make chaos` with fewer orders: processes die, Redis is emptied, answers are lost, and every order arrives once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.servers import ROOT

SECONDS = 240.0  # on two cores that others use too; alone it takes a sixth of that


@pytest.mark.capability("RT-3", "TRY-1")
def test_forty_orders_arrive_once_however_often_processes_are_killed() -> None:
    command = [sys.executable, "-m", "bench.chaos", "--orders", "40", "--kills", "5", "--seed", "3"]
    ran = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    figures = {line["name"]: line["value"] for line in map(json.loads, ran.stdout.splitlines())}
    recovery = figures.pop("chaos_recovery_seconds", None)
    assert figures == {
        "chaos_orders": 41,  # the demo's own customer comes in once
        "chaos_kills": 5,
        "chaos_lost": 0,
        "chaos_duplicates": 0,
        "chaos_stuck": 0,
        "chaos_stock_off": 0,
    }, ran.stderr
    assert ran.returncode == 0
    assert recovery > 0
