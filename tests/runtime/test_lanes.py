"""Lanes: what follows a delivery waits for it or goes on, as docs/runtime.md says."""

from __future__ import annotations

import pytest

from app.infra.replay.again import dismiss, replay
from app.kernel.errors import NeedsAttention, Refused
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingMade


def make(crank: Crank, *things: tuple[str, str]) -> None:
    for thing, what in things:
        with crank.uow() as uow:
            uow.publish(ThingMade(thing=thing, what=what))


def ids(crank: Crank, state: str) -> list[int]:
    return [row[0] for row in crank.rows("SELECT id FROM hub.delivery WHERE state = %(s)s ORDER BY id", s=state)]


@pytest.mark.capability("RT-2", "RT-4")
def test_facts_of_one_thing_reach_a_step_in_their_order_and_all_are_posted(crank: Crank, log: Log, remote: Remote):
    make(crank, *[(f"t{n % 3}", str(n)) for n in range(30)])
    crank.settle()
    assert crank.states() == {"done": 60}
    for thing in ("t0", "t1", "t2"):
        told = [int(what) for seen, what in log.seen if seen == thing]
        assert told == sorted(told)
        assert len(told) == 10
        posted = [int(key.split(".")[1]) for key in remote.calls if key.startswith(f"{thing}.")]
        assert posted == sorted(posted)
        assert len(posted) == 10


@pytest.mark.capability("RT-2")
def test_a_rolled_back_unit_of_work_tells_nothing(crank: Crank):
    def fail_halfway() -> None:
        with crank.uow() as uow:
            uow.publish(ThingMade(thing="t", what="1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert crank.states() == {}


@pytest.mark.capability("RT-5")
def test_what_fails_backs_off_alone_and_its_lane_waits_for_it(crank: Crank, log: Log):
    log.failing = {"bad": 99}
    make(crank, ("bad", "1"), ("good", "1"), ("bad", "2"))
    crank.settle()
    assert log.seen.count(("good", "1")) == 1
    assert ("bad", "2") not in log.seen
    waiting = crank.rows("SELECT state, attempt > 0, code FROM hub.delivery WHERE state <> 'done' ORDER BY id")
    assert waiting == [("due", True, "bug.RuntimeError"), ("behind", False, None)]
    log.failing.clear()
    crank.hasten()
    crank.settle()
    assert [what for thing, what in log.seen if thing == "bad"] == ["1", "2"]
    assert crank.states() == {"done": 6}


@pytest.mark.capability("RT-5")
def test_the_twelfth_failure_parks_and_opens_a_case(crank: Crank, log: Log):
    log.failing = {"bad": 99}
    make(crank, ("bad", "1"))
    for _ in range(12):
        crank.hasten()
        crank.settle()
    assert crank.rows("SELECT state, attempt, code FROM hub.delivery") == [("parked", 12, "bug.RuntimeError")]
    assert crank.rows("SELECT code, state, count FROM hub.exception_case") == [("bug.RuntimeError", "new", 1)]
    assert crank.rows("SELECT count(*) FROM hub.attempt")[0][0] == 12


@pytest.mark.capability("RT-5", "RT-6")
@pytest.mark.parametrize(("error", "state"), [(Refused, "rejected"), (NeedsAttention, "parked")])
def test_a_set_aside_head_holds_its_lane_until_it_is_replayed(
    crank: Crank, log: Log, error: type[Exception], state: str
):
    log.failing, log.raising = {"bad": 2}, error
    make(crank, ("bad", "1"), ("bad", "2"))
    crank.settle()
    assert crank.states("trial.count") == {state: 1, "behind": 1}
    held = ids(crank, state)
    with crank.uow() as uow:
        assert replay(uow, held, "dana") == 1
    crank.settle()
    assert [what for thing, what in log.seen if thing == "bad"] == ["1", "2"]
    assert crank.rows("SELECT state FROM hub.exception_case") == [("resolved",)]


@pytest.mark.capability("RT-6")
def test_a_dismissed_head_lets_what_follows_go_on(crank: Crank, log: Log):
    log.failing, log.raising = {"bad": 2}, Refused
    make(crank, ("bad", "1"), ("bad", "2"), ("bad", "3"))
    crank.settle()
    held = ids(crank, "rejected")
    with crank.uow() as uow:
        assert dismiss(uow, held, "dana", "a test order") == 1
    crank.settle()
    assert [what for thing, what in log.seen if thing == "bad"] == ["2", "3"]
    assert crank.states("trial.count") == {"dismissed": 1, "done": 2}
    assert crank.rows("SELECT who, did, why FROM hub.act") == [("dana", "dismissed deliveries", "a test order")]


@pytest.mark.capability("RT-4")
def test_an_older_fact_ends_superseded_and_has_no_effect(crank: Crank, log: Log, remote: Remote):
    make(crank, ("t", "old"), ("t", "new"))
    crank.settle()
    assert crank.rows("SELECT state, code FROM hub.delivery WHERE subscriber = 'trial.count' ORDER BY id") == [
        ("superseded", "trial.older"),
        ("done", None),
    ]
    assert remote.calls == ["t.new"]


def test_a_thousand_behind_one_parked_head_run_after_its_replay(crank: Crank, log: Log):
    log.failing, log.raising = {"bad": 2}, NeedsAttention
    with crank.uow() as uow:
        for n in range(1000):
            uow.publish(ThingMade(thing="bad", what="nothing" if n else "first"))
    crank.settle()
    held = ids(crank, "parked")
    with crank.uow() as uow:
        assert replay(uow, held, "dana") == 1
    crank.settle()
    assert crank.states("trial.count") == {"done": 1000}
