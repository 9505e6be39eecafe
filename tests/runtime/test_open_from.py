"""Nobody looks for work where nothing can be open, and nothing that is open is ever overlooked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from app.infra.open_from import open_from, opened_again, set_open_from
from app.infra.partitions import FIRST_WIDTH, make_ahead
from app.infra.replay.again import replay
from tests.hub import Crank
from tests.runtime.conftest import Log, ThingMade

LOW = FIRST_WIDTH


def make(crank: Crank, *things: str, what: str = "nothing") -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingMade(thing=thing, what=what))


def counted(log: Log) -> list[tuple[str, str]]:
    """What the inside step did."""
    return [(thing, what) for thing, what in log.seen if not thing.startswith("posted")]


def moved(crank: Crank) -> int:
    with crank.uow() as uow:
        return set_open_from(uow)


@pytest.fixture
def past(crank: Crank, log: Log) -> Iterator[None]:
    """A thing that was done two days ago, in a partition that is full; what comes now is in the next."""
    assert moved(crank) == 0
    make(crank, "old", what="done")
    crank.settle()
    with crank.uow() as uow:
        uow.sql("UPDATE hub.event SET at = now() - interval '2 days'")
        uow.sql("SELECT setval('hub.event_id', %(at)s)", {"at": LOW})
    make_ahead(crank.hub)
    yield
    with crank.uow() as uow:
        uow.sql("SELECT setval('hub.event_id', 1)")


@pytest.mark.capability("BAT-4")
def test_the_bound_passes_a_partition_when_nothing_in_it_is_open_or_young(crank: Crank, past: None, log: Log):
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET state = 'parked' WHERE event_id = (SELECT min(event_id) FROM hub.delivery)")
    assert moved(crank) == 0
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET state = 'dismissed' WHERE state = 'parked'")
        uow.sql("UPDATE hub.event SET at = now() - interval '2 hours'")
    assert moved(crank) == 0
    with crank.uow() as uow:
        uow.sql("UPDATE hub.event SET at = now() - interval '2 days'")
    assert moved(crank) == LOW
    make(crank, "new")
    crank.settle()
    assert counted(log) == [("old", "done"), ("new", "nothing")]


@pytest.mark.capability("BAT-4", "RT-6")
def test_a_replay_of_what_lies_before_the_bound_lowers_it_and_runs_inside_and_outside(
    crank: Crank, past: None, log: Log, remote: object
):
    assert moved(crank) == LOW
    ids = [row[0] for row in crank.rows("SELECT id FROM hub.delivery ORDER BY id")]
    with crank.uow() as uow:
        assert replay(uow, ids, "test") == 2
    crank.settle()
    assert counted(log) == [("old", "done")] * 2
    assert crank.states() == {"done": 3}
    assert crank.rows("SELECT event_id < %(low)s FROM hub.open_from", low=LOW) == [(True,)]


@pytest.mark.capability("BAT-4", "RT-4")
def test_what_is_open_before_the_bound_holds_its_lane_again_once_it_was_lowered(crank: Crank, past: None, log: Log):
    assert moved(crank) == LOW
    first = crank.rows("SELECT min(id) FROM hub.delivery")[0][0]
    make(crank, "old", what="nothing")
    with crank.uow() as uow:
        replay(uow, [first], "test")
    crank.settle()
    assert counted(log) == [("old", "done"), ("old", "done"), ("old", "nothing")]


@pytest.mark.capability("BAT-4")
def test_the_relay_and_a_replay_wait_for_each_other(crank: Crank, past: None):
    """The relay finds nothing open, a replay opens something, the relay moves the bound: it must not be overlooked."""
    bound: list[int] = []
    event = crank.rows("SELECT min(event_id) FROM hub.delivery")[0][0]
    with crank.hub.sessions() as other, crank.uow() as uow:
        opened_again(uow, [event])
        uow.sql(
            "UPDATE hub.delivery SET state = 'due', next_at = now() + interval '1 h' WHERE event_id = %(e)s",
            {"e": event},
        )
        thread = threading.Thread(target=lambda: bound.append(moved(crank)))
        thread.start()
        until = time.monotonic() + 20
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while not other.connection().exec_driver_sql(waits).scalar():
            other.rollback()
            assert time.monotonic() < until, "the relay did not wait"
            time.sleep(0.01)  # between two looks at another session
        other.rollback()
    thread.join(20)
    assert bound == [0]


def test_it_is_read_once_in_a_transaction_and_anew_after_it_was_lowered(crank: Crank, past: None):
    assert moved(crank) == LOW
    with crank.uow() as uow:
        assert open_from(uow) == LOW
        opened_again(uow, [7])
        assert open_from(uow) == 7
