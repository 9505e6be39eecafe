"""The relay and what it keeps: missed bells, lost wake-ups, partitions ahead of time, counts, windows."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from app.infra.bell import RedisBell, flag_of
from app.infra.outbox import Place
from app.infra.partitions import FIRST_WIDTH, make_ahead
from app.infra.windows import open_window
from app.jobs.relay import Relay
from tests.hub import Crank
from tests.runtime.conftest import Log, ThingMade


def make(crank: Crank, *things: str) -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingMade(thing=thing, what="nothing"))


@pytest.fixture
def rung() -> list[Place]:
    return []


@pytest.fixture
def relay(crank: Crank, rung: list[Place]) -> Relay:
    return Relay(crank.hub, RedisBell(crank.redis, rung.append))


@pytest.mark.capability("RT-2", "RT-3")
def test_a_delivery_whose_bell_was_lost_is_rung_by_the_relay(crank: Crank, relay: Relay, rung: list[Place]):
    make(crank, "t")
    crank.redis.flushdb()
    assert relay.turn() == 1
    assert [place.queue for place in rung] == ["orders"]


def test_the_relay_rings_nothing_that_is_not_due_yet_or_whose_connection_is_paused(
    crank: Crank, relay: Relay, rung: list[Place]
):
    make(crank, "t", "u")
    crank.settle()
    make(crank, "t")
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET next_at = now() + interval '1 h' WHERE state = 'due'")
        uow.sql("UPDATE hub.connection SET state = 'paused'")
    assert (relay.turn(), rung) == (0, [])


def test_a_lane_that_was_not_woken_goes_on_after_a_turn(crank: Crank, relay: Relay, log: Log):
    make(crank, "t")
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET state = 'behind'")
    relay.turn()
    crank.settle()
    assert [thing for thing, _ in log.seen] == ["t"]


def test_bells_for_one_place_are_one_message_until_it_was_heard(crank: Crank):
    sent: list[Place] = []
    bell = RedisBell(crank.redis, sent.append)
    place = Place("orders", "", 3)
    for _ in range(5):
        bell.ring([place])
    assert sent == [place]
    bell.clear_flag(place)
    bell.ring([place])
    assert sent == [place, place]
    assert crank.redis.pttl(flag_of(place)) > 0


@pytest.mark.capability("BAT-4")
def test_partitions_are_made_ahead_and_facts_go_on_into_them(crank: Crank, log: Log):
    far = 40  # beyond what any other test fills
    with crank.uow() as uow:
        uow.sql("SELECT setval('hub.event_id', %(last)s)", {"last": far * FIRST_WIDTH - 3})
    made = make_ahead(crank.hub)
    try:
        wanted = {f"{table}_{n}000000" for table in ("event", "delivery", "attempt") for n in (39, 40, 41)}
        assert wanted <= set(made)
        assert make_ahead(crank.hub) == []
        make(crank, *[f"t{n}" for n in range(6)])
        crank.settle()
        assert len(log.seen) == 6
        assert crank.rows("SELECT count(*) FROM hub.event_39000000")[0][0] > 0
        assert crank.rows("SELECT count(*) FROM hub.event_40000000")[0][0] > 0
    finally:
        with crank.uow() as uow:
            for name in made:
                uow.sql(f"DROP TABLE hub.{name}")
            uow.sql("SELECT setval('hub.event_id', 1)")


@pytest.mark.capability("VIS-5")
def test_tallies_are_folded_into_counts_once(crank: Crank, relay: Relay):
    with crank.uow() as uow:
        uow.tally("trial", "a", 2)
        uow.tally("trial", "a")
        uow.tally("trial", "b")
    relay.turn()
    relay.turn()
    assert crank.rows("SELECT label, n FROM hub.counter WHERE name = 'trial' ORDER BY 1") == [("a", 3), ("b", 1)]
    assert crank.rows("SELECT count(*) FROM hub.tally") == [(0,)]


@pytest.mark.capability("BAT-1")
def test_many_schedulers_open_a_window_once(crank: Crank):
    instant = datetime(2026, 11, 27, 9, 4, tzinfo=UTC)
    opened: list[bool] = []

    def one() -> None:
        with crank.uow() as uow:
            opened.append(open_window(uow, "trial", instant))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == [False] * 5 + [True]
    assert crank.rows("SELECT count(*) FROM hub.event WHERE type = 'hub.window_opened.v1'") == [(1,)]


@pytest.mark.capability("RT-3")
def test_what_was_in_hand_at_three_deaths_is_set_aside_and_others_flow(crank: Crank, log: Log):
    make(crank, "poison", "good")
    found = crank.rows(
        "SELECT d.event_id, d.id, d.partition, e.key FROM hub.delivery d JOIN hub.event e ON e.id = event_id"
    )
    event_id, number, partition, _ = next(row for row in found if row[3].endswith("poison"))
    place = Place("orders", "", partition)
    for _ in range(2):
        crank.drain.guard.note(place, [(event_id, number)])  # as a worker that died left it
        with crank.uow() as uow:
            uow.sql("UPDATE hub.delivery SET next_at = now() + interval '1 h' WHERE id = %(id)s", {"id": number})
        crank.drain.run(place)
    crank.drain.guard.note(place, [(event_id, number)])
    crank.hasten()
    crank.settle()
    assert crank.rows("SELECT state, code, deaths FROM hub.delivery WHERE id = %(id)s", id=number) == [
        ("parked", "hub.poison", 3)
    ]
    assert ("good", "nothing") in log.seen
    assert ("poison", "nothing") not in log.seen
