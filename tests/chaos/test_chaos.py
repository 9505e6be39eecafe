"""`make chaos` in small: what the house stands on is struck under load, and every order arrives once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bench.chaos.faults import FAULTS, chosen
from tests.servers import ROOT

SECONDS = 400.0  # on two cores that others use too; alone it takes an eighth of that
STRUCK = "kill,freeze,clock,postgres_cut,postgres_crash,redis_cut,redis_full,remote_loses,remote_doubles,webhooks_twice"


@pytest.mark.capability("RT-3", "TRY-1", "TRY-2")
def test_thirty_orders_arrive_once_whatever_is_killed_cut_crashed_filled_frozen_or_told_twice() -> None:
    command = [sys.executable, "-m", "bench.chaos", "--orders", "30", "--kills", "3", "--seed", "3", "--faults", STRUCK]
    ran = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    figures = {line["name"]: line["value"] for line in map(json.loads, ran.stdout.splitlines())}
    recoveries = {figures.pop(f"chaos_{which}recovery_seconds", None) for which in ("", "slowest_")}
    assert figures.pop("chaos_sent", 0) >= 31, ran.stderr  # repeats too
    assert figures == {
        "chaos_orders": 31,  # the demo's own customer comes in once
        "chaos_accepted": 31,
        "chaos_posted": 31,
        "chaos_faults": 12,
        "chaos_kills": 3,
        "chaos_lost": 0,
        "chaos_duplicates": 0,
        "chaos_stuck": 0,
        "chaos_stock_off": 0,
    }, ran.stderr
    assert ran.returncode == 0
    assert None not in recoveries


def test_an_unknown_fault_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="there is no fault 'flood': give some of kill, freeze"):
        chosen("kill,flood")
    assert chosen("kill, clock") == ("kill", "clock")
    assert chosen("") == tuple(FAULTS)
