"""Connections to the database break in the middle of work: what was done stands, nothing is doubled or left lying."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.infra.db import is_away
from app.infra.remote import pulse
from app.infra.remote.spec import Dedupe
from app.settings import Settings
from bench.chaos.proxy import Proxy
from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Log, Remote, ThingCounted, ThingMade, log, remote, spec, trial_steps

__all__ = ["log", "remote"]
PATIENCE_SECONDS = 30.0


@pytest.fixture
def network(settings: Settings) -> Iterator[Proxy]:
    """The way to the database."""
    proxy = Proxy(make_url(settings.database_url).port or 5432).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def crank(
    settings: Settings, database: object, redis_client: object, remote: Remote, log: Log, network: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Crank]:  # fmt: skip
    """A worker with the trial steps that reaches its database through the proxy. It may stand still for a while, as on
    a busy machine: nobody else is there to take its work."""
    monkeypatch.setattr(pulse, "SILENCE", PATIENCE_SECONDS)
    monkeypatch.setattr(pulse, "LOST", PATIENCE_SECONDS)
    url = make_url(settings.database_url).set(host="127.0.0.1", port=network.port)
    given = replace(settings, database_url=url.render_as_string(hide_password=False))
    made = Crank(given, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(log))
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield made
    network.heal()
    made.close()


def settled(crank: Crank) -> None:
    """Run all there is, as a worker does: a round that finds the database away is tried again."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return crank.settle()
        except (psycopg.Error, DBAPIError) as error:
            if not is_away(error) or time.monotonic() > until:
                raise


def answered(crank: Crank, remote: Remote, calls: int) -> None:
    """Claim what is ready, and let every call end, without recording one."""
    for place in crank.ready():
        crank.dispatcher.wake(place)
    crank.dispatcher.turn()
    until = time.monotonic() + PATIENCE_SECONDS
    while len(remote.calls) < calls or crank.dispatcher.unrecorded < calls:
        assert time.monotonic() < until
        crank.dispatcher.heard(0.05)


@pytest.mark.capability("RT-3", "TRY-2")
def test_answers_that_came_while_the_database_was_away_are_recorded_and_not_called_for_again(
    crank: Crank, remote: Remote, network: Proxy
) -> None:
    with crank.uow() as uow:
        for n in range(3):
            uow.publish(ThingCounted(thing=f"t{n}", what="1"))
        for n in range(2):  # another queue, within its share of the eight threads
            uow.publish(LevelChanged(thing=f"t{n}", what="1"))
    answered(crank, remote, 5)
    network.cut(refuse=True)
    for _ in range(3):
        with pytest.raises(Exception) as away:
            crank.dispatcher.turn()
        assert is_away(away.value)
    network.heal()
    settled(crank)
    assert crank.states() == {"done": 5}
    assert (len(remote.calls), remote.looked, crank.dispatcher.calls) == (5, [], 0)


@pytest.mark.capability("RT-3", "TRY-2")
def test_what_a_commit_claimed_whose_answer_was_lost_is_given_back_and_called_once(
    crank: Crank, remote: Remote, network: Proxy
) -> None:
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    for place in crank.ready():
        crank.dispatcher.wake(place)
    network.lose_answer_to(b"COMMIT")
    with pytest.raises(Exception) as away:
        crank.dispatcher.turn()
    assert is_away(away.value)
    settled(crank)
    assert (remote.calls, crank.states()) == (["t.1"], {"done": 1})
    assert crank.rows("SELECT attempt, deaths FROM hub.delivery") == [(1, 0)]


@pytest.mark.capability("RT-3", "TRY-2")
def test_an_answer_whose_records_commit_lost_its_own_answer_is_recorded_once(
    crank: Crank, remote: Remote, network: Proxy, log: Log
) -> None:
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    answered(crank, remote, 1)
    network.lose_answer_to(b"COMMIT")
    with pytest.raises(Exception) as away:
        crank.dispatcher.turn()
    assert is_away(away.value)
    settled(crank)
    assert (remote.calls, crank.states()) == (["t.1"], {"done": 1})
    assert crank.rows("SELECT count(*) FROM hub.attempt") == [(1,)]


@pytest.mark.capability("RT-3", "TRY-2")
def test_a_batch_whose_connection_breaks_counts_no_attempt_and_runs_once(
    crank: Crank, network: Proxy, log: Log
) -> None:
    with crank.uow() as uow:
        for n in range(5):
            uow.publish(ThingMade(thing="t", what=str(n)))
    network.cut(refuse=True)
    for place in {place for place in crank.rung if not place.connection}:
        with pytest.raises(Exception) as away:
            crank.drain.run(place)
        assert is_away(away.value)
    network.heal()
    settled(crank)
    made = [what for thing, what in log.seen if thing == "t"]
    assert made == [str(n) for n in range(5)]
    rows = crank.rows("SELECT DISTINCT attempt, code FROM hub.delivery WHERE subscriber = 'trial.count'")
    assert rows == [(1, None)]


@pytest.mark.capability("RT-2", "TRY-2")
def test_a_thread_whose_unit_of_work_broke_off_can_begin_another(crank: Crank, network: Proxy) -> None:
    def broken_off() -> None:
        with crank.uow() as uow:
            uow.sql("SELECT 1")
            network.cut()
            uow.publish(ThingMade(thing="t", what="1"))  # written at the end, when the connection is gone

    with pytest.raises(Exception) as away:
        broken_off()
    assert is_away(away.value)
    settled(crank)
    assert crank.states() == {}
