"""A deploy never breaks what is under way: old versions are read, strangers left or parked, nothing lost or looped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from app.flows.runtime import Steps, Told, retired, step
from app.infra.deadlines import expect, expectation, tell_missed
from app.infra.decisions import Choice, ask, choose
from app.infra.outbox import Place
from app.infra.remote.spec import Dedupe
from app.infra.replay.again import resolve_case
from app.infra.uow import UnitOfWork
from app.jobs.strangers import newer_beats
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid
from app.kernel.events import UPCASTS, Fact, event, load_as, newest, reads, upcast
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Log, Remote, Sink, ThingCounted, ThingMade, spec, trial_steps

AN_HOUR_AGO = "UPDATE hub.event SET at = now() - interval '1 h'"


@event("trial.price_told", version=1, key="sku")
class PriceToldFirst(Fact):
    sku: str
    price: str
    currency: str = "USD"


@event("trial.price_told", version=2, key="sku")
class PriceToldSecond(Fact):
    sku: str
    amount: dict[str, str]


@event("trial.price_told", version=3, key="sku")
class PriceTold(Fact):
    sku: str
    amount: dict[str, str]
    lists: tuple[str, ...]


@upcast("trial.price_told.v1", to=PriceToldSecond)
def _amount(old: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"sku": old["sku"], "amount": {"amount": old["price"], "currency": old.get("currency", "USD")}}


@upcast("trial.price_told.v2", to=PriceTold)
def _lists(old: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**old, "lists": ["base"]}


FIRST = {"sku": "TENT", "price": "25.00"}
READ = PriceTold(sku="TENT", amount={"amount": "25.00", "currency": "USD"}, lists=("base",))


@pytest.mark.capability("RT-11")
def test_an_old_version_is_read_as_the_newest_through_every_version_between() -> None:
    assert load_as(PriceTold, "trial.price_told.v1", FIRST) == READ
    assert load_as(PriceTold, "trial.price_told.v3", {"sku": "T", "amount": {}, "lists": [], "later": 1}).sku == "T"
    assert newest("trial.price_told.v1") is PriceTold
    assert newest("trial.never_told.v1") is None
    assert reads(PriceTold, "trial.price_told.v2")
    assert not reads(PriceToldSecond, "trial.price_told.v3")
    with pytest.raises(Invalid, match=r"v3 cannot be read as trial.price_told.v2"):
        load_as(PriceToldSecond, "trial.price_told.v3", {})


def test_only_the_next_version_may_follow_and_only_once() -> None:
    with pytest.raises(TypeError, match="not the version after"):
        upcast("trial.price_told.v1", to=PriceTold)
    with pytest.raises(TypeError, match="twice"):
        upcast("trial.price_told.v1", to=PriceToldSecond)
    assert len([name for name in UPCASTS if name.startswith("trial.price_told")]) == 2


def made(settings: Settings, steps: Steps) -> Crank:
    return Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=steps)


def price_steps(fact: type[Fact], heard: list[Any], posted: list[Any]) -> Steps:
    """One step inside and one outside, of a release that hears this version."""
    steps = trial_steps(Log())

    def note(uow: UnitOfWork, told: Told[Any]) -> None:
        uow.after_commit(lambda: heard.append(told.fact))

    step("trial.note_price", on=fact, queue="orders", do=note, steps=steps)
    step(
        "trial.post_price", on=fact, queue="orders", at="erp", port=Sink, steps=steps,
        plan=lambda uow, told: told.fact,
        call=lambda connection, fact: connection.port(Sink).put(fact.sku, "price", again=False),
        record=lambda uow, told, fact, answer: uow.after_commit(lambda: posted.append(fact)),
    )  # fmt: skip
    return steps


@pytest.fixture
def crank(settings: Settings, database: Engine, redis_client: redis.Redis, remote: Remote) -> Iterator[Crank]:
    """The release before: it knows the trial steps alone."""
    before = made(settings, trial_steps(Log()))
    before.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield before
    before.close()


@pytest.mark.capability("RT-11")
def test_deliveries_that_the_release_before_queued_run_on_a_release_that_hears_a_newer_version(
    crank: Crank, settings: Settings
) -> None:
    before = made(settings, price_steps(PriceToldFirst, [], []))
    with before.uow() as uow:
        uow.publish(PriceToldFirst(sku="TENT", price="25.00"))
    before.close()
    heard: list[Any] = []
    posted: list[Any] = []
    now = made(settings, price_steps(PriceTold, heard, posted))
    now.settle()
    now.close()
    assert (heard, posted) == ([READ], [READ])
    assert crank.states() == {"done": 2}


@pytest.mark.capability("RT-11")
def test_in_a_rolling_deploy_the_old_worker_leaves_what_it_does_not_know_to_the_new_one(
    crank: Crank, settings: Settings
) -> None:
    """New steps, and a newer version of a fact for a step that both know: told by a new process, met by the old."""
    heard: list[Any] = []
    posted: list[Any] = []
    new = made(settings, price_steps(PriceTold, heard, posted))
    half = made(settings, price_steps(PriceToldFirst, [], []))
    with new.uow() as uow:
        uow.publish(READ)
        uow.publish(ThingMade(thing="t", what="known to both"))
    for old in (crank, half):
        old.settle()
    rows = crank.rows("SELECT state, attempt, deaths, in_doubt FROM hub.delivery WHERE subscriber LIKE '%%price' ")
    assert rows == [("due", 0, 0, False)] * 2
    assert crank.states("trial.count") == {"done": 1}
    crank.hasten()
    new.settle()
    half.close()
    new.close()
    assert (heard, posted, crank.rows("SELECT count(*) FROM hub.exception_case")) == ([READ], [READ], [(0,)])


@pytest.mark.capability("RT-11")
def test_however_much_of_a_newer_release_waits_what_is_known_goes_on_behind_it(
    crank: Crank, settings: Settings
) -> None:
    new = made(settings, price_steps(PriceTold, [], []))
    with new.uow() as uow:
        for _ in range(250):  # more than two batches, of one partition
            uow.publish(PriceTold(sku="TENT", amount={}, lists=()))
    new.close()
    with crank.uow() as uow:
        uow.publish(ThingMade(thing="t", what="known"))
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET lane = NULL, partition = 0")
    crank.drain.run(Place("orders", "", 0))
    assert crank.states("trial.count") == {"done": 1}
    assert crank.states("trial.note_price") == {"due": 250}


@pytest.mark.capability("RT-11")
def test_a_step_that_is_gone_leaves_a_case_and_its_work_runs_once_it_is_back(crank: Crank, settings: Settings) -> None:
    heard: list[Any] = []
    posted: list[Any] = []
    before = made(settings, price_steps(PriceTold, heard, posted))
    with before.uow() as uow:
        uow.publish(READ)
        uow.publish(PriceTold(sku="LAMP", amount={}, lists=()))
        uow.publish(ThingMade(thing="t", what="nothing"))
    before.close()
    crank.settle()
    assert crank.states("trial.note_price") == {"due": 2}  # a deploy may still be under way
    with crank.uow() as uow:
        uow.sql(AN_HOUR_AGO)
    crank.hasten()
    crank.settle()
    crank.settle()
    assert crank.states() == {"parked": 4, "done": 2}
    cases = "SELECT code, connection, about, count FROM hub.exception_case ORDER BY about"
    assert crank.rows(cases) == [
        ("hub.unknown_step", "", "step trial.note_price", 2),
        ("hub.unknown_step", "erp", "step trial.post_price", 2),
    ]
    assert crank.rows("SELECT DISTINCT attempt, deaths FROM hub.delivery WHERE state = 'parked'") == [(0, 0)]
    back = made(settings, price_steps(PriceTold, heard, posted))
    for (case,) in crank.rows("SELECT id::text FROM hub.exception_case"):
        with back.uow() as uow:
            resolve_case(uow, case, "dana", "the release was rolled back")
    back.settle()
    back.close()
    assert (len(heard), len(posted), crank.states()) == (2, 2, {"done": 6})


@pytest.mark.capability("RT-11")
def test_while_a_newer_worker_beats_nothing_of_it_is_parked_however_old(crank: Crank, settings: Settings) -> None:
    before = made(settings, price_steps(PriceTold, [], []))
    with before.uow() as uow:
        uow.publish(READ)
        uow.sql("INSERT INTO hub.worker (id, kind, version, host, beat_at) VALUES (-1, 'worker', '99.0.1', 'n', now())")
        assert newer_beats(uow)
        assert not newer_beats(uow, "99.0.2")
    before.close()
    with crank.uow() as uow:
        uow.sql(AN_HOUR_AGO)
    crank.settle()
    assert crank.states() == {"due": 2}
    with crank.uow() as uow:
        uow.sql("UPDATE hub.worker SET beat_at = now() - interval '1 min' WHERE id = -1")
    crank.hasten()
    crank.settle()
    assert crank.states() == {"parked": 2}


def test_what_was_queued_for_a_step_that_is_retired_on_purpose_ends_and_lets_its_lane_go_on(
    crank: Crank, settings: Settings
) -> None:
    before = made(settings, price_steps(PriceTold, [], []))
    with before.uow() as uow:
        uow.publish(READ)
        uow.publish(READ)
    before.close()
    for name in ("trial.note_price", "trial.post_price"):
        retired(name, "prices go another way", steps=crank.steps)
    for _ in range(3):
        crank.settle()
    ended = crank.rows("SELECT DISTINCT state, code FROM hub.delivery")
    assert ended == [("superseded", "hub.retired_step")]
    with pytest.raises(TypeError, match="retired and declared"):
        retired("trial.count", "no", steps=crank.steps)


@event("trial.price_missed", version=1, key="sku")
class PriceMissedFirst(Fact):
    sku: str


@event("trial.price_missed", version=2, key="sku")
class PriceMissed(Fact):
    sku: str
    decided_by: str


@upcast("trial.price_missed.v1", to=PriceMissed)
def _decided(old: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**old, "decided_by": ""}


PRICE = expectation("trial", "price", otherwise=PriceMissedFirst, unless=())


@pytest.mark.capability("RT-11")
def test_deadlines_and_decisions_of_the_release_before_tell_the_newest_version(crank: Crank) -> None:
    with crank.uow() as uow:
        expect(uow, PRICE, PriceMissedFirst(sku="TENT"), SYSTEM_CLOCK.now())
        choice = Choice(name="wait", title="Wait", small="", fact=PriceMissedFirst(sku="LAMP"))
        case = ask(uow, code="trial.price_missed", title="?", about="LAMP", key="trial:LAMP", choices=[choice])
    with crank.uow() as uow:
        assert tell_missed(uow) == 1
        choose(uow, case, "wait", "dana")
    told = crank.rows("SELECT type, payload->>'sku' FROM hub.event ORDER BY id")
    assert told == [("trial.price_missed.v2", "TENT"), ("trial.price_missed.v2", "LAMP")]


def test_unknown_fields_of_a_newer_release_are_ignored(crank: Crank) -> None:
    with crank.uow() as uow:
        uow.publish(ThingMade(thing="t", what="1"))
        uow.publish(LevelChanged(thing="t", what="1"))
        uow.publish(ThingCounted(thing="u", what="1"))
    with crank.uow() as uow:
        uow.sql("""UPDATE hub.event SET payload = payload || '{"more": {"of": ["it"]}}'""")
    crank.settle()
    assert set(crank.states()) == {"done"}
