"""Runs: long work that goes on page by page, stops, resumes, and survives its worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.flows.running import declare_turns, inside_run, outside_run
from app.flows.runtime import Connected, Steps
from app.infra.remote.spec import Dedupe
from app.infra.replay.again import replay
from app.infra.runs.kinds import RunTurned
from app.infra.runs.rows import Item, RunRow, items_of
from app.infra.runs.work import PAGE, Page, Run, change_rate, resume_run, room_of, run_of, start_run, stop_run
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NeedsAttention, NotFound, Refused
from app.kernel.events import Fact, event
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, Sink, spec, trial_steps

MANY = 10
SLOW = 0.001  # one thing in a thousand seconds: no second turn, however long a test takes


@event("trial.page_due", version=1, key="run_id")
class PageDue(Fact):
    run_id: str
    turn: int
    connection: str


class Book:
    """What the trial's pages did, and what is to happen to them."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        self.failing: Exception | None = None

    def page(self, uow: UnitOfWork, run: Run) -> Page:
        """Three things of ten a page; the seventh is set aside."""
        begin = int(run.checkpoint.get("next", 0))
        if self.failing is not None:
            raise self.failing
        numbers = range(begin, min(begin + min(3, run.room), MANY))
        uow.after_commit(lambda: self.pages.append(begin))
        items = [Item(key=str(n), code="trial.bad", said="no good") for n in numbers if n == 7]
        end = begin + len(numbers)
        return Page(
            checkpoint={"next": end}, done=len(numbers) - len(items), items=items, counts={"pages": 1},
            finished=end == MANY,
        )  # fmt: skip

    def plan(self, uow: UnitOfWork, run: Run) -> str | None:
        number = int(run.checkpoint.get("next", 0))
        return f"{run.id[:8]}.{number}" if number < 3 else None

    def call(self, connection: Connected, key: str) -> str:
        return connection.port(Sink).put(key, "page", again=False)

    def record(self, uow: UnitOfWork, run: Run, key: str, answer: str) -> Page:
        return Page(checkpoint={"next": int(run.checkpoint.get("next", 0)) + 1}, done=1, wait=run.spec.get("wait"))


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def crank(settings: Settings, database: object, redis_client: object, remote: Remote, book: Book) -> Iterator[Crank]:
    steps = trial_steps(Log())
    declare_runs(steps, book)
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=steps)
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield made
    made.close()


def declare_runs(steps: Steps, book: Book) -> None:
    declare_turns(steps)
    inside_run("trial.inside", title="Trial", page=book.page)
    outside_run(
        "trial.outside", title="Trial outside", fact=PageDue, port=Sink, plan=book.plan, call=book.call,
        record=book.record, steps=steps,
    )  # fmt: skip


def start(crank: Crank, kind: str = "trial.inside", **given: object) -> str:
    with crank.uow() as uow:
        return start_run(uow, kind, {}, who="ada", why="a test", **given)  # type: ignore[arg-type]


def seen(crank: Crank, run_id: str) -> RunRow:
    with crank.uow() as uow:
        return run_of(uow, run_id)


@pytest.mark.capability("RT-6", "RT-15")
def test_a_run_goes_on_page_by_page_and_sets_aside_what_is_bad(crank: Crank, book: Book):
    run_id = start(crank, total=MANY)
    assert seen(crank, run_id).state == "waiting"
    crank.settle()
    row = seen(crank, run_id)
    assert (row.state, row.done, row.set_aside, row.counts, row.checkpoint) == (
        "done",
        9,
        1,
        {"pages": 4},
        {"next": 10},
    )
    assert book.pages == [0, 3, 6, 9]
    with crank.uow() as uow:
        assert [(item.key, item.code, item.said) for item in items_of(uow, run_id)] == [("7", "trial.bad", "no good")]
    assert crank.rows("SELECT who, did, why FROM hub.act ORDER BY id") == [
        ("ada", "started a run", "a test"),
        ("hub", "ended a run", ""),
    ]


@pytest.mark.capability("RT-6")
def test_a_run_at_a_connection_calls_outside_and_ends_when_there_is_no_more(crank: Crank, remote: Remote):
    run_id = start(crank, "trial.outside", connection="erp")
    crank.settle()
    row = seen(crank, run_id)
    assert (row.state, row.done) == ("done", 3)
    assert remote.calls == [f"{run_id[:8]}.{n}" for n in range(3)]


@pytest.mark.capability("RT-6")
def test_a_stopped_run_goes_on_at_its_checkpoint(crank: Crank, book: Book):
    run_id = start(crank, rate=SLOW)
    crank.settle()
    assert book.pages == [0]
    with crank.uow() as uow:
        assert stop_run(uow, run_id, "ada", "enough") == "stopped"
    crank.hasten()
    crank.settle()
    assert (book.pages, seen(crank, run_id).state) == ([0], "stopped")
    with crank.uow() as uow, pytest.raises(Refused, match="stopped"):
        stop_run(uow, run_id, "ada")
    with crank.uow() as uow:
        change_rate(uow, run_id, None, "ada")
        resume_run(uow, run_id, "ada")
    crank.settle()
    assert (book.pages, seen(crank, run_id).state, seen(crank, run_id).done) == ([0, 1, 4, 7], "done", 9)
    with crank.uow() as uow, pytest.raises(Refused, match="done"):
        resume_run(uow, run_id, "ada")


