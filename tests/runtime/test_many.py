"""Two relays, two schedulers and two workers beside each other do no double work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.infra.bell import RedisBell
from app.infra.partitions import make_ahead
from app.infra.remote.spec import Dedupe
from app.jobs.keeper import Keeper
from app.jobs.relay import Relay
from app.jobs.schedule import WINDOWS, cron_of, fire
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingMade, spec, trial_steps

pytestmark = pytest.mark.capability("RT-3", "BAT-1")


def make(crank: Crank, *things: str) -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingMade(thing=thing, what="made"))


def at_once(*acts: Callable[[], object]) -> None:
    """Run all of them at the same time, and raise what one of them raised."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait(10)
        act()

    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(run, act) for act in acts]:
            done.result(60)


@pytest.fixture
def other(crank: Crank, settings: Settings, log: Log) -> Iterator[Crank]:
    """A second process with hub, connections and locks of its own, on the same database."""
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(log))
    yield made
    made.close()


def relay_of(crank: Crank) -> Relay:
    return Relay(crank.hub, RedisBell(crank.redis, lambda place: None))


def test_two_relays_fold_every_tally_once_while_more_are_written(crank: Crank, other: Crank):
    relays = [relay_of(crank), relay_of(other)]

    def write(name: str, where: Crank) -> None:
        for _ in range(25):
            with where.uow() as uow:
                uow.tally("trial", name, 2)

    def turn(relay: Relay) -> None:
        for _ in range(15):
            relay.turn()

    at_once(
        lambda: write("a", crank), lambda: write("b", other), lambda: turn(relays[0]), lambda: turn(relays[1])
    )  # fmt: skip
    relays[0].turn()
    assert crank.rows("SELECT label, n FROM hub.counter WHERE name = 'trial' ORDER BY 1") == [("a", 50), ("b", 50)]


def test_two_relays_make_each_partition_once(crank: Crank, other: Crank):
    with crank.uow() as uow:
        uow.sql("SELECT setval('hub.event_id', 70000001)")
    made: list[str] = []
    try:
        at_once(lambda: made.extend(make_ahead(crank.hub)), lambda: made.extend(make_ahead(other.hub)))
        make_ahead(crank.hub)
        assert len(made) == len(set(made))
        at_once(relay_of(crank).turn, relay_of(other).turn)
    finally:
        with crank.uow() as uow:
            tables = uow.sql("SELECT relname FROM pg_class WHERE relname ~ '^(event|delivery|attempt)_7[0-9]000000$'")
            for (name,) in tables.fetchall():
                uow.sql(f"DROP TABLE hub.{name}")
            uow.sql("SELECT setval('hub.event_id', 1)")


def test_two_relays_wake_a_lost_lane_once_and_two_workers_run_it_once(crank: Crank, other: Crank, log: Log):
    make(crank, "t", "t", "t")
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET state = 'behind'")
    at_once(relay_of(crank).turn, relay_of(other).turn)
    assert crank.rows("SELECT count(*) FROM hub.delivery WHERE state = 'due'") == [(1,)]
    at_once(crank.settle, other.settle)
    crank.settle()
    assert [what for thing, what in log.seen if thing == "t"] == ["made"] * 3


@pytest.mark.capability("RT-4")
def test_two_workers_rung_by_two_relays_run_and_call_everything_once(
    crank: Crank, other: Crank, log: Log, remote: Remote
):
    things = [f"t{n}" for n in range(30)]
    make(crank, *things)
    relays = [relay_of(crank), relay_of(other)]
    at_once(crank.settle, other.settle, *(relay.turn for relay in relays))
    crank.settle()
    assert sorted(thing for thing, _ in log.seen if not thing.startswith("posted")) == sorted(things)
    assert sorted(remote.calls) == sorted(f"{thing}.made" for thing in things)
    assert crank.states() == {"done": 60}


def test_two_schedulers_open_every_window_once(crank: Crank, other: Crank):
    for window in WINDOWS:
        at_once(lambda name=window.name: fire(crank.hub, name), lambda name=window.name: fire(other.hub, name))
    runs = crank.rows("SELECT name, instant, count(*) FROM hub.window_run GROUP BY 1, 2 HAVING count(*) > 1")
    told = crank.rows("SELECT payload->>'name', payload->>'instant', count(*) FROM hub.event GROUP BY 1, 2")
    assert runs == []
    assert {row[0] for row in told} == {window.name for window in WINDOWS}
    assert {row[2] for row in told} == {1}


def test_retention_begins_when_this_house_has_its_quiet_hours(settings: Settings):
    times = {window.name: cron_of(window, replace(settings, retention_from="22:05")) for window in WINDOWS}
    assert times["retention"] == "5 22 * * *"
    assert cron_of(next(one for one in WINDOWS if one.name == "retention"), settings) == "7 1 * * *"
    assert {name for name, cron in times.items() if len(cron.split()) != 5} == set()


def test_two_keepers_work_a_window_of_retention_off_once_and_keep_how_it_ended(crank: Crank, other: Crank):
    assert fire(crank.hub, "retention")
    at_once(Keeper(crank.hub).turn, Keeper(other.hub).turn)
    Keeper(crank.hub).turn()
    assert crank.rows("SELECT outcome, ended_at IS NOT NULL FROM hub.window_run WHERE name = 'retention'") == [
        ("nothing to do", True)
    ]
    assert crank.rows("SELECT count(DISTINCT name) > 5, count(*) = count(DISTINCT name) FROM hub.storage_sample") == [
        (True, True)
    ]
