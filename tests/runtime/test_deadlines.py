"""Deadlines: a fact that is told once unless another came in time, whoever looks and whatever their clocks say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.infra.bell import RedisBell
from app.infra.cases import open_case
from app.infra.deadlines import EXPECTATIONS, call_off, expect, expectation, move, tell_missed
from app.infra.remote.spec import Dedupe
from app.infra.uow import Trail, UnitOfWork
from app.jobs.relay import Relay
from app.kernel.clock import end_of_day
from app.kernel.errors import Invalid, NotFound, Refused
from app.kernel.events import Fact, event
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingMade, spec, trial_steps

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAIVE = datetime(2099, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@event("trial.parcel_sent", version=1, key="thing")
class ParcelSent(Fact):
    thing: str
    place: str = ""


@event("trial.parcel_missed", version=1, key="thing")
class ParcelMissed(Fact):
    thing: str
    place: str = ""
    turn: int = 1


PARCEL = expectation(
    "trial", "parcel", otherwise=ParcelMissed, unless=(ParcelSent,), apart="place", case="trial.parcel_missed"
)


def wait_for(crank: Crank, thing: str, by: datetime, *, place: str = "", turn: int = 1) -> None:
    with crank.uow(Trail(correlation_id=f"story of {thing}", causation_id=7, origin="shop")) as uow:
        expect(uow, PARCEL, ParcelMissed(thing=thing, place=place, turn=turn), by, turn=turn)


def tell(crank: Crank, fact: Fact) -> None:
    with crank.uow() as uow:
        uow.publish(fact)


def look(crank: Crank, now: datetime | None = None) -> int:
    with crank.uow() as uow:
        return tell_missed(uow, now)


def rolled_back(crank: Crank, act: Callable[[UnitOfWork], object]) -> None:
    """Do something in a transaction that ends before its commit."""

    def fail() -> None:
        with crank.uow() as uow:
            assert act(uow)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def told(crank: Crank) -> list[tuple[str, int]]:
    return crank.rows(
        "SELECT payload->>'thing', (payload->>'turn')::int FROM hub.event "
        "WHERE type = 'trial.parcel_missed.v1' ORDER BY id"
    )


def states(crank: Crank) -> list[tuple[str, str]]:
    return crank.rows("SELECT state, ended_by FROM hub.deadline ORDER BY key, part, turn")


@pytest.mark.capability("RT-11")
def test_what_does_not_happen_in_time_is_told_once_by_its_own_story(crank: Crank) -> None:
    wait_for(crank, "late", NOW)
    wait_for(crank, "early", NOW + HOUR)
    assert (look(crank, NOW - HOUR), look(crank, NOW), look(crank, NOW)) == (0, 1, 0)
    assert told(crank) == [("late", 1)]
    assert states(crank) == [("waiting", ""), ("missed", "hub")]
    story = crank.rows("SELECT correlation_id, causation_id, origin FROM hub.event WHERE type LIKE '%%missed%%'")
    assert story == [("story of late", 7, "shop")]


@pytest.mark.capability("RT-11")
def test_what_happens_in_time_ends_the_waiting_with_its_own_transaction(crank: Crank) -> None:
    wait_for(crank, "t", NOW)
    rolled_back(crank, lambda uow: uow.hub.outbox.publish(uow, [(ParcelSent(thing="t"), uow.trail)]))
    assert states(crank) == [("waiting", "")]
    tell(crank, ParcelSent(thing="other"))
    tell(crank, ParcelSent(thing="t"))
    assert states(crank) == [("met", "trial.parcel_sent.v1")]
    assert (look(crank, NOW + HOUR), told(crank)) == (0, [])


def test_several_that_are_waited_for_apart_are_answered_apart_and_one_that_names_none_answers_all(crank: Crank) -> None:
    for place in ("north", "south", "west"):
        wait_for(crank, "t", NOW, place=place)
    tell(crank, ParcelSent(thing="t", place="south"))
    assert [state for state, _ in states(crank)] == ["waiting", "met", "waiting"]
    tell(crank, ParcelSent(thing="t"))
    assert [state for state, _ in states(crank)] == ["met", "met", "met"]


@pytest.mark.capability("RT-11")
def test_the_same_wait_again_is_one_follows_a_newer_time_and_never_begins_anew_by_itself(crank: Crank) -> None:
    for by in (NOW, NOW, NOW + HOUR):
        wait_for(crank, "t", by)
    assert crank.rows("SELECT due_at FROM hub.deadline") == [(NOW + HOUR,)]
    assert look(crank, NOW + HOUR) == 1
    wait_for(crank, "t", NOW + 5 * HOUR)  # the step that began to wait is replayed
    assert (look(crank, NOW + 9 * HOUR), told(crank)) == (0, [("t", 1)])
    wait_for(crank, "t", NOW + 5 * HOUR, turn=2)  # somebody decided to wait once more
    assert (look(crank, NOW + 9 * HOUR), told(crank)) == (1, [("t", 1), ("t", 2)])


@pytest.mark.capability("RT-11")
def test_many_relays_at_once_tell_each_missed_deadline_once(crank: Crank) -> None:
    for n in range(60):
        wait_for(crank, f"t{n}", NOW)
    count: list[int] = []

    def sweep() -> None:
        count.append(sum(look(crank, NOW) for _ in range(3)))

    threads = [threading.Thread(target=sweep) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(count), sorted({thing for thing, _ in told(crank)})) == (60, sorted(f"t{n}" for n in range(60)))
    assert len(told(crank)) == 60


@pytest.mark.capability("RT-11")
def test_a_relay_that_dies_after_telling_and_before_its_commit_has_told_nothing(crank: Crank) -> None:
    wait_for(crank, "t", NOW)
    rolled_back(crank, lambda uow: tell_missed(uow, NOW))
    assert (told(crank), states(crank)) == ([], [("waiting", "")])
    assert (look(crank, NOW), told(crank)) == (1, [("t", 1)])


class Skewed:
    """A machine whose clock is wrong by so much."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.mark.capability("RT-11")
