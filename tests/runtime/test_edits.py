"""Payload edits: one set-aside delivery runs with other words, checked against its event; the fact stays as told."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.replay.edits import check_edit, checked, differences, edit_payload, edits_of
from app.kernel.errors import Invalid, NotFound, Refused
from app.kernel.events import load_as
from tests.hub import Crank
from tests.runtime.conftest import Remote, ThingCounted
from tests.runtime.test_versions import FIRST, PriceTold

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def key(crank: Crank, remote: Remote) -> tuple[int, int]:
    """A delivery that the remote refused."""
    remote.tricks = [("status", (422, {}))]
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="wrong"))
    crank.settle()
    event_id, number = crank.rows("SELECT event_id, id FROM hub.delivery")[0]
    return int(event_id), int(number)


@pytest.mark.capability("RT-6")
def test_an_edited_delivery_runs_with_its_edit_and_the_fact_stays_as_told(
    crank: Crank, remote: Remote, key: tuple[int, int]
):
    after = {"thing": "t", "what": "right"}
    with crank.uow() as uow:
        shown = check_edit(uow, key, after)
    assert [(one.path, one.before, one.after) for one in shown.changes] == [("what", "wrong", "right")]
    with crank.uow() as uow:
        edit_payload(uow, key, after, "ada", "the shop's typo")
    crank.settle()
    assert (remote.held, crank.states()) == ({"t.right": "right"}, {"done": 1})
    assert crank.rows("SELECT payload ->> 'what' FROM hub.event") == [("wrong",)]
    with crank.uow() as uow:
        (kept,) = edits_of(uow, key)
    assert (kept.who, kept.why, kept.before["what"], kept.after["what"]) == ("ada", "the shop's typo", "wrong", "right")
    assert crank.rows("SELECT who, did, facts ->> 'type' FROM hub.act") == [
        ("ada", "edited a payload", "trial.thing_counted.v1")
    ]


@pytest.mark.capability("RT-6")
def test_an_edit_may_be_taken_back_before_it_runs(crank: Crank, key: tuple[int, int]):
    with crank.uow() as uow:
        edit_payload(uow, key, {"thing": "t", "what": "right"}, "ada", "typo", replays=False)
    assert crank.rows("SELECT state, edited ->> 'what' FROM hub.delivery") == [("rejected", "right")]
    with crank.uow() as uow:
        edit_payload(uow, key, {"thing": "t", "what": "wrong"}, "bob", "it was right", replays=False)
    assert crank.rows("SELECT state, edited FROM hub.delivery") == [("rejected", None)]
    with crank.uow() as uow:
        assert len(edits_of(uow, key)) == 2


@pytest.mark.capability("RT-6")
@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"thing": "t", "what": 3}, "int where str is expected"),
        ({"what": "right"}, "thing is missing"),
        ({"thing": "t", "what": "right", "wat": "x"}, "wat: trial.thing_counted.v1 has no such field"),
        ({"thing": "other", "what": "right"}, "orders the work"),
        ({"thing": "t", "what": "wrong"}, "change something"),
        ([], "JSON object"),
    ],
)
def test_an_edit_that_does_not_fit_says_field_and_rule_and_changes_nothing(
    crank: Crank, key: tuple[int, int], payload: Any, said: str
):
    with pytest.raises(Invalid, match=said), crank.uow() as uow:
        edit_payload(uow, key, payload, "ada", "a test")
    assert crank.rows("SELECT state, edited FROM hub.delivery") == [("rejected", None)]
    assert crank.rows("SELECT FROM hub.payload_edit") == []


@pytest.mark.capability("RT-6")
def test_only_what_is_set_aside_is_edited_and_only_with_a_reason(crank: Crank, key: tuple[int, int]):
    with pytest.raises(Invalid, match="say why"), crank.uow() as uow:
        edit_payload(uow, key, {"thing": "t", "what": "right"}, "ada", " ")
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="z", what="1"))
    crank.settle()
    done = crank.rows("SELECT event_id, id FROM hub.delivery WHERE state = 'done'")[0]
    with pytest.raises(Refused, match="is done"), crank.uow() as uow:
        check_edit(uow, done, {"thing": "z", "what": "2"})  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="no delivery"), crank.uow() as uow:
        check_edit(uow, (999, 999), {})


@pytest.mark.capability("RT-6", "RT-11")
def test_what_an_earlier_release_told_is_edited_in_its_words_and_must_be_readable_as_todays():
    told, key = "trial.price_told.v1", "trial:TENT"
    edited = checked(told, key, {**FIRST, "price": "24.00"}, FIRST)
    assert edited == {"sku": "TENT", "price": "24.00"}
    assert load_as(PriceTold, told, edited).amount == {"amount": "24.00", "currency": "USD"}
    for wrong, said in (({"sku": "TENT"}, "price"), ({**FIRST, "sku": "MUG"}, "orders the work")):
        with pytest.raises(Invalid, match=said):
            checked(told, key, wrong, FIRST)


@hypothesis.settings(max_examples=40)
@given(JSON, JSON)
def test_differences_are_none_exactly_where_two_values_are_equal(before: Any, after: Any):
    assert list(differences(before, before)) == []
    found = list(differences(before, after))
    assert bool(found) == (repr(before) != repr(after) and before != after)
