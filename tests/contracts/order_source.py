"""What every OrderSource must do, whoever built it."""

from __future__ import annotations

from typing import Protocol

import pytest

from app.domains.orders.policy import require_proof
from app.domains.orders.ports import OrderSource
from app.kernel.errors import HubError, Transient, Unauthorised, Waits


class OrderBench(Protocol):
    """A channel with switches. `place` is an order with so many lines; `cancel` is what its merchant does."""

    @property
    def port(self) -> OrderSource: ...

    def place(self, lines: int) -> str: ...

    def cancel(self, external_id: str) -> None: ...

    def throttle(self) -> None: ...

    def lose_answer(self) -> None: ...

    def lock_out(self) -> None: ...


@pytest.mark.capability("ORD-1")
class OrderSourceContract:
    """The promises of `app.domains.orders.ports.OrderSource`."""

    def test_an_order_comes_back_whole_and_adds_up(self, bench: OrderBench) -> None:
        external_id = bench.place(2)
        order = bench.port.fetch(external_id)
        assert order is not None
        assert (order.ref.external_id, len(order.lines)) == (external_id, 2)
        assert require_proof(order).findings == ()

    def test_an_order_that_the_channel_does_not_know_is_none(self, bench: OrderBench) -> None:
        bench.place(1)
        assert bench.port.fetch("404404404") is None

    def test_a_long_order_comes_with_every_line_once(self, bench: OrderBench) -> None:
        order = bench.port.fetch(bench.place(75))
        assert order is not None
        assert len({line.line_id for line in order.lines}) == len(order.lines) == 75
        assert require_proof(order).decides

    def test_what_happened_since_is_in_the_next_answer(self, bench: OrderBench) -> None:
        external_id = bench.place(1)
        before = bench.port.fetch(external_id)
        bench.cancel(external_id)
        after = bench.port.fetch(external_id)
        assert before is not None
        assert after is not None
        assert (before.cancelled_at, after.cancelled_at is not None) == (None, True)
        assert after.source_version >= before.source_version

    def test_being_throttled_says_when_to_come_back(self, bench: OrderBench) -> None:
        external_id = bench.place(1)
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.fetch(external_id)
        assert pause(refused.value) > 0

    def test_a_lost_answer_changed_nothing_and_may_be_asked_again(self, bench: OrderBench) -> None:
        external_id = bench.place(1)
        bench.lose_answer()
        with pytest.raises(Transient):
            bench.port.fetch(external_id)
        assert bench.port.fetch(external_id) is not None

    def test_dead_credentials_pause_the_connection(self, bench: OrderBench) -> None:
        external_id = bench.place(1)
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.fetch(external_id)


def pause(refused: HubError) -> float:
    """The seconds that a throttled call is asked to wait; 0 where nothing was said."""
    if isinstance(refused, Waits):
        return refused.seconds
    return (refused.retry_after or 0.0) if isinstance(refused, Transient) else 0.0
