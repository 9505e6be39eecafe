"""Queues: their shares of a process, how full they are, and who is slowed for it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra import backlog
from app.infra.backlog import CALM, Load, Standing, judge, measure
from app.infra.outbox import Place
from app.jobs.bells import WorkerBell
from app.jobs.shares import Shares
from app.kernel.queues import (
    DEFAULTS,
    QUEUES,
    gives_way,
    kept_threads,
    next_queue,
    room_for,
    rules_of,
    served_of,
)
from tests.hub import Crank

BUSY = st.dictionaries(st.sampled_from(QUEUES), st.integers(0, 40))


@pytest.mark.capability("RT-9")
@given(st.integers(1, 64), BUSY)
def test_a_flood_in_other_queues_leaves_orders_their_threads(threads: int, busy: dict[str, int]) -> None:
    kept = kept_threads(DEFAULTS, QUEUES, threads)
    flood = dict.fromkeys(QUEUES, 0)
    for queue in QUEUES[1:]:
        flood[queue] = min(busy.get(queue, 0), room_for(DEFAULTS, queue, threads, flood, kept))
    free = threads - sum(flood.values())
    assert room_for(DEFAULTS, "orders", threads, flood, kept) >= min(free, kept["orders"])
    assert free >= kept["orders"] >= (1 if threads > 1 else 0)


@given(st.integers(2, 64))
def test_a_queue_that_is_alone_may_have_all_but_what_others_keep(threads: int) -> None:
    kept = kept_threads(DEFAULTS, QUEUES, threads)
    assert sum(kept.values()) <= max(1, threads // 2)
    assert room_for(DEFAULTS, "bulk", threads, {}, kept) == threads - sum(kept.values()) + kept["bulk"]
    assert kept_threads(DEFAULTS, ("bulk",), threads) == {"bulk": threads // 2}


@pytest.mark.capability("RT-9")
@given(st.integers(1, 64), st.integers(0, 64))
def test_a_flood_beside_orders_has_its_weight_and_not_more(threads: int, calls: int) -> None:
    kept = kept_threads(DEFAULTS, QUEUES, threads)
    busy = {"orders": 1, "bulk": 0}
    busy["bulk"] = min(calls, room_for(DEFAULTS, "bulk", threads, busy, kept))
    assert busy["bulk"] <= max(1, threads // 9)
    assert room_for(DEFAULTS, "orders", threads, busy, kept) >= min(threads - 1 - busy["bulk"], threads // 2) - 4
    assert room_for(DEFAULTS, "bulk", threads, {"orders": threads}, kept) == 0


def test_a_process_gives_its_threads_by_weight_and_comes_back_for_what_it_left() -> None:
    shares = Shares(DEFAULTS, QUEUES, 2)
    first, second, third = (Place("bulk", "", n) for n in range(3))
    order = Place("orders", "", 0)
    assert shares.enter(first)
    assert not shares.enter(second), "the other thread is kept for orders"
    assert not shares.gives_way("bulk"), "more of the same is no reason to leave"
    assert shares.enter(order)
    assert not shares.enter(Place("orders", "", 1))
    assert shares.gives_way("bulk")
    assert shares.leave(first, unfinished=True) == Place("orders", "", 1)
    assert shares.leave(order, unfinished=False) == second
    assert shares.leave(Place("orders", "", 1), unfinished=False) is None
    assert not shares.enter(third)
    assert shares.leave(second, unfinished=False) == first
    assert shares.leave(first, unfinished=False) == third
    assert shares.leave(third, unfinished=False) is None


def test_a_worker_that_serves_some_queues_leaves_the_others_bells_to_others(crank: Crank) -> None:
    rung: list[Place] = []
    bell = WorkerBell(crank.redis, rung.append, ("orders",))
    bell.dispatcher = crank.dispatcher
    bell.ring([Place("orders", "erp"), Place("bulk", "erp")])
    assert rung == [Place("bulk", "erp")]


def test_threads_go_where_least_of_the_weight_is_served() -> None:
    assert next_queue(DEFAULTS, ("bulk", "inventory"), {"inventory": 2}) == "inventory"
    assert next_queue(DEFAULTS, ("bulk", "inventory"), {"inventory": 4}) == "bulk"
    assert next_queue(DEFAULTS, ("finance", "catalogue"), {}) == "catalogue"
    assert gives_way(DEFAULTS, "bulk", ("inventory",), {"bulk": 3})
    assert not gives_way(DEFAULTS, "inventory", ("bulk",), {"inventory": 3})
    assert not gives_way(DEFAULTS, "bulk", ("bulk",), {"bulk": 3})


def test_rules_are_data_that_an_operator_changes() -> None:
    rules = rules_of("inventory=6/200000, bulk=2")
    assert (rules["inventory"].weight, rules["inventory"].bound) == (6, 200_000)
    assert (rules["bulk"].weight, rules["bulk"].bound) == (2, DEFAULTS["bulk"].bound)
    assert rules["orders"] == DEFAULTS["orders"]
    assert served_of("bulk orders") == ("orders", "bulk")
    assert served_of("") == QUEUES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("order=3", "'order' is no queue; there are orders, inventory"),
        ("bulk", "'bulk' is not NAME=WEIGHT"),
        ("bulk=0", "weight from 1 to 100"),
        ("bulk=1/many", "'bulk=1/many' is not"),
        ("orders=3/100", "orders have no bound"),
    ],
)
def test_a_rule_that_does_not_hold_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rules_of(text)
    with pytest.raises(ValueError, match="'all' is no queue"):
        served_of("all")


FILL = """
INSERT INTO hub.delivery (event_id, id, subscriber, connection, queue, partition, state, next_at)
SELECT n, n, 'trial.none', %(connection)s, %(queue)s, 0, 'due', now() - interval '9 s'
  FROM (SELECT nextval('hub.delivery_id') AS n FROM generate_series(1, %(many)s)) f