@pytest.mark.parametrize("wrong", [timedelta(days=-40), timedelta(days=40)])
def test_a_relay_whose_machine_has_a_wrong_clock_tells_what_is_due_and_nothing_else(
    crank: Crank, log: Log, remote: Remote, wrong: timedelta
) -> None:
    now = datetime.now(UTC)
    wait_for(crank, "due", now - HOUR)
    wait_for(crank, "to come", now + HOUR)
    crank.hub.clock = Skewed(wrong)
    relay = Relay(crank.hub, RedisBell(crank.redis, lambda place: None))
    relay.turn()
    relay.turn()
    assert told(crank) == [("due", 1)]


@pytest.mark.capability("RT-11")
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_the_local_time_of_a_machine_never_matters(crank: Crank, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    now = datetime.now(UTC)
    wait_for(crank, "due", now - timedelta(minutes=1))
    wait_for(crank, "to come", now + timedelta(minutes=30))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with crank.uow() as uow:
            uow.sql("SELECT set_config('TimeZone', %(zone)s, true)", {"zone": zone})
            assert tell_missed(uow) == 1
    finally:
        monkeypatch.undo()
        time.tzset()
    assert told(crank) == [("due", 1)]


steps_of_a_clock = st.lists(st.integers(-600, 600), min_size=1, max_size=25)


@pytest.mark.capability("RT-11")
@examples(max_examples=25)
@given(jumps=steps_of_a_clock, dues=st.lists(st.integers(-600, 1200), min_size=1, max_size=6))
def test_a_clock_that_is_set_back_and_forth_tells_each_deadline_once_and_only_after_it_was_reached(
    crank_of_module: Crank, jumps: list[int], dues: list[int]
) -> None:
    crank = crank_of_module
    with crank.uow() as uow:
        uow.sql("TRUNCATE hub.deadline, hub.event, hub.delivery")
    for n, minutes in enumerate(dues):
        wait_for(crank, f"t{n}", NOW + timedelta(minutes=minutes))
    clock, furthest = 0, None
    for jump in jumps:
        clock += jump
        furthest = clock if furthest is None else max(furthest, clock)
        look(crank, NOW + timedelta(minutes=clock))
        look(crank, NOW + timedelta(minutes=clock))
    reached = sorted(f"t{n}" for n, minutes in enumerate(dues) if furthest is not None and minutes <= furthest)
    assert sorted(thing for thing, _ in told(crank)) == reached


@pytest.fixture(scope="module")
def crank_of_module(settings: Settings) -> Iterator[Crank]:
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(Log()))
    yield made
    made.close()


@pytest.mark.capability("RT-11")
def test_what_comes_late_after_all_ends_the_case_that_its_absence_opened(crank: Crank) -> None:
    wait_for(crank, "t", NOW)
    look(crank, NOW)
    with crank.uow() as uow:
        open_case(uow, code="trial.parcel_missed", title="where is it?", about="t", key="trial:t")
        open_case(uow, code="trial.parcel_missed", title="where is it?", about="u", key="trial:u")
    tell(crank, ParcelSent(thing="t"))
    assert states(crank) == [("late", "trial.parcel_sent.v1")]
    closed = crank.rows("SELECT about, state, closed_by FROM hub.exception_case ORDER BY about")
    assert closed == [("t", "resolved", "hub"), ("u", "new", "")]


