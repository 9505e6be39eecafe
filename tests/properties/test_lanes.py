"""First in, first out for each key, and each effect once, whatever fails and however many workers look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.infra.remote.spec import Dedupe
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Log, Remote, ThingMade, remote, spec, trial_steps

__all__ = ["remote"]
WORKERS = 3
THINGS = ("t0", "t1", "t2", "t3")
TRICKS = ((), (("status", (503, {"Retry-After": "0"})),), (("vanish", None),))
OPEN = "SELECT 1 FROM hub.delivery WHERE state IN ('due', 'running', 'behind') LIMIT 1"


class Trade:
    """Several workers' drains and dispatchers on one database; what they did is kept in its order."""

    def __init__(self, settings: Settings, remote: Remote) -> None:
        self.log, self.remote = Log(), remote
        self.workers = [
            Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(self.log), threads=4)
            for _ in range(WORKERS)
        ]
        self.hub = self.workers[0]
        self.hub.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)

    def forget(self) -> None:
        """Everything of the example before."""
        with self.hub.uow() as uow:
            uow.sql("TRUNCATE hub.event, hub.delivery, hub.attempt, hub.tally, hub.exception_case CASCADE")
        for one in (self.log.seen, self.remote.calls, self.remote.tricks, self.remote.looked):
            one.clear()  # type: ignore[attr-defined]
        self.log.failing.clear()
        self.remote.held.clear()

    def tell(self, facts: list[tuple[str, str]]) -> None:
        """Each fact in a transaction of its own, published by several threads, each its own things in their order."""

        def publish(mine: set[str], crank: Crank) -> None:
            for thing, what in facts:
                if thing in mine:
                    with crank.uow() as uow:
                        uow.publish(ThingMade(thing=thing, what=what))

        together([partial(publish, {THINGS[n], THINGS[n + 2]}, self.workers[n]) for n in range(2)])

    def work(self) -> None:
        """All workers at once until nothing is open."""

        def run(crank: Crank) -> None:
            for _ in range(40):
                crank.hasten()
                crank.settle()
                if not crank.rows(OPEN):
                    return

        together([partial(run, crank) for crank in self.workers])

    def close(self) -> None:
        for one in self.workers:
            one.close()


def together(deeds: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(deeds)) as pool:
        for running in [pool.submit(deed) for deed in deeds]:
            running.result()


@pytest.fixture
def trade(settings: Settings, database: Engine, redis_client: redis.Redis, remote: Remote) -> Iterator[Trade]:
    with ExitStack() as ending:
        made = Trade(settings, remote)
        ending.callback(made.close)
        yield made


facts_of = st.lists(st.sampled_from(THINGS), min_size=1, max_size=12)
failures = st.dictionaries(st.sampled_from(THINGS), st.integers(1, 2), max_size=2)
few = examples(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.capability("RT-4", "RT-3")
@few
@given(things=facts_of, failing=failures, trick=st.sampled_from(TRICKS))
def test_many_workers_keep_the_order_of_each_key_and_do_everything_once(
    trade: Trade, things: list[str], failing: dict[str, int], trick: tuple[tuple[str, object], ...]
) -> None:
    trade.forget()
    trade.log.failing.update(failing)
    trade.remote.tricks.extend(trick)
    facts = [(thing, str(n)) for n, thing in enumerate(things)]
    trade.tell(facts)
    trade.work()
    assert trade.hub.states() == {"done": 2 * len(facts)}
    for thing in THINGS:
        told = [what for one, what in facts if one == thing]
        assert [what for one, what in trade.log.seen if one == thing] == told
        first = list(dict.fromkeys(key for key in trade.remote.calls if key.startswith(f"{thing}.")))
        assert first == [f"{thing}.{what}" for what in told]
    assert sorted(trade.remote.held) == sorted(f"{thing}.{what}" for thing, what in facts)
    refused = [kind for kind, _ in trick if kind == "status"]
    assert len(trade.remote.calls) == len(facts) + len(refused)  # what had its effect was found, not repeated


@pytest.mark.capability("RT-10", "RT-4")
@few
@given(levels=st.lists(st.sampled_from(THINGS), min_size=1, max_size=40))
def test_many_workers_send_the_newest_level_last_and_say_of_each_other_what_overtook_it(
    trade: Trade, levels: list[str]
) -> None:
    trade.forget()

    def change() -> None:
        for n, thing in enumerate(levels):
            with trade.hub.uow() as uow:
                uow.publish(LevelChanged(thing=thing, what=str(n)))

    together([change, trade.work])
    trade.work()
    newest = {thing: n for n, thing in enumerate(levels)}
    for thing, n in newest.items():
        sent = [int(key.split(".")[1]) for key in trade.remote.calls if key.startswith(f"{thing}.")]
        assert sent == sorted(set(sent))
        assert sent[-1] == n
    rows = trade.hub.rows("SELECT state, count(*), count(overtaken_by) FROM hub.delivery GROUP BY state ORDER BY state")
    counted = {state: (count, named) for state, count, named in rows}
    assert counted["done"] == (len(trade.remote.calls), 0)
    older = len(levels) - len(trade.remote.calls)
    assert counted.get("superseded", (0, 0)) == (older, older)
    wrong = """SELECT 1 FROM hub.delivery o LEFT JOIN hub.delivery n ON n.id = o.overtaken_by AND n.lane = o.lane
                WHERE o.state = 'superseded' AND (n.id IS NULL OR n.id < o.id)"""
    assert trade.hub.rows(wrong) == []
