"""A process whose clock is wrong by an hour does what the others do: what matters is told by the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from app.infra.remote.spec import Dedupe
from app.kernel.clock import SYSTEM_CLOCK
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted, log, remote, spec, trial_steps

__all__ = ["log", "remote"]
DOUBT_SECONDS = 30.0

# As a worker that died in the middle of its call left it: claimed a moment ago, its lease not over.
LEFT_BEHIND = """
UPDATE hub.delivery SET state = 'running', attempt = 1, fence = 1, holder = 0, next_at = now() + interval '70 s'
"""


class Skewed:
    """The machine's clock, wrong by so much."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + self._by


@pytest.fixture(params=[timedelta(hours=1), timedelta(hours=-1)], ids=["an hour ahead", "an hour behind"])
def crank(
    request: pytest.FixtureRequest,
    settings: Settings,
    database: object,
    redis_client: object,
    remote: Remote,
    log: Log,
) -> Iterator[Crank]:
    """A worker whose clock is wrong, connected to the trial remote."""
    clock = Skewed(request.param)
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(log), clock=clock)
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=DOUBT_SECONDS)
    yield made
    made.close()


@pytest.mark.capability("RT-3", "TRY-2")
def test_a_call_that_was_taken_over_is_looked_up_no_sooner_and_no_later_than_the_remote_is_done_with_it(
    crank: Crank, remote: Remote
) -> None:
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    with crank.uow() as uow:
        uow.sql(LEFT_BEHIND)
    crank.settle()
    ((state, wait),) = crank.rows("SELECT state, extract(epoch FROM next_at - now())::float FROM hub.delivery")
    assert state == "due"
    assert 0 < wait <= DOUBT_SECONDS
    assert (remote.calls, remote.looked) == ([], [])
    crank.hasten()
    crank.settle()
    assert (remote.looked, remote.calls, crank.states()) == (["t.1"], ["t.1"], {"done": 1})


@pytest.mark.capability("RT-3", "TRY-2")
def test_an_unanswered_call_is_looked_up_after_the_doubt_and_what_failed_comes_back_at_its_time(
    crank: Crank, remote: Remote
) -> None:
    remote.tricks = [("vanish", None)]
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    crank.settle()
    ((state, wait),) = crank.rows("SELECT state, extract(epoch FROM next_at - now())::float FROM hub.delivery")
    assert state == "due"
    assert DOUBT_SECONDS - 10 < wait <= DOUBT_SECONDS
    crank.hasten()
    crank.settle()
    assert (remote.looked, remote.calls, crank.states()) == (["t.1"], ["t.1"], {"done": 1})
