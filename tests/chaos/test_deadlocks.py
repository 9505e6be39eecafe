"""A record that others were in the way of is written a moment later: its effect outside has happened once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.errors import DeadlockDetected

from app.flows.runtime import Connected, Steps, Told, step
from app.infra.notices import NoticeReceived
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Remote, Sink, ThingCounted, remote, spec

__all__ = ["remote"]
OFTEN = 4  # in its round, alone, and both once more


class Records:
    """Steps whose record meets a deadlock so often: PostgreSQL's own error, raised where it would be."""

    def __init__(self) -> None:
        self.tries, self.steps = 0, Steps()
        step("trial.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None,
             steps=self.steps)  # fmt: skip
        step("trial.post", on=ThingCounted, queue="orders", at="erp", plan=self.plan, call=self.call,
             record=self.record, port=Sink, steps=self.steps)  # fmt: skip

    def plan(self, uow: UnitOfWork, told: Told[ThingCounted]) -> str:
        return told.fact.thing

    def call(self, connection: Connected, thing: str) -> str:
        return connection.port(Sink).put(thing, "1", again=False)

    def record(self, uow: UnitOfWork, told: Told[ThingCounted], thing: str, answer: str) -> None:
        self.tries += 1
        if self.tries <= OFTEN:
            raise DeadlockDetected


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def crank(
    settings: Settings, database: object, redis_client: object, remote: Remote, records: Records
) -> Iterator[Crank]:
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=records.steps)
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield made
    made.close()


@pytest.mark.capability("RT-3")
def test_a_record_in_a_deadlock_is_written_again_and_neither_parked_nor_called_for_again(
    crank: Crank, remote: Remote, records: Records
) -> None:
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    crank.settle()
    assert (crank.states(), remote.calls, records.tries) == ({"done": 1}, ["t"], OFTEN + 1)
    assert crank.rows("SELECT count(*) FROM hub.exception_case") == [(0,)]
