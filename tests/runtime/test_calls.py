"""Outside steps: plan, call, record; what happens when the answer, the worker or the record is lost."""

from __future__ import annotations

import pytest

from app.infra.remote.spec import Dedupe
from app.infra.replay.again import replay
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted, ThingMade, spec, trial_steps


def tell(crank: Crank, *things: tuple[str, str]) -> None:
    with crank.uow() as uow:
        for thing, what in things:
            uow.publish(ThingCounted(thing=thing, what=what))


def open_ones(crank: Crank) -> list[tuple[object, ...]]:
    return crank.rows(
        "SELECT state, attempt, in_doubt, code FROM hub.delivery WHERE state NOT IN ('done', 'dismissed') ORDER BY id"
    )


@pytest.mark.capability("RT-3", "RT-5")
def test_an_answer_lost_after_the_effect_makes_one_document(crank: Crank, remote: Remote, log: Log):
    remote.tricks = [("vanish", None)]
    tell(crank, ("t", "1"))
    crank.settle()
    assert open_ones(crank) == [("due", 1, True, "trial.no_answer")]
    crank.hasten()
    crank.settle()
    assert (remote.calls, remote.looked) == (["t.1"], ["t.1"])
    assert log.seen == [("posted t", "found")]
    outcomes = crank.rows("SELECT outcome, code FROM hub.attempt ORDER BY n")
    assert outcomes == [("no answer", "trial.no_answer"), ("done", "")]


@pytest.mark.capability("RT-5")
@pytest.mark.parametrize("dedupe", [Dedupe.NONE])
def test_an_unanswered_write_that_nobody_can_look_up_waits_for_a_person(crank: Crank, remote: Remote, dedupe: Dedupe):
    remote.tricks = [("vanish", None)]
    tell(crank, ("t", "1"), ("t", "2"))
    crank.settle()
    assert open_ones(crank) == [("parked", 1, True, "hub.in_doubt"), ("behind", 0, False, None)]
    assert remote.calls == ["t.1"]


@pytest.mark.capability("RT-5")
def test_a_throttled_call_comes_back_when_it_was_told_to(crank: Crank, remote: Remote):
    remote.tricks = [("status", (429, {"Retry-After": "120"}))]
    tell(crank, ("t", "1"))
    crank.settle()
    wait = crank.rows("SELECT extract(epoch FROM next_at - now()) FROM hub.delivery")[0][0]
    assert 110 < wait <= 120
    assert open_ones(crank) == [("due", 0, False, "trial.http_429")]  # a quota costs no attempt


@pytest.mark.capability("RT-5")
def test_a_refused_connection_pauses_without_burning_an_attempt_and_drains_in_order(crank: Crank, remote: Remote):
    remote.tricks = [("status", (401, {}))] * 2
    tell(crank, ("a", "1"), ("a", "2"))
    crank.settle()
    assert crank.rows("SELECT state, paused_code FROM hub.connection") == [("paused", "trial.http_401")]
    assert crank.rows("SELECT code FROM hub.exception_case") == [("connections.refused",)]
    assert open_ones(crank)[0][:2] == ("due", 0)
    remote.tricks.clear()
    with crank.uow() as uow:
        uow.sql("UPDATE hub.connection SET state = 'on'")
    crank.hub.connections.forget()
    crank.hasten()
    crank.settle()
    assert remote.calls == ["a.1", "a.1", "a.2"]


@pytest.mark.capability("RT-5")
def test_what_the_other_side_refuses_is_a_dead_letter_with_its_words(crank: Crank, remote: Remote):
    remote.tricks = [("status", (422, {}))]
    tell(crank, ("t", "1"))
    crank.settle()
    assert open_ones(crank) == [("rejected", 1, False, "trial.http_422")]
    assert crank.rows("SELECT code, connection FROM hub.exception_case") == [("trial.http_422", "erp")]


def test_a_plan_with_nothing_to_do_ends_its_delivery_and_lets_the_lane_go_on(crank: Crank, remote: Remote):
    tell(crank, ("t", "nothing"), ("t", "2"))
    crank.settle()
    assert crank.states() == {"done": 2}
    assert remote.calls == ["t.2"]


def test_a_plan_that_fails_settles_its_own_delivery_and_no_other(crank: Crank, remote: Remote):
    tell(crank, ("a", "1"), ("b", "unplannable"), ("c", "1"))
    crank.settle()
    assert sorted(remote.calls) == ["a.1", "c.1"]
    assert open_ones(crank) == [("parked", 1, False, "trial.unplannable")]