@pytest.mark.capability("RT-6")
def test_a_call_under_way_ends_before_its_run_stops(crank: Crank, remote: Remote):
    run_id = start(crank, "trial.outside", connection="erp")
    remote.seconds = 0.2
    for place in crank.ready():
        crank.dispatcher.wake(place)
    crank.dispatcher.turn()
    with crank.uow() as uow:
        assert stop_run(uow, run_id, "ada") == "stopping"
    crank.settle()
    row = seen(crank, run_id)
    assert (row.state, row.done, row.checkpoint) == ("stopped", 1, {"next": 1})


@pytest.mark.capability("RT-6")
def test_a_turn_that_fails_leaves_nothing_and_the_run_goes_on_once_it_is_resumed(crank: Crank, book: Book):
    book.failing = NeedsAttention("trial.broken", "mend the trial")
    run_id = start(crank)
    crank.settle()
    assert crank.rows("SELECT state, code FROM hub.delivery") == [("parked", "trial.broken")]
    assert crank.rows("SELECT code, state FROM hub.exception_case") == [("trial.broken", "new")]
    row = seen(crank, run_id)
    assert (row.state, row.said, row.done, row.checkpoint) == ("failed", "mend the trial", 0, {})
    assert row.ended_at is not None
    with crank.uow() as uow, pytest.raises(Refused, match="failed"):
        stop_run(uow, run_id, "ada")
    book.failing = None
    with crank.uow() as uow:
        resume_run(uow, run_id, "ada")
    crank.settle()
    assert (seen(crank, run_id).state, book.pages) == ("done", [0, 3, 6, 9])
    assert crank.rows("SELECT code, state FROM hub.exception_case") == [("trial.broken", "resolved")]


@pytest.mark.capability("RT-6")
def test_a_failed_run_goes_on_where_its_turn_is_replayed_among_the_dead_letters(crank: Crank, book: Book):
    book.failing = NeedsAttention("trial.broken", "mend the trial")
    run_id = start(crank)
    crank.settle()
    book.failing = None
    turns = [row[0] for row in crank.rows("SELECT id FROM hub.delivery")]
    with crank.uow() as uow:
        replay(uow, turns, "ada")
    crank.settle()
    row = seen(crank, run_id)
    assert (row.state, row.said, row.done, book.pages) == ("done", "", 9, [0, 3, 6, 9])


@pytest.mark.capability("RT-6")
def test_an_outside_turn_that_is_refused_fails_its_run_which_goes_on_once_it_is_resumed(crank: Crank, remote: Remote):
    remote.tricks = [("status", (422, {}))]
    run_id = start(crank, "trial.outside", connection="erp")
    crank.settle()
    assert seen(crank, run_id).state == "failed"
    with crank.uow() as uow:
        resume_run(uow, run_id, "ada")
    crank.settle()
    assert (seen(crank, run_id).state, seen(crank, run_id).done) == ("done", 3)
    assert crank.rows("SELECT state FROM hub.exception_case") == [("resolved",)]


@pytest.mark.capability("RT-6")
def test_a_turn_told_twice_is_done_once(crank: Crank, book: Book):
    run_id = start(crank)
    crank.settle()
    with crank.uow() as uow:
        for turn in (1, 2, 5):
            uow.publish(RunTurned(run_id=run_id, turn=turn))
    crank.settle()
    assert (book.pages, seen(crank, run_id).done) == ([0, 3, 6, 9], 9)


@pytest.mark.capability("RT-6")
def test_a_run_keeps_its_rate(crank: Crank):
    run_id = start(crank, rate=SLOW)
    crank.settle()
    waits = crank.rows("SELECT extract(epoch FROM next_at - now()) FROM hub.delivery WHERE state = 'due'")
    assert 900 < waits[0][0] <= 1000
    assert seen(crank, run_id).checkpoint == {"next": 1}


@pytest.mark.parametrize(
    ("rate", "passed", "room"),
    [(None, 1.0, PAGE), (2.0, 1.0, 2), (2.0, 1.9, 3), (50.0, 3600.0, 250), (0.1, 1.0, 1), (1e9, 1.0, PAGE)],
)
def test_a_turn_does_what_its_rate_allows_since_the_last_one(rate: float | None, passed: float, room: int):
    assert room_of(rate, passed) == room


def test_a_run_that_cannot_be_is_refused_and_leaves_nothing(crank: Crank):
    with crank.uow() as uow, pytest.raises(NotFound, match=r"trial\.inside"):
        start_run(uow, "trial.unheard", {}, who="ada")
    with crank.uow() as uow, pytest.raises(Invalid, match="above 0"):
        start_run(uow, "trial.inside", {}, who="ada", rate=0)
    with crank.uow() as uow, pytest.raises(NotFound, match="nowhere"):
        start_run(uow, "trial.outside", {}, who="ada", connection="nowhere")
    assert crank.rows("SELECT FROM hub.run") == []
