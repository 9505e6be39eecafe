"""The poison guard outside: who may have killed two workers is called alone, so that only the culprit is set aside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.outbox import Place
from app.jobs.poison import MOST_DEATHS, Alone
from tests.hub import Crank
from tests.runtime.conftest import Remote, ThingCounted

ERP, SHOP = Place("orders", "erp"), Place("orders", "shop")


class Held:
    def __init__(self, deaths: int) -> None:
        self.deaths = deaths


@given(st.lists(st.integers(0, 4), max_size=8), st.integers(0, 3))
def test_a_suspect_never_goes_out_beside_another_call(deaths: list[int], calls: int) -> None:
    alone = Alone()
    room = alone.room(ERP, calls, 8)
    held = [Held(n) for n in deaths][:room]
    now, later = alone.parted(ERP, held)
    assert sorted([*now, *later], key=id) == sorted(held, key=id)
    suspects = [one for one in now if one.deaths == MOST_DEATHS - 1]
    if suspects:
        assert (len(now), calls) == (1, 0)
    if later:
        assert alone.place == ERP
        assert alone.room(SHOP, 0, 8) == 0, "nothing else begins while it waits for quiet"
        assert alone.room(ERP, 1, 8) == 0
        assert alone.room(ERP, 0, 8) == 1
        alone.parted(ERP, [])
        assert alone.room(SHOP, 0, 8) == 8, "what was waited for is gone: all goes on"


@pytest.mark.capability("RT-3")
def test_a_call_that_two_workers_died_with_runs_when_no_other_does(crank: Crank, remote: Remote) -> None:
    remote.seconds = 0.15
    with crank.uow() as uow:
        for n in range(6):
            uow.publish(ThingCounted(thing=f"t{n}", what="1"))
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET deaths = 2, in_doubt = true WHERE lane LIKE '%%:t3'")
    for place in crank.ready():
        crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() > 0
    assert crank.rows("SELECT state, attempt, deaths FROM hub.delivery WHERE lane LIKE '%%:t3'") == [("due", 0, 2)]
    together = []
    while crank.states() != {"done": 6}:
        crank.dispatcher.heard(1.0)
        before = len(remote.calls)
        crank.dispatcher.turn()
        if "t3.1" in remote.calls[before:] or crank.rows(RUNNING) == [(True,)]:
            together.append(crank.dispatcher.calls)
    assert set(together) <= {0, 1}
    assert sorted(remote.calls) == sorted(f"t{n}.1" for n in range(6))
    assert crank.states() == {"done": 6}


@pytest.mark.capability("RT-3", "RT-5")
def test_a_suspect_at_a_connection_that_cannot_be_called_holds_nobody_up(crank: Crank, remote: Remote) -> None:
    remote.seconds = 0.15
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="other", what="1"))
        uow.publish(ThingCounted(thing="suspect", what="1"))
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET deaths = 2, in_doubt = true WHERE lane LIKE '%%:suspect'")
    for place in crank.ready():
        crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() == 1, "the suspect waits for the other call to end"
    with crank.uow() as uow:
        uow.sql("UPDATE hub.connection SET state = 'paused'")
    crank.connect("shop", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="elsewhere", what="1"))
    crank.settle()
    assert crank.rows("SELECT state FROM hub.delivery WHERE connection = 'shop'") == [("done",)]
    assert crank.rows("SELECT state, deaths FROM hub.delivery WHERE lane LIKE '%%:suspect'") == [("due", 2)]
    with crank.uow() as uow:
        uow.sql("UPDATE hub.connection SET state = 'on'")
    crank.hub.connections.forget()
    crank.settle()
    assert set(crank.states()) == {"done"}


@pytest.mark.capability("RT-3")
def test_a_call_that_came_back_was_not_what_its_workers_died_of(crank: Crank, remote: Remote) -> None:
    remote.tricks.append(("status", (503, {})))
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET deaths = 1")
    crank.settle()
    assert crank.rows("SELECT state, attempt, deaths FROM hub.delivery") == [("due", 1, 0)]


@pytest.mark.capability("RT-3")
def test_a_holder_that_was_only_silent_takes_its_death_back(crank: Crank, remote: Remote) -> None:
    remote.seconds = 0.15
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    for place in crank.ready():
        crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() == 1
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET fence = fence + 1, deaths = deaths + 1")  # as who took it over leaves it
    while crank.dispatcher.turn():
        crank.dispatcher.heard(1.0)
    assert crank.rows("SELECT state, deaths FROM hub.delivery") == [("running", 0)]


RUNNING = "SELECT true FROM hub.delivery WHERE lane LIKE '%%:t3' AND state = 'running'"
