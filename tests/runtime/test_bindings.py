"""Their ids and ours: one to one for each connection and kind, whoever ties them, alone, in batches or at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from app.infra.bindings import Tie, bind, bind_many, by_external, find_anywhere, keys_of, known, unbind
from app.kernel.errors import NeedsAttention
from tests.hub import Crank

pytestmark = pytest.mark.capability("CM-4")
PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), max_size=8)


def held(crank: Crank) -> dict[tuple[str, str, str], str]:
    rows = crank.rows("SELECT connection, kind, key, external_id FROM hub.binding")
    return {(connection, kind, key): external for connection, kind, key, external in rows}


def test_the_same_pair_again_is_nothing_and_carries_what_is_newer(crank: Crank) -> None:
    with crank.uow() as uow:
        bind(uow, "erp", "order", "o-1", "X")
        bind(uow, "erp", "order", "o-1", "X", number="SO-1")
        bind_many(uow, [Tie(connection="erp", kind="order", key="o-1", external_id="X", number="SO-2")])
        found = by_external(uow, "erp", "order", "X")
    assert found is not None
    assert (found.key, found.number, len(held(crank))) == ("o-1", "SO-2", 1)


@pytest.mark.parametrize(("key", "external_id"), [("o-1", "Y"), ("o-2", "X")])
@pytest.mark.parametrize("batch", [False, True])
def test_neither_side_is_tied_twice(crank: Crank, key: str, external_id: str, batch: bool) -> None:
    with crank.uow() as uow:
        bind(uow, "erp", "order", "o-1", "X")
    fresh = Tie(connection="erp", kind="order", key="o-9", external_id="Z")
    clash = Tie(connection="erp", kind="order", key=key, external_id=external_id)
    with pytest.raises(NeedsAttention) as refused, crank.uow() as uow:
        bind_many(uow, [fresh, clash] if batch else [clash])
    assert (refused.value.code, refused.value.about) == ("bindings.tied_elsewhere", f"order {external_id}")
    assert held(crank) == {("erp", "order", "o-1"): "X"}, "nothing of a batch that clashes is kept"


def test_connections_and_kinds_are_worlds_of_their_own(crank: Crank) -> None:
    ties = [
        Tie(connection=connection, kind=kind, key="1", external_id="X")
        for connection in ("erp", "shop")
        for kind in ("order", "customer")
    ]
    with crank.uow() as uow:
        bind_many(uow, ties)
        assert known(uow, "erp", {"order": ["1", "2"]}, whole=["customer"]) == {
            "order": {"1": "X"}, "customer": {"1": "X"},
        }  # fmt: skip
        assert keys_of(uow, "order", [("shop", "X"), ("shop", "Y")]) == {("shop", "X"): "1"}
        assert len(find_anywhere(uow, "X")) == 4


def test_what_was_untied_may_be_made_again(crank: Crank) -> None:
    with crank.uow() as uow:
        bind(uow, "erp", "order", "o-1", "X")
        unbind(uow, "erp", "order", "o-1")
        bind(uow, "erp", "order", "o-1", "Y")
        bind(uow, "erp", "order", "o-2", "X")
    assert held(crank) == {("erp", "order", "o-1"): "Y", ("erp", "order", "o-2"): "X"}


def test_of_eight_who_tie_one_id_at_once_one_succeeds(crank: Crank) -> None:
    start = threading.Barrier(8)

    def tie(number: int) -> bool:
        start.wait(10)
        try:
            with crank.uow() as uow:
                bind(uow, "erp", "order", f"o-{number}", "X")
        except NeedsAttention:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(tie, range(8))) == [False] * 7 + [True]
    assert len(held(crank)) == 1


@trials(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=PAIRS)
def test_however_they_come_the_first_tie_of_either_side_stands(crank: Crank, pairs: list[tuple[str, str]]) -> None:
    with crank.uow() as uow:
        uow.sql("DELETE FROM hub.binding")
    expected: dict[str, str] = {}
    for key, external_id in pairs:
        fits = expected.get(key) == external_id or (key not in expected and external_id not in expected.values())
        try:
            with crank.uow() as uow:
                bind(uow, "erp", "order", key, external_id)
        except NeedsAttention:
            assert not fits
        else:
            assert fits
            expected[key] = external_id
    assert {key: external for (_, _, key), external in held(crank).items()} == expected