"""


def fill(crank: Crank, queue: str, many: int, *, connection: str = "") -> None:
    with crank.uow() as uow:
        uow.sql(FILL, {"queue": queue, "many": many, "connection": connection})


@pytest.mark.capability("RT-9")
def test_the_measure_is_exact_for_little_and_near_for_much(crank: Crank) -> None:
    fill(crank, "catalogue", 150)
    for many in (3000, 9000):  # two heaps of bulk with other work between them: ids lie unevenly
        fill(crank, "bulk", many)
        fill(crank, "finance", 2500)
    with crank.uow() as uow:
        found = {one.place.queue: one for one in measure(uow)}
    assert found["catalogue"].waiting == 150
    assert found["bulk"].waiting == pytest.approx(12_000, rel=0.25)
    assert found["bulk"].seconds >= 9.0


@pytest.mark.capability("RT-9")
def test_the_measure_costs_the_same_however_much_waits(crank: Crank) -> None:
    def read() -> int:
        """Index entries read by the whole measure."""
        with crank.uow() as uow:
            uow.sql("SELECT pg_stat_force_next_flush()")
        with crank.uow() as uow:
            measure(uow)
            uow.sql("SELECT pg_stat_force_next_flush()")
        return int(crank.rows(READS)[0][0])

    fill(crank, "bulk", 2000)
    read()
    first = read()
    small = read() - first
    fill(crank, "bulk", 20_000)
    crank.rows("SELECT 1")
    before = read()
    large = read() - before
    assert large <= small * 1.2 + 50


READS = """
SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE schemaname = 'hub'
   AND relname LIKE 'delivery%%'
"""


def test_a_paused_connections_work_counts_nowhere(crank: Crank) -> None:
    fill(crank, "bulk", 10, connection="erp")
    with crank.uow() as uow:
        assert [one.waiting for one in measure(uow)] == [10]
        uow.sql("UPDATE hub.connection SET state = 'paused'")
        assert measure(uow) == []


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=30))
def test_a_full_queue_opens_later_than_it_closed_and_orders_never_close(counts: list[int]) -> None:
    load = CALM
    for count in counts:
        was = "bulk" in load.full
        load = judge([Standing(Place(queue), count, 0.0) for queue in QUEUES], load, DEFAULTS)
        bound = DEFAULTS["bulk"].bound
        assert ("bulk" in load.full) == (count >= bound or (was and count >= bound * backlog.OPENS_AGAIN))
        assert "orders" not in load.full


def test_orders_that_wait_raise_the_level_where_they_wait_and_it_falls_late() -> None:
    def level(seconds: float, connection: str, before: Load = CALM) -> Load:
        return judge([Standing(Place("orders", connection), 5, seconds)], before, DEFAULTS)

    assert level(4.9, "").levels == {}
    assert level(5.0, "").levels == {"": 1}
    assert level(31.0, "").levels == {"": 2}
    assert level(31.0, "erp").levels == {"erp": 1}
    assert level(130.0, "erp").levels == {"erp": 2}
    assert level(16.0, "", level(31.0, "")).levels == {"": 2}
    assert level(3.0, "", level(31.0, "")).levels == {"": 1}
    assert level(2.0, "", level(31.0, "")).levels == {}


def test_what_the_relay_says_is_heard_by_others_and_forgotten_with_redis(crank: Crank) -> None:
    heard = backlog.Pressure(crank.redis, crank.hub.lines)
    assert heard.look() == CALM
    crank.hub.pressure.tell(Load(waiting={"bulk": 9}, full=["bulk"], levels={"": 1}))
    assert heard.look().full == ["bulk"]
    assert heard.load.levels == {"": 1}
    crank.redis.flushdb()
    assert heard.look() == CALM


def test_refusals_are_counted_and_asked_to_come_back_spread(crank: Crank) -> None:
    random.seed(1)
    seconds = {crank.hub.pressure.slowed("shop", "bulk").retry_after for _ in range(20)}
    assert len(seconds) > 10
    assert all(20 <= (one or 0) <= 40 for one in seconds)
    crank.hub.pressure.flush()
    assert crank.rows("SELECT label, n FROM hub.tally WHERE name = 'intake_slowed'") == [("shop|bulk", 20)]