def test_a_record_that_always_fails_parks_alone_and_is_never_called_again(crank: Crank, remote: Remote, log: Log):
    log.not_recorded = {"bad": 99}
    tell(crank, ("bad", "1"), ("good", "1"), ("bad", "2"))
    crank.settle()
    assert sorted(remote.calls) == ["bad.1", "good.1"]
    assert ("posted good", "made") in log.seen
    assert open_ones(crank) == [("parked", 1, True, "bug.RuntimeError"), ("behind", 0, False, None)]


@pytest.mark.capability("RT-3", "RT-6")
def test_replaying_what_is_done_finds_it_and_repeats_nothing(crank: Crank, remote: Remote, log: Log):
    tell(crank, ("t", "1"))
    crank.settle()
    done = [row[0] for row in crank.rows("SELECT id FROM hub.delivery")]
    with crank.uow() as uow:
        assert replay(uow, done, "dana") == 1
    crank.settle()
    assert (remote.calls, remote.looked) == (["t.1"], ["t.1"])
    assert [answer for _, answer in log.seen] == ["made", "found"]


@pytest.mark.capability("RT-3")
def test_a_silent_workers_call_is_taken_over_and_looked_up_first(crank: Crank, remote: Remote):
    remote.held["t.1"] = "1"  # the dead worker's call had arrived
    tell(crank, ("t", "1"))
    with crank.uow() as uow:
        uow.sql(
            "UPDATE hub.delivery SET state = 'running', attempt = 1, fence = 1, holder = -1, "
            "next_at = now() + interval '60 s'"
        )
    crank.settle()
    assert (remote.calls, remote.looked) == ([], ["t.1"])
    assert crank.rows("SELECT state, fence, deaths FROM hub.delivery") == [("done", 2, 1)]


@pytest.mark.capability("RT-3")
def test_as_many_calls_of_dead_workers_as_a_connection_may_have_are_taken_over(crank: Crank, remote: Remote):
    tell(crank, *((f"t{n}", "1") for n in range(20)))
    with crank.uow() as uow:
        uow.sql(
            "UPDATE hub.delivery SET state = 'running', attempt = 1, fence = 1, holder = -1, "
            "next_at = now() + interval '60 s' WHERE id <= (SELECT min(id) + 11 FROM hub.delivery)"
        )
    crank.settle()
    assert crank.rows("SELECT state, fence, count(*) FROM hub.delivery GROUP BY 1, 2 ORDER BY 2") == [
        ("done", 1, 8),
        ("done", 2, 12),
    ]


@pytest.mark.capability("RT-3")
def test_a_call_that_is_taken_over_for_the_third_time_is_set_aside(crank: Crank, remote: Remote):
    tell(crank, ("t", "1"), ("u", "1"))
    with crank.uow() as uow:
        uow.sql(
            "UPDATE hub.delivery SET state = 'running', attempt = 1, fence = 1, holder = -1, deaths = 2, "
            "next_at = now() + interval '60 s' WHERE lane LIKE '%%:t'"
        )
    crank.settle()
    assert open_ones(crank) == [("parked", 2, True, "hub.poison")]
    assert remote.calls == ["u.1"]


def test_an_answer_that_comes_after_the_fence_moved_changes_nothing(crank: Crank, remote: Remote, log: Log):
    remote.seconds = 0.3
    tell(crank, ("t", "1"))
    for place in crank.ready():
        crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() == 1
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET fence = fence + 1, next_at = now() + interval '1 h', holder = %(w)s",
                {"w": crank.heart.worker})  # fmt: skip
    while crank.dispatcher.calls:
        crank.dispatcher.heard(1.0)
        crank.dispatcher.turn()
    assert log.seen == []
    assert crank.rows("SELECT state FROM hub.delivery") == [("running",)]


@pytest.mark.capability("RT-14")
def test_work_without_a_route_waits_and_goes_to_the_first_connection_that_plays_the_role(
    settings: Settings, database: object, redis_client: object, remote: Remote, log: Log
):
    crank = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(log))
    try:
        with crank.uow() as uow:
            uow.publish(ThingMade(thing="t", what="1"))
        crank.settle()
        assert crank.rows("SELECT connection, state, code FROM hub.delivery WHERE subscriber = 'trial.post'") == [
            ("-", "parked", "routes.no_connection")
        ]
        crank.connect("erp", "trial", role="erp", base_url=remote.url)
        crank.settle()
        assert remote.calls == ["t.1"]
    finally:
        crank.close()
