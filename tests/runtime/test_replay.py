"""Replay by filter: counted and sampled first, paced, stopped, told apart afterwards; no effect is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.flows import replaying
from app.flows.running import declare_turns
from app.infra.locate import locate
from app.infra.remote.spec import Dedupe
from app.infra.replay.again import dismiss, replay
from app.infra.replay.many import begin_replay, survived
from app.infra.replay.selection import Filter, preview
from app.infra.runs.rows import RunRow
from app.infra.runs.work import resume_run, run_of, stop_run
from app.kernel.errors import HubError, Invalid, NotFound
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted, ThingMade, spec, trial_steps

HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
DONE = Filter(states=("done",), since=HOUR_AGO)


@pytest.fixture
def crank(
    settings: Settings, database: object, redis_client: object, remote: Remote, log: Log, dedupe: Dedupe
) -> Iterator[Crank]:
    steps = trial_steps(log)
    assert replaying.page
    declare_turns(steps)
    made = Crank(settings, adapter=lambda _: spec(dedupe), steps=steps)
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield made
    made.close()


def tell(crank: Crank, *things: str) -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingCounted(thing=thing, what="1"))
    crank.settle()


def begin(crank: Crank, wanted: Filter, *, rate: float | None = None) -> str:
    with crank.uow() as uow:
        return begin_replay(uow, wanted, "ada", "mended", rate=rate)


def run(crank: Crank, run_id: str) -> RunRow:
    with crank.uow() as uow:
        return run_of(uow, run_id)


def refuse(crank: Crank, remote: Remote, *things: str) -> None:
    """Things that the remote refuses: rejected deliveries, each in a lane of its own."""
    remote.tricks = [("status", (422, {}))] * len(things)
    tell(crank, *things)


@pytest.mark.capability("RT-6")
def test_what_matches_is_counted_first_then_replayed_and_told_apart(crank: Crank, remote: Remote):
    refuse(crank, remote, *"abcde")
    with crank.uow() as uow:
        seen = preview(uow, Filter(code="trial.http_422"))
    assert (seen.count, seen.done_already, len(seen.sample)) == (5, 0, 5)
    assert [(one.step, one.connection, one.state, one.count) for one in seen.groups] == [
        ("trial.post", "erp", "rejected", 5)
    ]
    remote.tricks = [("status", (422, {}))] * 2  # two of the five are refused again
    run_id = begin(crank, Filter(code="trial.http_422", connection="erp", step="trial.post"))
    crank.settle()
    row = run(crank, run_id)
    assert (row.state, row.total, row.done, row.counts) == ("done", 5, 5, {"were_rejected": 5})
    with crank.uow() as uow:
        after = survived(uow, run_id)
    assert (after.released, after.ended, after.under_way, after.set_aside) == (5, 3, 0, 2)
    assert after.by == (("done", "", 3), ("rejected", "trial.http_422", 2))
    assert [act[:2] for act in crank.rows("SELECT who, did FROM hub.act ORDER BY id")] == [
        ("ada", "started a run"),
        ("hub", "ended a run"),
    ]


@pytest.mark.capability("RT-3", "RT-6")
def test_what_had_its_effect_is_found_and_not_repeated(crank: Crank, remote: Remote):
    tell(crank, *"abc")
    begin(crank, DONE)
    crank.settle()
    assert (sorted(remote.calls), sorted(remote.looked)) == (["a.1", "b.1", "c.1"], ["a.1", "b.1", "c.1"])
    assert crank.states("trial.post") == {"done": 3}
    assert crank.rows("SELECT count(*) FROM hub.delivery WHERE in_doubt") == [(0,)]


@pytest.mark.capability("RT-6")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(key="trial:a"), 1),
        (Filter(topic="trial.thing_counted.v1"), 3),
        (Filter(step="trial.post", connection="erp"), 3),
        (Filter(states=("rejected",), since=HOUR_AGO, until=HOUR_AGO + timedelta(hours=2)), 3),
        (Filter(states=("parked",)), 0),
        (Filter(states=("done",), key="trial:z"), 1),
        (Filter(since=HOUR_AGO, until=HOUR_AGO + timedelta(minutes=1)), 0),
    ],
)
def test_a_filter_finds_what_it_says(crank: Crank, remote: Remote, wanted: Filter, found: int):
    refuse(crank, remote, *"abc")
    tell(crank, "z")
    with crank.uow() as uow:
        assert preview(uow, wanted).count == found


@pytest.mark.capability("RT-6")
@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        (Filter(code="no.such_code"), NotFound, "no delivery matches"),
        (Filter(step="trial.unheard"), NotFound, "no step 'trial.unheard'"),
        (Filter(topic="trial.unheard.v1"), NotFound, "nobody hears"),
        (Filter(connection="nowhere"), NotFound, "no connection 'nowhere'"),
        (Filter(states=("due",)), Invalid, "'due' cannot be replayed"),
        (Filter(states=()), Invalid, "no state is given"),
        (Filter(states=("done",)), Invalid, "since when"),
        (Filter(since=datetime.now(UTC) + timedelta(days=1)), Invalid, "future"),
        (Filter(since=HOUR_AGO, until=HOUR_AGO), Invalid, "before until"),
    ],
)
def test_a_filter_that_is_unknown_or_finds_nothing_changes_nothing(
    crank: Crank, remote: Remote, wanted: Filter, error: type[HubError], said: str
):
    refuse(crank, remote, "a")
    with pytest.raises(error, match=said):
        begin(crank, wanted)
    assert crank.states() == {"rejected": 1}
    assert crank.rows("SELECT (SELECT count(*) FROM hub.run), (SELECT count(*) FROM hub.act)") == [(0, 0)]


@pytest.mark.capability("RT-6")
def test_a_replay_stops_and_goes_on_where_it_was(crank: Crank, remote: Remote):
    refuse(crank, remote, *"abcde")
    run_id = begin(crank, Filter(code="trial.http_422"), rate=0.001)
    crank.settle()
    assert crank.states("trial.post") == {"done": 1, "rejected": 4}
    with crank.uow() as uow:
        stop_run(uow, run_id, "ada", "the remote is slow")
    crank.hasten()
    crank.settle()
    assert crank.states("trial.post") == {"done": 1, "rejected": 4}
    with crank.uow() as uow:
        resume_run(uow, run_id, "ada")
        run_of(uow, run_id).rate = None
    crank.settle()
    assert crank.states("trial.post") == {"done": 5}
    assert sorted(remote.calls) == sorted([f"{thing}.1" for thing in "abcde"] * 2)


@pytest.mark.capability("RT-4", "RT-6")
def test_the_order_of_a_lane_is_kept(crank: Crank, remote: Remote):
    with crank.uow() as uow:
        for n in range(5):
            uow.publish(ThingCounted(thing="a", what=str(n)))
    crank.settle()
    remote.held.clear()  # as if the other side had lost them
    remote.calls.clear()
    begin(crank, DONE)
    crank.settle()
    assert remote.calls == [f"a.{n}" for n in range(5)]


@pytest.mark.capability("RT-6")
def test_what_was_dismissed_meanwhile_is_left_alone(crank: Crank, remote: Remote):
    refuse(crank, remote, *"ab")
    run_id = begin(crank, Filter(code="trial.http_422"))
    (first,) = crank.rows("SELECT id FROM hub.delivery WHERE state = 'rejected' ORDER BY id LIMIT 1")[0]
    with crank.uow() as uow:
        replay(uow, [first], "bob")
    crank.settle()
    assert run(crank, run_id).counts == {"were_rejected": 1, "left": 1}


@pytest.mark.capability("RT-6")
def test_a_closed_delivery_is_found_by_its_own_id_without_reading_every_partition(crank: Crank):
    with crank.uow() as uow:
        uow.sql(
            "INSERT INTO hub.delivery (event_id, id, subscriber, queue, partition, lane, state) SELECT n * 90, n * 2, "
            "'trial.count', 'orders', 0, 'lane ' || n, 'done' FROM generate_series(1, 20000) n"
        )
        uow.sql("ANALYZE hub.delivery")
        assert locate(uow, [30_002, 7]) == [(15_001 * 90, 30_002)]
        assert replay(uow, [30_002], "ada") == 1
        assert dismiss(uow, [30_002], "ada", "a test") == 1
    assert crank.rows("SELECT id FROM hub.delivery WHERE state = 'dismissed'") == [(30_002,)]


@pytest.mark.capability("RT-6")
def test_an_inside_step_that_is_replayed_ends_without_doubt(crank: Crank, log: Log):
    log.failing = {"a": 2}  # once in its batch, once alone
    with crank.uow() as uow:
        uow.publish(ThingMade(thing="a"))
    crank.settle()
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET state = 'parked', code = 'bug.RuntimeError' WHERE state = 'due'")
    begin(crank, Filter(code="bug.RuntimeError"))
    crank.settle()
    assert crank.rows("SELECT state, in_doubt FROM hub.delivery WHERE subscriber = 'trial.count'") == [("done", False)]
