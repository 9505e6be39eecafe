"""In doubt: a write without an answer, listed with what is known of it, settled by a look or by a person's word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed

import pytest

from app.flows.doubting import it_did_not_happen, it_happened, look_of, sent
from app.flows.runtime import Steps
from app.infra.remote.spec import Dedupe
from app.infra.replay.again import replay
from app.infra.replay.doubts import doubts
from app.kernel.errors import Invalid, Refused
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted, spec, trial_steps

NOBODY_LOOKS = pytest.mark.parametrize("dedupe", [Dedupe.NONE])


@pytest.fixture
def steps(log: Log) -> Steps:
    """The trial's steps; a number says enough of what `trial.post` makes."""
    made = trial_steps(log)
    post = changed(made.by_name["trial.post"], happened=lambda plan, number: f"as {number}")
    made.by_name["trial.post"] = post
    made.by_event[post.event_type] = [post]
    return made


@pytest.fixture
def crank(
    settings: Settings, database: object, redis_client: object, remote: Remote, steps: Steps, dedupe: Dedupe
) -> Iterator[Crank]:
    made = Crank(settings, adapter=lambda _: spec(dedupe), steps=steps)
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield made
    made.close()


def lose_an_answer(crank: Crank, remote: Remote) -> tuple[int, int]:
    """Two things of one lane; the first one's answer is lost. Returns its key."""
    remote.tricks = [("vanish", None)]
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
        uow.publish(ThingCounted(thing="t", what="2"))
    crank.settle()
    event_id, number = crank.rows("SELECT event_id, id FROM hub.delivery ORDER BY id LIMIT 1")[0]
    return int(event_id), int(number)


def only_id(crank: Crank) -> int:
    return int(crank.rows("SELECT id FROM hub.delivery")[0][0])


@pytest.mark.capability("RT-5")
@NOBODY_LOOKS
def test_what_is_in_doubt_is_listed_with_what_was_sent_and_when(crank: Crank, remote: Remote, steps: Steps):
    key = lose_an_answer(crank, remote)
    with crank.uow() as uow:
        (found,) = doubts(uow)
        assert doubts(uow, "elsewhere") == []
        assert look_of(uow, found.step, found.connection, steps) == "nobody can look: a person decides"
    assert ((found.event_id, found.delivery_id), found.state, found.code) == (key, "parked", "hub.in_doubt")
    assert found.waits_for_a_person
    assert found.sent_at is not None
    assert sent(crank.hub, key, steps=steps) == {"key": "t.1", "what": "1", "again": True}
    assert crank.rows("SELECT state FROM hub.delivery ORDER BY id") == [("parked",), ("behind",)]


@pytest.mark.capability("RT-5")
@NOBODY_LOOKS
def test_it_happened_records_the_number_and_lets_the_lane_go_on(crank: Crank, remote: Remote, log: Log, steps: Steps):
    key = lose_an_answer(crank, remote)
    with crank.uow() as uow:
        it_happened(uow, key, "SO-1", "ada", "I saw it there", steps=steps)
    crank.settle()
    assert log.seen == [("posted t", "as SO-1"), ("posted t", "made")]
    assert remote.calls == ["t.1", "t.2"]
    assert crank.rows("SELECT state, in_doubt, code FROM hub.delivery ORDER BY id") == [("done", False, None)] * 2
    assert crank.rows("SELECT state, closed_by FROM hub.exception_case") == [("resolved", "ada")]
    assert crank.rows("SELECT outcome, said FROM hub.attempt WHERE delivery = %(id)s ORDER BY n", id=key[1]) == [
        ("no answer", "ProtocolError"),
        ("confirmed", "it happened: SO-1"),
    ]
    assert crank.rows("SELECT who, did, why, facts ->> 'number' FROM hub.act") == [
        ("ada", "confirmed a call in doubt", "I saw it there", "SO-1")
    ]
    with crank.uow() as uow, pytest.raises(Refused, match="not in doubt"):
        it_happened(uow, key, "SO-1", "bob", steps=steps)


@pytest.mark.capability("RT-5")
@NOBODY_LOOKS
def test_it_did_not_happen_sends_it_once_more(crank: Crank, remote: Remote, log: Log, steps: Steps):
    key = lose_an_answer(crank, remote)
    with crank.uow() as uow, pytest.raises(Invalid, match="where you looked"):
        it_did_not_happen(uow, key, "ada", " ", steps=steps)
    with crank.uow() as uow:
        it_did_not_happen(uow, key, "ada", "looked through today's orders", steps=steps)
    crank.settle()
    assert remote.calls == ["t.1", "t.1", "t.2"]
    assert crank.states("trial.post") == {"done": 2}
    assert crank.rows("SELECT did, why FROM hub.act") == [
        ("sent again a call in doubt", "looked through today's orders")
    ]


@pytest.mark.capability("RT-3", "RT-6")
@NOBODY_LOOKS
def test_a_replay_of_what_nobody_can_look_up_asks_a_person_and_sends_nothing(
    crank: Crank, remote: Remote, dedupe: Dedupe
):
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    crank.settle()
    number = only_id(crank)
    with crank.uow() as uow:
        replay(uow, [number], "ada")
    crank.settle()
    assert remote.calls == ["t.1"]
    assert crank.rows("SELECT state, code FROM hub.delivery") == [("parked", "hub.in_doubt")]
    with crank.uow() as uow:
        (found,) = doubts(uow)
    assert found.sent_at is not None


@pytest.mark.capability("RT-6")
@NOBODY_LOOKS
def test_what_was_refused_and_mended_goes_again_without_a_word(crank: Crank, remote: Remote, dedupe: Dedupe):
    remote.tricks = [("status", (422, {}))]
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
    crank.settle()
    number = only_id(crank)
    with crank.uow() as uow:
        replay(uow, [number], "ada")
    crank.settle()
    assert (remote.calls, crank.states()) == (["t.1", "t.1"], {"done": 1})


@pytest.mark.capability("RT-5")
def test_where_the_other_side_can_be_asked_a_look_settles_it(crank: Crank, remote: Remote, steps: Steps):
    key = lose_an_answer(crank, remote)
    with crank.uow() as uow:
        (found,) = doubts(uow)
        assert (found.state, found.waits_for_a_person, found.looks) == ("due", False, 0)
        with pytest.raises(Refused, match="can be asked"):
            it_did_not_happen(uow, key, "ada", "looked", steps=steps)
    crank.hasten()
    crank.settle()
    with crank.uow() as uow:
        assert doubts(uow) == []
    assert (remote.calls, crank.states()) == (["t.1", "t.2"], {"done": 2})


@pytest.mark.capability("RT-5")
@NOBODY_LOOKS
def test_a_number_that_does_not_say_enough_changes_nothing(crank: Crank, remote: Remote, steps: Steps):
    key = lose_an_answer(crank, remote)
    bare = changed(steps.by_name["trial.post"], happened=None)
    steps.by_name["trial.post"] = bare
    with pytest.raises(Refused, match="more of its document than a number"), crank.uow() as uow:
        it_happened(uow, key, "SO-1", "ada", steps=steps)
    with pytest.raises(Invalid, match="number"), crank.uow() as uow:
        it_happened(uow, key, "", "ada", steps=steps)
    assert crank.rows("SELECT state FROM hub.delivery ORDER BY id") == [("parked",), ("behind",)]