@pytest.mark.capability("RT-11")
def test_a_person_moves_a_deadline_or_calls_it_off_under_a_name(crank: Crank) -> None:
    wait_for(crank, "moved", NOW)
    wait_for(crank, "off", NOW)
    ids = dict(crank.rows("SELECT key, id::text FROM hub.deadline"))
    later = datetime.now(UTC) + timedelta(days=300)
    with crank.uow() as uow:
        move(uow, ids["trial:moved"], later, "dana", "the carrier is on strike")
        call_off(uow, ids["trial:off"], "dana", "it was handed over")
    wait_for(crank, "moved", NOW)  # the flow says its own time again: the person's counts
    assert (look(crank, NOW + HOUR), told(crank)) == (0, [])
    assert states(crank) == [("waiting", ""), ("called_off", "dana")]
    acts = crank.rows("SELECT did, why, facts->>'about' FROM hub.act ORDER BY id")
    assert acts == [
        ("moved a deadline", "the carrier is on strike", "trial:moved"),
        ("called off a deadline", "it was handed over", "trial:off"),
    ]
    assert look(crank, later) == 1


@pytest.mark.parametrize(
    ("deed", "wrong", "code"),
    [
        (lambda uow, one: call_off(uow, one, "dana", " "), Invalid, "deadlines.reason_missing"),
        (lambda uow, one: move(uow, one, datetime.now(UTC) - HOUR, "dana", "why"), Invalid, "deadlines.past"),
        (lambda uow, one: move(uow, one, NAIVE, "dana", "why"), Invalid, "deadlines.past"),
        (
            lambda uow, one: call_off(uow, "01a1fdc0-e24a-727c-a2d0-649fa8847915", "dana", "why"),
            NotFound,
            "deadlines.unknown",
        ),
    ],
)
def test_what_a_person_may_not_do_is_said_and_changes_nothing(
    crank: Crank, deed: object, wrong: type[Exception], code: str
) -> None:
    wait_for(crank, "t", NOW)
    (one,) = crank.rows("SELECT id::text FROM hub.deadline")[0]
    with pytest.raises(wrong) as refused, crank.uow() as uow:
        deed(uow, one)  # type: ignore[operator]
    assert refused.value.code == code  # type: ignore[attr-defined]
    assert states(crank) == [("waiting", "")]
    look(crank, NOW)
    with pytest.raises(Refused, match="missed"), crank.uow() as uow:
        call_off(uow, one, "dana", "why")


def test_a_fact_that_this_release_does_not_know_is_left_to_one_that_does_and_one_that_does_not_load_is_a_case(
    crank: Crank,
) -> None:
    for thing in ("newer", "broken", "good"):
        wait_for(crank, thing, NOW)
    with crank.uow() as uow:
        uow.sql("UPDATE hub.deadline SET fact_type = 'trial.parcel_missed.v9' WHERE key = 'trial:newer'")
        uow.sql("UPDATE hub.deadline SET payload = '{}' WHERE key = 'trial:broken'")
    assert look(crank, NOW) == 2
    assert told(crank) == [("good", 1)]
    assert [state for state, _ in states(crank)] == ["missed", "missed", "waiting"]
    assert crank.rows("SELECT code FROM hub.exception_case") == [("hub.deadline_unreadable",)]


def test_an_expectation_whose_facts_are_of_different_keys_is_refused_where_it_is_declared() -> None:
    @event("trial.lorry_left", version=1, key="lorry")
    class LorryLeft(Fact):
        lorry: str

    with pytest.raises(TypeError, match="different keys"):
        expectation("trial", "lorry", otherwise=ParcelMissed, unless=(LorryLeft,))
    with pytest.raises(TypeError, match="twice"):
        expectation("trial", "parcel", otherwise=ParcelMissed, unless=(ParcelSent,))
    assert ("trial", "lorry") not in EXPECTATIONS


def test_what_is_told_instead_is_what_was_declared_and_a_time_has_its_zone(crank: Crank) -> None:
    with pytest.raises(TypeError), crank.uow() as uow:
        expect(uow, PARCEL, ThingMade(thing="t"), NOW)
    with pytest.raises(ValueError, match="zone"), crank.uow() as uow:
        expect(uow, PARCEL, ParcelMissed(thing="t"), NAIVE)


ZONES = ["America/New_York", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "UTC"]


@pytest.mark.capability("RT-11", "CM-3")
@given(day=st.dates(date(2005, 1, 1), date(2035, 1, 1)), zone=st.sampled_from(ZONES))
def test_a_day_ends_where_the_next_begins_whatever_the_clocks_do_that_night(day: date, zone: str) -> None:
    end = end_of_day(day, zone)
    assert end.tzinfo is UTC
    assert timedelta(hours=22) < end_of_day(day + timedelta(days=1), zone) - end < timedelta(hours=49)
    assert end > end_of_day(day - timedelta(days=1), zone)
