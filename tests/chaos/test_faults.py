"""Real processes that die or freeze at the worst moment: what they held is done by another, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from app.infra.embedded import children
from app.infra.remote.spec import Dedupe
from app.settings import Settings
from tests.chaos import trial
from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Remote, ThingCounted, ThingMade, remote, spec
from tests.servers import ROOT

__all__ = ["remote"]
PATIENCE_SECONDS = 90.0  # a process imports for a second alone, and for twenty where many others use the machine too
KILLED = -signal.SIGKILL
RETRY_SECONDS = 30.0  # a silence of 1.5 s and a look a second; far below a lease of 70 s, also on a busy machine


@pytest.fixture
def crank(
    settings: Settings, database: Engine, redis_client: redis.Redis, remote: Remote, tmp_path: Path
) -> Iterator[Crank]:
    """The hub as the test sees it: it tells facts and looks, and never works itself."""
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial.trial_steps(tmp_path))
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    with made.uow() as uow:
        uow.sql("CREATE TABLE public.trial (id serial PRIMARY KEY, thing text, what text)")
    yield made
    with made.uow() as uow:
        uow.sql("DROP TABLE public.trial")
    made.close()


Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(settings: Settings, crank: Crank, tmp_path: Path) -> Iterator[Start]:
    """`start("worker")` starts a process of the trade; what still runs at the end is killed."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "HUB_HOME": str(settings.home),
        "HUB_SECRET_KEY": settings.secret_key,
        "HUB_ALLOW_LOOPBACK": "1",
    }
    with ExitStack() as ending:

        def one(role: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "tests.chaos.trial", role, str(tmp_path)]
            log = ending.enter_context((tmp_path / "children.log").open("ab"))
            process = children.spawn(command, folder=ROOT, output=log, environment=environment)
            ending.callback(process.wait)
            ending.callback(children.kill_group, process.pid)
            return process

        yield one


