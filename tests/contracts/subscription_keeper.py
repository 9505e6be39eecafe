"""What every SubscriptionKeeper must do, whoever built it."""

from __future__ import annotations

from typing import Protocol

import pytest

from app.infra.remote.spec import SubscriptionKeeper
from app.kernel.errors import Unauthorised


class KeeperBench(Protocol):
    """A remote that keeps subscriptions. `drop` and `move` are what happens behind the hub's back."""

    address: str
    topics: tuple[str, ...]

    @property
    def port(self) -> SubscriptionKeeper: ...

    def held(self) -> dict[str, str]:
        """Topic → the address that is told, of the subscriptions that are the hub's."""
        ...

    def drop(self, topic: str) -> None: ...

    def move(self, topic: str) -> None:
        """The subscription leads to the hub's path at another host."""
        ...

    def lock_out(self) -> None: ...


@pytest.mark.capability("RT-16")
class SubscriptionKeeperContract:
    """The promises of `app.infra.remote.spec.SubscriptionKeeper`."""

    def test_a_look_names_what_is_missing_and_changes_nothing(self, bench: KeeperBench) -> None:
        found = bench.port.look(bench.address)
        assert {one.topic: (one.state, one.did) for one in found} == dict.fromkeys(bench.topics, ("missing", ""))
        assert bench.held() == {}

    def test_everything_is_created_once_and_then_well(self, bench: KeeperBench) -> None:
        first = bench.port.ensure(bench.address)
        assert {one.topic: one.did for one in first} == dict.fromkeys(bench.topics, "created")
        held = bench.held()
        assert sorted(held) == sorted(bench.topics)
        again = bench.port.ensure(bench.address)
        assert {(one.state, one.did) for one in again} == {("well", "")}
        assert bench.held() == held

    def test_one_that_was_dropped_is_found_and_created_again(self, bench: KeeperBench) -> None:
        bench.port.ensure(bench.address)
        bench.drop(bench.topics[0])
        found = {one.topic: (one.state, one.did) for one in bench.port.ensure(bench.address)}
        assert found.pop(bench.topics[0]) == ("missing", "created")
        assert set(found.values()) == {("well", "")}
        assert sorted(bench.held()) == sorted(bench.topics)

    def test_one_that_leads_elsewhere_is_corrected_in_its_place(self, bench: KeeperBench) -> None:
        bench.port.ensure(bench.address)
        before = bench.held()
        bench.move(bench.topics[0])
        looked = {one.topic: one for one in bench.port.look(bench.address)}[bench.topics[0]]
        assert (looked.state, looked.did) == ("changed", "")
        assert "address" in looked.said
        mended = {one.topic: one.did for one in bench.port.ensure(bench.address)}
        assert mended[bench.topics[0]] == "corrected"
        assert bench.held() == before

    def test_dead_credentials_pause_the_connection(self, bench: KeeperBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.look(bench.address)
