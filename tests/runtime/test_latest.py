"""Only the newest level of a thing is sent: what is older ends superseded and leaves its back-off behind."""

from __future__ import annotations

import pytest

from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Remote


def change(crank: Crank, thing: str, *levels: str) -> None:
    for level in levels:
        with crank.uow() as uow:
            uow.publish(LevelChanged(thing=thing, what=level))


@pytest.mark.capability("RT-10")
def test_ten_changes_before_a_send_are_one_send_of_the_newest(crank: Crank, remote: Remote):
    change(crank, "sku", *[str(n) for n in range(10)])
    change(crank, "other", "7")
    crank.settle()
    assert sorted(remote.calls) == ["other.7", "sku.9"]
    assert crank.states("trial.show_level") == {"done": 2, "superseded": 9}
    newest = crank.rows("SELECT max(id) FROM hub.delivery WHERE lane LIKE '%%:sku'")[0][0]
    overtaken = "SELECT code, overtaken_by, done_at IS NOT NULL, count(*) FROM hub.delivery WHERE state = 'superseded' "
    assert crank.rows(overtaken + "GROUP BY 1, 2, 3") == [("hub.overtaken", newest, True, 9)]
    counted = "SELECT label, sum(n)::int FROM hub.tally WHERE name = 'deliveries_superseded' GROUP BY 1"
    assert crank.rows(counted) == [("inventory", 9)]


@pytest.mark.capability("RT-10")
def test_a_change_during_a_send_is_sent_after_it(crank: Crank, remote: Remote):
    remote.seconds = 0.2
    change(crank, "sku", "1")
    for place in crank.ready():
        crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() == 1
    change(crank, "sku", "2", "3")
    crank.settle()
    assert remote.calls == ["sku.1", "sku.3"]


@pytest.mark.capability("RT-10")
def test_a_newer_level_replaces_one_that_a_person_should_look_at(crank: Crank, remote: Remote):
    remote.tricks = [("status", (422, {}))]
    change(crank, "sku", "1")
    crank.settle()
    assert crank.states("trial.show_level") == {"rejected": 1}
    change(crank, "sku", "2")
    crank.settle()
    assert crank.states("trial.show_level") == {"superseded": 1, "done": 1}
    assert remote.calls == ["sku.1", "sku.2"]


@pytest.mark.capability("RT-3", "RT-10")
def test_what_a_dead_worker_left_is_taken_over_though_an_older_one_was_told_late(crank: Crank, remote: Remote):
    change(crank, "sku", "1", "2")
    with crank.uow() as uow:  # the transaction that told the older one committed after the newer was claimed
        uow.sql(
            "UPDATE hub.delivery SET state = 'running', attempt = 1, fence = 1, holder = -1, "
            "next_at = now() + interval '60 s' WHERE id = (SELECT max(id) FROM hub.delivery)"
        )
    crank.settle()
    assert crank.states("trial.show_level") == {"done": 2}
    assert sorted(remote.calls) == ["sku.1", "sku.2"]


@pytest.mark.capability("RT-10")
def test_a_newer_level_waits_as_long_as_the_older_one_was_told_to(crank: Crank, remote: Remote):
    remote.tricks = [("status", (429, {"Retry-After": "300"}))]
    change(crank, "sku", "1")
    crank.settle()
    with crank.uow() as uow:  # the older one is ready to be looked at beside the newer, and still backs off
        uow.publish(LevelChanged(thing="sku", what="2"))
    crank.settle()
    waits = crank.rows("SELECT state, next_at > now() + interval '200 s' FROM hub.delivery ORDER BY id")
    assert waits == [("superseded", True), ("due", True)]
    crank.hasten()
    crank.settle()
    assert remote.calls == ["sku.1", "sku.2"]
