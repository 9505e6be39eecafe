"""A large sheet whose worker is killed in the middle, several times: it goes on, and ends once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.flows.sheet_wish import Wish, receive
from app.infra.embedded import children
from app.settings import Settings
from tests.hub import Crank
from tests.servers import ROOT

PATIENCE_SECONDS = 90.0  # a process imports for a second alone, and for twenty where many others use the machine too
SKUS = 8_000
STANDS = "SELECT coalesce(checkpoint ->> 'phase', 'read'), state, turn FROM hub.run"


@pytest.fixture
def environment(settings: Settings, database: Engine, redis_client: redis.Redis) -> dict[str, str]:
    return {
        **os.environ, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
        "HUB_HOME": str(settings.home), "HUB_SECRET_KEY": settings.secret_key, "HUB_ALLOW_LOOPBACK": "1",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


@pytest.fixture
def line(settings: Settings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A line to the database of its own, to look at what a worker does."""
    with psycopg.connect(settings.database_url.replace("+psycopg", "", 1), autocommit=True) as opened:
        yield opened


def worker(stack: ExitStack, environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.chaos.long_run", "backfill"]
    log = stack.enter_context((folder / "workers.log").open("ab"))
    started = children.spawn(command, folder=ROOT, output=log, environment=environment)
    stack.callback(started.wait)
    stack.callback(children.kill_group, started.pid)
    return started


def await_that(line: psycopg.Connection[tuple[object, ...]], statement: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        row = line.execute(statement).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(0.005)
    raise AssertionError(f"not within {PATIENCE_SECONDS} s: {statement}; {line.execute(STANDS).fetchall()}")


@pytest.mark.capability("PRD-1", "RT-3", "BAT-2")
def test_a_sheet_whose_worker_is_killed_goes_on_where_it_was_and_ends_once(
    settings: Settings,
    environment: dict[str, str],
    line: psycopg.Connection[tuple[object, ...]],
    tmp_path: Path,
) -> None:
    flows.load()
    crank = Crank(settings, adapter=registry.adapter)
    filler = "x" * 3000
    body = "sku,product,title,description\n" + "".join(f"S{n},P{n // 4},T,{filler}\n" for n in range(SKUS))
    receive(crank.hub, io.BytesIO(body.encode()), Wish(kind="products", name="large.csv"), who="anna")
    holds = "LOCK TABLE product.variant IN SHARE MODE"
    with ExitStack() as stack:
        first = worker(stack, environment, tmp_path)
        await_that(line, "SELECT turn > 2 FROM hub.run")
        children.kill_group(first.pid)
        first.wait()
        assert line.execute("SELECT count(*) FROM product.product").fetchone() == (0,)
        with psycopg.connect(line.info.dsn, password=line.info.password or None) as holder:
            holder.execute(holds)  # the application waits here, with the new products written and nothing in force
            second = worker(stack, environment, tmp_path)
            await_that(
                line,
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND query LIKE '%INSERT INTO product.variant%' AND pid <> pg_backend_pid())",
            )
            children.kill_group(second.pid)
            second.wait()
        assert line.execute("SELECT count(*) FROM product.product").fetchone() == (0,)
        worker(stack, environment, tmp_path)
        await_that(line, "SELECT state = 'done' FROM hub.run")
    crank.close()
    assert line.execute("SELECT state, lines, counts FROM hub.sheet").fetchone() == (
        "applied", SKUS, {"created": SKUS // 4, "changed": 0, "unchanged": 0},
    )  # fmt: skip
    assert line.execute("SELECT count(*), count(DISTINCT sku) FROM product.variant").fetchone() == (SKUS, SKUS)
    told = "SELECT sum(jsonb_array_length(payload -> 'product_ids')) FROM hub.event WHERE type LIKE 'product.%'"
    assert line.execute(told).fetchone() == (SKUS // 4,)
    assert line.execute("SELECT count(*) FROM product.sheet_line").fetchone() == (0,)
