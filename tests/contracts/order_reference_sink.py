"""What every OrderReferenceSink must do, whoever built it."""

from __future__ import annotations

from typing import Protocol

import pytest

from app.domains.orders.ports import OrderReference, OrderReferenceSink
from app.kernel.errors import Ambiguous, HubError, Unauthorised
from tests.contracts.order_source import pause


class ReferenceBench(Protocol):
    """A channel with switches and one order. `shown` is each number on it, `merchants` what its merchant wrote."""

    order_gid: str

    @property
    def port(self) -> OrderReferenceSink: ...

    def shown(self) -> list[str]: ...

    def merchants(self) -> object: ...

    def throttle(self) -> None: ...

    def lose_answer(self, *, after_effect: bool) -> None: ...

    def lock_out(self) -> None: ...


def a_reference(gid: str, number: str = "SO-101007") -> OrderReference:
    return OrderReference(order_gid=gid, number=number, connection="erp")


@pytest.mark.capability("ORD-5")
class OrderReferenceSinkContract:
    """The promises of `app.domains.orders.ports.OrderReferenceSink`."""

    def test_the_number_is_shown_at_the_channel(self, bench: ReferenceBench) -> None:
        assert bench.port.tell(a_reference(bench.order_gid)) is True
        assert bench.shown() == ["SO-101007"]

    def test_the_same_number_twice_changes_nothing(self, bench: ReferenceBench) -> None:
        assert [bench.port.tell(a_reference(bench.order_gid)) for _ in range(2)] == [True, True]
        assert bench.shown() == ["SO-101007"]

    def test_a_newer_number_takes_the_place_of_the_older(self, bench: ReferenceBench) -> None:
        bench.port.tell(a_reference(bench.order_gid))
        bench.port.tell(a_reference(bench.order_gid, "SO-101008"))
        assert "SO-101008" in bench.shown()

    def test_what_the_merchant_wrote_stays(self, bench: ReferenceBench) -> None:
        before = bench.merchants()
        bench.port.tell(a_reference(bench.order_gid))
        assert bench.merchants() == before

    def test_an_order_that_the_channel_does_not_know_is_said_and_is_no_error(self, bench: ReferenceBench) -> None:
        assert bench.port.tell(a_reference("gid://shopify/Order/404404404")) is False
        assert bench.shown() == []

    @pytest.mark.parametrize("after_effect", [True, False])
    def test_an_unanswered_write_is_in_doubt_and_may_be_repeated(
        self, bench: ReferenceBench, after_effect: bool
    ) -> None:
        bench.lose_answer(after_effect=after_effect)
        with pytest.raises(Ambiguous):
            bench.port.tell(a_reference(bench.order_gid))
        assert bench.port.tell(a_reference(bench.order_gid)) is True
        assert bench.shown() == ["SO-101007"]

    def test_being_throttled_says_when_to_come_back(self, bench: ReferenceBench) -> None:
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.tell(a_reference(bench.order_gid))
        assert pause(refused.value) > 0
        assert bench.shown() == []

    def test_dead_credentials_pause_the_connection(self, bench: ReferenceBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.tell(a_reference(bench.order_gid))