def awaited(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, "it did not come to hold in time"
        time.sleep(0.02)


def tell(crank: Crank, *facts: ThingMade | ThingCounted | LevelChanged) -> None:
    with crank.uow() as uow:
        for fact in facts:
            uow.publish(fact)


def effects(crank: Crank) -> list[tuple[str, str]]:
    return [(thing, what) for thing, what in crank.rows("SELECT thing, what FROM public.trial ORDER BY id")]


def all_done(crank: Crank) -> bool:
    return set(crank.states()) == {"done"}


@pytest.mark.capability("RT-3")
def test_a_worker_killed_between_call_and_record_leaves_one_document(
    crank: Crank, start: Start, remote: Remote
) -> None:
    tell(crank, ThingCounted(thing="t", what="kill after"))
    assert start("worker").wait(PATIENCE_SECONDS) == KILLED
    assert (remote.calls, crank.states(), effects(crank)) == (["t"], {"running": 1}, [])
    start("worker")
    awaited(lambda: all_done(crank))
    assert (remote.calls, remote.looked, effects(crank)) == (["t"], ["t"], [("t", "found")])
    assert crank.rows("SELECT fence, deaths FROM hub.delivery") == [(2, 1)]


@pytest.mark.capability("RT-3")
def test_a_reading_call_of_a_killed_worker_is_made_again_at_once(crank: Crank, start: Start, remote: Remote) -> None:
    with crank.uow() as uow:  # a lost write would be looked for only after an hour, and the lease is over a minute
        uow.sql("UPDATE hub.connection SET settings = settings || '{\"doubt_seconds\": 3600}'")
    crank.hub.connections.forget()
    remote.held["t"] = "there"
    workers = [start("worker"), start("worker")]
    awaited(lambda: crank.rows("SELECT count(*) FROM hub.worker") == [(3,)])  # and the test's own
    tell(crank, LevelChanged(thing="t", what="kill read"))
    awaited(lambda: any(worker.poll() == KILLED for worker in workers))
    killed = time.monotonic()
    awaited(lambda: all_done(crank))
    assert time.monotonic() - killed < RETRY_SECONDS
    assert (remote.looked, effects(crank)) == (["t", "t"], [("t", "found")])
    assert crank.rows("SELECT fence, deaths FROM hub.delivery") == [(2, 1)]


@pytest.mark.capability("RT-3")
def test_a_frozen_worker_that_wakes_after_its_work_was_taken_sends_nothing(
    crank: Crank, start: Start, remote: Remote, tmp_path: Path
) -> None:
    tell(crank, ThingCounted(thing="t", what="freeze"))
    frozen = start("worker")
    awaited(lambda: _state_of(frozen.pid) == "T")
    start("worker")
    awaited(lambda: all_done(crank))
    assert (remote.calls, effects(crank)) == (["t"], [("t", "made")])
    os.kill(frozen.pid, signal.SIGCONT)
    awaited(lambda: (tmp_path / trial.REFUSED).exists())
    assert (tmp_path / trial.REFUSED).read_text() == "hub.frozen"
    tell(crank, ThingCounted(thing="u", what="after it"))
    awaited(lambda: all_done(crank))
    assert sorted(remote.calls) == ["t", "u"]
    assert effects(crank) == [("t", "made"), ("u", "made")]


@pytest.mark.capability("RT-3", "RT-4")
def test_a_worker_killed_in_a_batch_has_done_nothing_and_the_next_does_all_of_it_in_order(
    crank: Crank, start: Start
) -> None:
    told = [("t", "kill once" if n == 25 else str(n)) for n in range(50)]
    tell(crank, *(ThingMade(thing=thing, what=what) for thing, what in told))
    assert start("worker").wait(PATIENCE_SECONDS) == KILLED
    assert (crank.states(), effects(crank)) == ({"due": 50}, [])
    start("worker")
    awaited(lambda: all_done(crank))
    assert effects(crank) == told


@pytest.mark.capability("RT-3", "RT-5")
def test_a_message_that_kills_its_worker_is_set_aside_at_the_third_death_and_others_flow(
    crank: Crank, start: Start
) -> None:
    tell(crank, ThingMade(thing="bad", what="kill"), *(ThingMade(thing=f"t{n}", what="1") for n in range(10)))
    for _ in range(3):
        assert start("worker").wait(PATIENCE_SECONDS) == KILLED
    start("worker")
    awaited(lambda: crank.states() == {"done": 10, "parked": 1})
    assert sorted(effects(crank)) == sorted((f"t{n}", "1") for n in range(10))
    assert crank.rows("SELECT code, deaths FROM hub.delivery WHERE state = 'parked'") == [("hub.poison", 3)]
    assert crank.rows("SELECT code, count FROM hub.exception_case") == [("hub.poison", 1)]


@pytest.mark.capability("RT-3", "RT-5")
def test_a_call_that_kills_its_worker_is_set_aside_at_the_third_death_and_nobody_with_it(
    crank: Crank, start: Start, remote: Remote
) -> None:
    remote.seconds = 1.0  # so that the others are still being called when the first two workers die
    good = [f"t{n}" for n in range(4)]
    tell(crank, ThingCounted(thing="bad", what="kill call"), *(ThingCounted(thing=one, what="1") for one in good))
    for deaths in (1, 2, 3):
        assert start("worker").wait(PATIENCE_SECONDS) == KILLED
        if deaths == 2:
            remote.seconds = 0.0
    start("worker")
    awaited(lambda: crank.states() == {"done": 4, "parked": 1})
    assert sorted(thing for thing, _ in effects(crank)) == good
    assert sorted(remote.held) == [f"{one}" for one in good]
    assert crank.rows("SELECT lane LIKE '%%:bad', code, deaths FROM hub.delivery WHERE state = 'parked'") == [
        (True, "hub.poison", 3)
    ]


@pytest.mark.capability("RT-1", "RT-3")
def test_a_webhook_whose_process_died_after_its_commit_and_before_its_bell_is_found(crank: Crank, start: Start) -> None:
    assert start("web").wait(PATIENCE_SECONDS) == KILLED
    assert (crank.states(), effects(crank)) == ({"due": 1}, [])
    start("worker")
    awaited(lambda: all_done(crank))
    assert effects(crank) == [("notice", "1")]


@pytest.mark.capability("RT-2", "RT-4")
def test_facts_of_a_transaction_that_stays_open_long_are_neither_lost_nor_held_against_others(
    crank: Crank, start: Start
) -> None:
    start("worker")
    told, over = threading.Event(), threading.Event()

    def stay_open() -> None:
        with crank.uow() as slow:
            for what in ("1", "2"):
                crank.hub.outbox.publish(slow, [(ThingMade(thing="slow", what=what), slow.trail)])
            told.set()
            over.wait(PATIENCE_SECONDS)

    publisher = threading.Thread(target=stay_open)
    publisher.start()
    assert told.wait(PATIENCE_SECONDS)
    try:
        for n in range(20):
            tell(crank, ThingMade(thing=f"t{n % 4}", what=str(n)))
        awaited(lambda: len(effects(crank)) == 20)
    finally:
        over.set()
        publisher.join()
    awaited(lambda: len(effects(crank)) == 22)
    done = effects(crank)
    assert done[20:] == [("slow", "1"), ("slow", "2")]
    for key in range(4):
        assert [what for thing, what in done if thing == f"t{key}"] == [str(n) for n in range(20) if n % 4 == key]


def _state_of(pid: int) -> str:
    """The letter that proc_pid_stat(5) has for it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
