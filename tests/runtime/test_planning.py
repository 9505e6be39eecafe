"""A plan that fails takes back all that it did: its rows, what it told, what it counted, what was to follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from app.flows.runtime import Connected, Steps, Told, step
from app.infra.notices import NoticeReceived
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Remote, Sink, ThingCounted, ThingMade, spec


def telling_steps(seen: list[str]) -> Steps:
    """A plan that tells a fact, counts, keeps a row and wants to ring; `bad…` then fails."""
    steps = Steps()

    def plan(uow: UnitOfWork, told: Told[ThingCounted]) -> dict[str, Any]:
        thing = told.fact.thing
        uow.publish(ThingMade(thing=thing, what="told by its plan"), told.trail)
        uow.tally("trial_planned", thing)
        uow.sql("INSERT INTO public.planned (thing) VALUES (%(thing)s)", {"thing": thing})
        uow.after_commit(lambda: seen.append(f"rang for {thing}"))
        if thing.startswith("bad"):
            raise NeedsAttention("trial.unplannable", "a plan that a person must mend", about=thing)
        return {"key": thing, "what": told.fact.what}

    def call(connection: Connected, given: dict[str, Any]) -> str:
        return connection.port(Sink).put(given["key"], given["what"], again=False)

    def record(uow: UnitOfWork, told: Told[ThingCounted], given: dict[str, Any], answer: str) -> None:
        return None

    step("trial.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
    step("trial.count", on=ThingMade, queue="orders", do=lambda uow, told: None, steps=steps)
    step(
        "trial.post", on=ThingCounted, queue="orders", at="erp", plan=plan, call=call, record=record, port=Sink,
        steps=steps,
    )  # fmt: skip
    return steps


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
def crank(
    settings: Settings, database: Engine, redis_client: redis.Redis, remote: Remote, seen: list[str]
) -> Iterator[Crank]:
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=telling_steps(seen))
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    with made.uow() as uow:
        uow.sql("CREATE TABLE public.planned (thing text PRIMARY KEY)")
    yield made
    with made.uow() as uow:
        uow.sql("DROP TABLE public.planned")
    made.close()


@pytest.mark.capability("RT-3", "RT-4")
def test_a_plan_that_fails_leaves_nothing_behind_and_its_neighbours_all(
    crank: Crank, remote: Remote, seen: list[str]
) -> None:
    with crank.uow() as uow:
        for thing in ("a", "bad1", "b", "bad2", "c"):
            uow.publish(ThingCounted(thing=thing, what="1"))
    crank.settle()
    good = ["a", "b", "c"]
    assert sorted(remote.calls) == good
    told = crank.rows("SELECT payload->>'thing' FROM hub.event WHERE type = 'trial.thing_made.v1' ORDER BY 1")
    assert [thing for (thing,) in told] == good
    assert [thing for (thing,) in crank.rows("SELECT thing FROM public.planned ORDER BY 1")] == good
    counted = crank.rows("SELECT label, sum(n)::int FROM hub.tally WHERE name = 'trial_planned' GROUP BY 1 ORDER BY 1")
    assert counted == [(thing, 1) for thing in good]
    assert sorted(seen) == [f"rang for {thing}" for thing in good]
    assert crank.rows("SELECT about FROM hub.exception_case WHERE code = 'trial.unplannable' ORDER BY 1") == [
        ("bad1",),
        ("bad2",),
    ]
    assert crank.states("trial.post") == {"done": 3, "parked": 2}
