"""Flow policy: every step has one, promises are judged by roll-ups, and what is deferred really waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import flows
from app.flows.policy import BOUNDS, DEFERRED, LONGEST_SECONDS, NEVER, POLICIES, defers, policies_of
from app.flows.runtime import STEPS
from app.infra.backlog import CALM, Load
from app.infra.bell import RedisBell
from app.infra.outbox import Place
from app.infra.took import judged, kept_since
from app.infra.uow import UnitOfWork
from app.jobs.relay import Relay
from app.kernel.queues import QUEUES
from tests.factories import an_order
from tests.flows.conftest import Story, story
from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Log, Remote, ThingMade

__all__ = ["story"]
HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.capability("RT-17")
def test_every_step_belongs_to_exactly_one_policy_of_its_queue() -> None:
    flows.load()
    wrong = {
        step.name: [policy.name for policy in found]
        for step in STEPS.by_name.values()
        if len(found := policies_of(step.name)) != 1 or found[0].queue != step.queue
    }
    assert wrong == {}, "state in app/flows/policy.py what each of these steps promises, in the queue it runs in"


def test_a_queue_is_deferred_as_one_and_orders_and_stock_never_are() -> None:
    for policy in POLICIES:
        assert policy.deferred == DEFERRED[policy.queue], policy.name
        assert policy.target in BOUNDS, f"{policy.name}: a target between two bounds cannot be judged"
    assert DEFERRED["orders"] == DEFERRED["inventory"] == NEVER
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)


@given(st.integers(0, 2), st.integers(0, 2))
def test_more_load_never_defers_less(hub: int, remote: int) -> None:
    load = Load(levels={"": hub, "erp": remote})
    worse = Load(levels={"": min(2, hub + 1), "erp": remote})
    for queue in QUEUES:
        place = Place(queue, "erp")
        assert not defers(CALM, place)
        assert defers(load, place) <= defers(worse, place)
        assert defers(load, Place(queue, "other")) == defers(Load(levels={"": hub}), place)


@pytest.mark.capability("RT-17")
def test_what_was_deferred_for_half_an_hour_goes_on_under_any_load_and_the_rest_waits() -> None:
    for queue in ("bulk", "finance"):
        place = Place(queue, "erp")
        assert defers(Load(levels={"": 2}, seconds={queue: LONGEST_SECONDS - 1}), place)
        assert not defers(Load(levels={"": 2}, seconds={queue: LONGEST_SECONDS}), place)
        assert defers(Load(levels={"": 2}, seconds={"inventory": LONGEST_SECONDS}), place)


@pytest.mark.capability("RT-17")
def test_a_relay_that_finds_deferred_work_of_half_an_hour_ago_has_it_done(crank: Crank, log: Log) -> None:
    for thing, minutes in (("old", 31), ("fresh", 0)):
        with crank.uow() as uow:
            uow.publish(ThingMade(thing=thing, what="1"))
            uow.before_commit(partial(_become_bulk, uow, minutes))
    with crank.uow() as uow:
        uow.publish(ThingMade(thing="order", what="1"))
        uow.before_commit(partial(_wait_for, uow, 7))
    rung: list[Place] = []
    relay = Relay(crank.hub, RedisBell(crank.redis, rung.append))
    relay.turn()
    assert (crank.hub.pressure.look().levels, {place.queue for place in rung}) == ({"": 1}, {"orders", "bulk"})
    crank.settle()
    assert {thing for thing, _ in log.seen} >= {"old"}
    relay.turn()
    assert not defers(crank.hub.pressure.look(), Place("bulk")), "no order waits any more"


def _become_bulk(uow: UnitOfWork, minutes: int) -> None:
    uow.sql(
        "UPDATE hub.delivery SET queue = 'bulk', next_at = now() - make_interval(mins => %(m)s) WHERE queue = 'orders'",
        {"m": minutes},
    )


def _wait_for(uow: UnitOfWork, seconds: int) -> None:
    uow.sql(
        "UPDATE hub.delivery SET next_at = now() - make_interval(secs => %(s)s) WHERE queue = 'orders'", {"s": seconds}
    )


def test_a_promise_is_judged_by_what_lies_above_its_target() -> None:
    counts = [(HOUR, 5.0, 90), (HOUR, 60.0, 6), (HOUR + timedelta(hours=1), float("inf"), 4)]
    kept = judged(counts, 60.0, [HOUR, HOUR + timedelta(hours=1)])
    assert (kept.steps, kept.late, kept.within, kept.p95, kept.hours) == (100, 4, 0.96, 60.0, (0, 4))
    nothing = judged([], 60.0, [HOUR])
    assert (nothing.steps, nothing.within, nothing.p95) == (0, 1.0, None)


@pytest.mark.capability("RT-17")
def test_actuals_come_from_the_roll_up_of_what_ended(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    with story.crank.uow() as uow:  # an order that stood for ten minutes before it was told to the shop
        uow.sql("UPDATE hub.event SET at = at - interval '10 min'")
    story.post("orders/create", an_order(external_id="2", name="#2"))
    story.settle()
    Relay(story.crank.hub, RedisBell(story.crank.redis, lambda place: None)).turn()
    targets = {policy.name: policy.target for policy in POLICIES}
    with story.crank.uow() as uow:
        kept = kept_since(uow, targets, story.crank.hub.clock.now())
        assert uow.sql("SELECT count(*) FROM hub.counter WHERE name = 'took'").fetchone() == (0,)
    assert (kept["order to ERP"].steps, kept["intake"].steps) == (2, 2)
    assert kept["order to ERP"].p95 is not None
    assert kept["payment booked"].steps == 0


@pytest.mark.capability("RT-17")
def test_what_is_deferred_waits_with_no_attempt_and_goes_on_when_it_is_calm(
    crank: Crank, log: Log, remote: Remote
) -> None:
    with crank.uow() as uow:
        uow.publish(ThingMade(thing="order", what="1"))
        uow.publish(LevelChanged(thing="level", what="1"))
        uow.publish(ThingMade(thing="bulk", what="1"))
        uow.sql("SELECT 1")
    with crank.uow() as uow:  # one of each kind becomes bulk work, inside and outside
        uow.sql("UPDATE hub.delivery SET queue = 'bulk' WHERE lane LIKE '%%:bulk' OR lane LIKE '%%:level'")
    rung: list[Place] = []
    relay = Relay(crank.hub, RedisBell(crank.redis, rung.append))
    crank.hub.pressure.tell(Load(levels={"": 1}))
    for place in crank.ready():
        if place.connection:
            crank.dispatcher.wake(place)
        else:
            crank.drain.run(place)
    crank.dispatcher.turn()
    assert log.seen == [("order", "1")]
    waiting = crank.rows("SELECT queue, state, attempt, code FROM hub.delivery WHERE queue = 'bulk' ORDER BY id")
    assert waiting == [("bulk", "due", 0, None), ("bulk", "due", 0, None)]
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET next_at = now() - interval '6 s' WHERE queue = 'orders' AND state = 'due'")
        uow.publish(ThingMade(thing="late", what="1"))
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET next_at = now() - interval '6 s' WHERE lane LIKE '%%:late'")
    relay.turn()
    assert {place.queue for place in rung} == {"orders"}, "the relay rings for nothing that is deferred"
    assert crank.hub.pressure.look().levels == {"": 1}
    crank.hub.pressure.tell(CALM)
    crank.settle()
    assert crank.states() == {"done": crank.states()["done"]}
    assert {thing for thing, _ in log.seen} >= {"bulk", "posted level", "order", "late"}
