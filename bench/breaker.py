"""What a connection whose breaker is open costs: the work of a worker and a relay a second with 100,000 deliveries
waiting for it, against 100. Work is what PostgreSQL did for them (transactions, rows) and what they and PostgreSQL took
of the processor, each as a ratio; the figure is the worst of them.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL

from app.infra.remote.breaker import BreakerPolicy
from bench import quota_ours
from bench.figures import Bench, Measured, less
from bench.ground import Ground, prepared

FEW, MANY = 100, 100_000
PROCESSES = 2
WATCHED_SECONDS = 61.0  # what a relay does once a minute falls into it once
VENDOR = "window"
WORK = """
SELECT xact_commit + xact_rollback, tup_returned + tup_fetched
  FROM pg_stat_database WHERE datname = current_database()
"""
PARTS = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ANY('{hub.delivery, hub.event}'::regclass[])
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Work:
    """Work a second: transactions and rows of the database, processor seconds of our processes and its own."""

    transactions: float
    rows: float
    processor: float

    def over(self, other: Work) -> float:
        """The worst ratio."""
        mine = (self.transactions, self.rows, self.processor)
        theirs = (other.transactions, other.rows, other.processor)
        return max(a / b for a, b in zip(mine, theirs, strict=True))


def measure() -> dict[str, Measured]:
    """Few first, then many, in the same processes."""
    with prepared() as ground:
        quota_ours.connect(ground, "http://127.0.0.1:9")
        _trip(ground)
        quota_ours.publish(ground, VENDOR, FEW)
        command = (sys.executable, "-m", "bench.breaker_ours")
        with ground.command(command) as worker, ground.process("relay") as relay:
            pids = [child.pid for child in (*worker, *relay)]
            _settled(ground)
            few = _watch(ground, pids)
            quota_ours.publish(ground, VENDOR, MANY - FEW)
            _settled(ground)
            many = _watch(ground, pids)
    print(f"few {few}\nmany {many}", file=sys.stderr)
    return {"breaker_waiting_ratio": Measured(value=many.over(few), baseline=few.rows)}


def _trip(ground: Ground) -> None:
    hub, _ = quota_ours.open_trial(ground.settings)
    hub.gates.breakers.trip(VENDOR, "bench", "to see what it costs", BreakerPolicy())
    hub.close()


def _settled(ground: Ground) -> None:
    """Both processes live, and what was just published has been heard of."""
    with ground.database() as line:
        for (part,) in line.execute(PARTS).fetchall():  # it would come in one of the two stretches only
            line.execute(SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(SQL(str(part))))
        while (row := line.execute("SELECT count(*) FROM hub.worker").fetchone()) and row[0] != PROCESSES:
            time.sleep(0.1)
    time.sleep(5)


def _watch(ground: Ground, pids: list[int]) -> Work:
    with ground.database() as line:
        before, ran = _counts(line), _processor(pids) + _postgresql(ground)
        time.sleep(WATCHED_SECONDS)
        after, run = _counts(line), _processor(pids) + _postgresql(ground)
    done = [(b - a) / WATCHED_SECONDS for a, b in zip(before, after, strict=True)]
    return Work(done[0], done[1], (run - ran) / WATCHED_SECONDS)


def _counts(line: psycopg.Connection[tuple[object, ...]]) -> list[float]:
    line.execute("SELECT pg_stat_force_next_flush()")
    row = line.execute(WORK).fetchone()
    assert row is not None
    return [float(str(count)) for count in row]


def _postgresql(ground: Ground) -> float:
    """Seconds of the processor that the server has used, its ended children among them."""
    first = next(ground.home.rglob("postmaster.pid")).read_text(encoding="ascii").split()[0]
    pids = [int(one.parent.name) for one in Path("/proc").glob("[0-9]*/stat") if _parent(one) == first]
    return _processor([int(first), *pids])


def _parent(stat: Path) -> str:
    try:
        return stat.read_text(encoding="ascii").rpartition(")")[2].split()[1]
    except OSError:  # it has ended meanwhile
        return ""


def _processor(pids: list[int]) -> float:
    """Seconds of the processor that the processes have used, those they started among them."""
    spent = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        spent += sum(int(field) for field in fields[11:15]) / TICKS
    return spent


BENCHES = (Bench(figures=(less("breaker_waiting_ratio", "ratio", 1.2),), run=measure),)
