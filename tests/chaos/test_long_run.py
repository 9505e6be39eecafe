"""A replay and a backfill whose worker is killed with a page in hand, several times: all is done, and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis
import urllib3
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from app import flows, registry
from app.commands.demo import connect_sandbox, read_books, take_stock
from app.flows.backfill_wish import Wish, begin, prepare
from app.infra.embedded import children
from app.infra.remote.history import By
from app.infra.remote.spec import Dedupe
from app.infra.replay.many import begin_replay, survived
from app.infra.replay.selection import Filter
from app.infra.runs.rows import RunRow
from app.infra.runs.work import run_of
from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings as SandboxSettings
from app.settings import Settings
from tests.chaos.long_run import replay_steps
from tests.flows.test_real_adapters import FiveMinutesAhead
from tests.hub import Crank
from tests.runtime.conftest import Remote, ThingCounted, remote, spec
from tests.servers import ROOT

__all__ = ["remote"]
PATIENCE_SECONDS = 90.0  # a process imports for a second alone, and for twenty where many others use the machine too
WAITS = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'
"""
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(settings: Settings, database: Engine, redis_client: redis.Redis, tmp_path: Path) -> Iterator[Start]:
    """`start("replay")` starts a worker; what still runs at the end is killed."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "HUB_HOME": str(settings.home),
        "HUB_SECRET_KEY": settings.secret_key,
        "HUB_ALLOW_LOOPBACK": "1",
    }
    with ExitStack() as ending:

        def one(kind: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "tests.chaos.long_run", kind]
            log = ending.enter_context((tmp_path / "workers.log").open("ab"))
            process = children.spawn(command, folder=ROOT, output=log, environment=environment)
            ending.callback(process.wait)
            ending.callback(children.kill_group, process.pid)
            return process

        yield one


@pytest.fixture
def outside(settings: Settings, database: Engine) -> Iterator[psycopg.Connection]:
    """Somebody else at the database, who holds up what a worker is about to write."""
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as line:
        yield line


def awaited(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, "it did not come to hold in time"
        time.sleep(0.02)  # between two looks at another process


def kill_with_a_page_in_hand(worker: subprocess.Popen[bytes], crank: Crank, outside: psycopg.Connection) -> None:
    """Wait until what `outside` holds keeps the worker from writing, kill it there, and let go."""
    awaited(lambda: bool(crank.rows(WAITS)))
    children.kill_group(worker.pid)
    assert worker.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    outside.rollback()
    awaited(lambda: not crank.rows(WAITS))  # its line at the server has noticed


def seen(crank: Crank, run_id: str) -> RunRow:
    with crank.uow() as uow:
        return run_of(uow, run_id)


@pytest.mark.capability("RT-6", "RT-3")
def test_a_replay_goes_on_at_the_page_in_which_its_worker_was_killed_and_repeats_no_effect(
    settings: Settings, start: Start, outside: psycopg.Connection, remote: Remote
) -> None:
    crank = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=replay_steps())
    crank.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    refused, held = [f"bad-{n}" for n in range(20)], [f"good-{n}" for n in range(20)]
    for things, tricks in ((refused, [("status", (422, {}))] * len(refused)), (held, [])):
        remote.tricks = list(tricks)
        with crank.uow() as uow:
            for thing in things:
                uow.publish(ThingCounted(thing=thing, what="1"))
        crank.settle()
    assert crank.states() == {"rejected": 20, "done": 20}
    remote.calls.clear()
    with crank.uow() as uow:
        since = crank.hub.clock.now() - timedelta(hours=1)
        run_id = begin_replay(uow, Filter(states=("rejected", "done"), since=since), "ada", "mended", rate=15)
    chosen = crank.rows("SELECT event_id, delivery FROM hub.run_delivery ORDER BY event_id, delivery")
    for n in (5, 20):  # in the first page, and in the second
        event_id, number = chosen[n]
        outside.execute("SELECT 1 FROM hub.delivery WHERE event_id = %s AND id = %s FOR UPDATE", (event_id, number))
        kill_with_a_page_in_hand(start("replay"), crank, outside)
        assert seen(crank, run_id).done == (0 if n == 5 else 15), "the page in hand has left nothing behind"
    start("replay")
    awaited(lambda: seen(crank, run_id).state == "done" and set(crank.states()) == {"done"})
    row = seen(crank, run_id)
    assert (row.total, row.done, row.counts) == (40, 40, {"were_rejected": 20, "were_done": 20})
    assert sorted(remote.calls) == sorted(f"{thing}.1" for thing in refused), (
        "what was refused was sent once, what was done not at all"
    )
    with crank.uow() as uow:
        after = survived(uow, run_id)
    assert (after.released, after.by) == (40, (("done", "", 40),))
    crank.close()


@pytest.mark.capability("RT-15", "RT-3")
def test_a_backfill_goes_on_at_the_page_in_which_its_worker_was_killed_and_takes_everything_in_once(
    settings: Settings, start: Start, outside: psycopg.Connection
) -> None:
    flows.load()
    crank = Crank(settings, adapter=registry.adapter, clock=FiveMinutesAhead())
    with (
        urllib3.PoolManager(retries=False, timeout=5) as http,
        Served(create_sandbox(SandboxSettings())) as sandbox,
    ):
        books = read_books(sandbox.url)
        with crank.uow() as uow:
            connect_sandbox(uow, sandbox.url, books, environment={"HUB_SANDBOX_SHOP_SECRET": "sandbox-shop-secret"})
            uow.sql("""UPDATE hub.connection SET settings = settings || '{"doubt_seconds": 0}'""")
            uow.sql("DELETE FROM hub.delivery")  # nobody listens here: there is nothing to subscribe
        take_stock(crank.hub, books)
        placed = [http.request("POST", f"{sandbox.url}/_shopify/orders", json={}).json()["name"] for _ in range(25)]
        now = crank.hub.clock.now()
        wish = Wish(
            connection="shop", kind="order", by=By.CREATED, since=now - timedelta(days=1),
            until=now, history_before=now - timedelta(days=1),
        )  # fmt: skip
        prepared = prepare(crank.hub, wish)
        with crank.uow() as uow:
            run_id = begin(uow, prepared, who="june", rate=None)
        turn = 0
        for _ in range(2):  # while the list is taken down, and while orders are
            worker = start("backfill")
            turn = hold(outside, run_id, turn)
            before = seen(crank, run_id)
            kill_with_a_page_in_hand(worker, crank, outside)
            row = seen(crank, run_id)
            assert (row.turn, row.done, row.checkpoint) == (before.turn, before.done, before.checkpoint)
        start("backfill")
        posted = "SELECT count(*) FROM orders.sales_order WHERE state = 'posted'"
        awaited(lambda: seen(crank, run_id).state == "done" and crank.rows(posted) == [(len(placed),)])
        row = seen(crank, run_id)
        assert (row.done, row.set_aside, row.total) == (25, 0, 25)
        assert row.counts == {"known": 0, "listed": 25, "taken_in": 25, "repeated": 0, "gone": 0}
        taken = crank.rows("SELECT count(*), count(DISTINCT object_id) FROM hub.notice")
        assert taken == [(25, 25)]
        assert sorted(name for (name,) in crank.rows("SELECT name FROM orders.sales_order")) == sorted(placed)
        documents = http.request("GET", f"{sandbox.url}/_books/salesOrders").json()
        numbers = [one["externalDocumentNumber"] for one in documents]
        assert (len(numbers), len(set(numbers))) == (25, 25)
    crank.close()


def hold(outside: psycopg.Connection, run_id: str, after: int) -> int:
    """Hold the row of a run as soon as it is beyond a turn; returns which it is at."""
    found: list[int] = []

    def beyond() -> bool:
        row = outside.execute("SELECT turn FROM hub.run WHERE id = %s FOR UPDATE", (run_id,)).fetchone()
        assert row is not None
        if row[0] <= after:
            outside.rollback()
            return False
        found.append(row[0])
        return True

    awaited(beyond)
    return found[0]
