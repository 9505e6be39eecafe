"""Asking while somebody waits: every question gives its place back, however it ended."""

from __future__ import annotations

import dataclasses

import pytest

from app.infra.asking import AT_ONCE, ask_within
from app.infra.connections import Connection
from app.infra.ids import new_id
from app.infra.remote.gate import Admission, Gate
from app.kernel.errors import Waits
from tests.hub import Crank
from tests.runtime.conftest import Remote

BUDGET = 10.0  # seconds; what is asked on loopback answers within milliseconds


class Broken(Gate):
    """A gate that fails before it says anything, as a bug in it would."""

    def admit(self, purpose: str, count: int) -> Admission:
        raise KeyError(purpose)


def fresh(crank: Crank) -> Connection:
    """The trial under a name that nobody else has asked: what another test left unanswered takes none of its places."""
    with crank.uow() as uow:
        return dataclasses.replace(crank.hub.connections.get(uow.session, "erp"), name=new_id())


def asked(connection: Connection) -> int:
    return connection.remote.send("GET", "/things/t", writes=False, accept=(404,)).status


@pytest.mark.capability("RT-5")
def test_an_admission_that_fails_gives_its_place_back(crank: Crank, remote: Remote) -> None:
    connection = fresh(crank)
    assert connection.gate is not None
    gate = connection.gate
    broken = dataclasses.replace(
        connection, gate=Broken(name=gate.name, breakers=gate.breakers, ledger=gate.ledger), _remote=None
    )
    for _ in range(AT_ONCE):
        with pytest.raises(KeyError):
            ask_within(broken, asked, BUDGET)
    assert ask_within(connection, asked, BUDGET) == 404
    assert remote.looked == ["t"]


@pytest.mark.capability("RT-5")
def test_a_question_that_fails_or_takes_too_long_gives_its_place_back(crank: Crank, remote: Remote) -> None:
    connection = fresh(crank)

    def fails(_: Connection) -> int:
        raise ValueError("the question is wrong")

    def slow(there: Connection) -> int:
        there.remote.send("POST", "/things", writes=True, body={"key": "slow", "what": "1"})
        return 201

    for _ in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="the question is wrong"):
            ask_within(connection, fails, BUDGET)
    remote.seconds = 0.2
    for _ in range(AT_ONCE):
        with pytest.raises(Waits) as spent:
            ask_within(connection, slow, 0.001)
        assert spent.value.code == "connections.budget_spent"
    with pytest.raises(Waits) as busy:
        ask_within(connection, slow, BUDGET)
    assert busy.value.code == "connections.busy"
