"""What every ShipmentSink must do, whoever built it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import pytest

from app.domains.orders.ports import FulfilledLine, Fulfilment, FulfilmentReceipt, Package, ShipmentSink
from app.kernel.errors import Ambiguous, HubError, Unauthorised
from tests.contracts.order_source import pause


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One shipment as the channel shows it."""

    external_id: str
    units: dict[str, int]
    numbers: tuple[str, ...]
    cancelled: bool


class SinkBench(Protocol):
    """A channel with switches, holding an order of 3 units of line `first` and 1 of `second`, all unshipped.

    `shown` is what its customer sees, `told` how often the customer was written to.
    """

    order_gid: str
    first: str
    second: str

    @property
    def port(self) -> ShipmentSink: ...

    def shown(self) -> list[Shown]: ...

    def told(self) -> int: ...

    def now(self) -> datetime: ...

    def cancel_line(self, line_id: str) -> None: ...

    def throttle(self) -> None: ...

    def lose_answer(self, *, after_effect: bool) -> None: ...

    def lock_out(self) -> None: ...


def shipment(bench: SinkBench, first: int, second: int = 0, *, tracking: str = "1Z999", **more: Any) -> Fulfilment:
    lines = [
        FulfilledLine(line_id=line, quantity=count) for line, count in ((bench.first, first), (bench.second, second))
    ]
    return Fulfilment(
        shipment_id=f"s-{tracking or 'bare'}",
        order_gid=bench.order_gid,
        lines=tuple(line for line in lines if line.quantity),
        packages=(Package(tracking_number=tracking, carrier="UPS"),) if tracking else (),
        **more,
    )


def standing(bench: SinkBench) -> list[Shown]:
    return [one for one in bench.shown() if not one.cancelled]


@pytest.mark.capability("ORD-6", "RT-3")
class ShipmentSinkContract:
    """The promises of `app.domains.orders.ports.ShipmentSink`."""

    def test_a_shipment_is_shown_with_its_units_and_its_tracking_and_the_customer_is_told(
        self, bench: SinkBench
    ) -> None:
        receipt = bench.port.ship(shipment(bench, 3, 1))
        [shown] = bench.shown()
        assert receipt == FulfilmentReceipt(external_ids=(shown.external_id,), repeated=False)
        assert (shown.units, shown.numbers) == ({bench.first: 3, bench.second: 1}, ("1Z999",))
        assert bench.told() == 1

    def test_lines_that_did_not_ship_stay_open(self, bench: SinkBench) -> None:
        bench.port.ship(shipment(bench, 3))
        assert [shown.units for shown in bench.shown()] == [{bench.first: 3}]

    def test_partial_shipments_are_shown_apart_and_add_up(self, bench: SinkBench) -> None:
        ids = [bench.port.ship(shipment(bench, 1, tracking=number)).external_ids for number in ("1Z1", "1Z2", "1Z3")]
        assert len(set(ids)) == 3
        assert [(shown.units, shown.numbers) for shown in bench.shown()] == [
            ({bench.first: 1}, (number,)) for number in ("1Z1", "1Z2", "1Z3")
        ]

    def test_a_shipment_that_is_bound_is_not_shown_again(self, bench: SinkBench) -> None:
        made = bench.port.ship(shipment(bench, 1))
        again = bench.port.ship(shipment(bench, 1, bound=made.external_ids))
        assert (again.external_ids, again.repeated) == (made.external_ids, True)
        assert len(bench.shown()) == 1

    @pytest.mark.parametrize("tracking", ["1Z999", ""])
    def test_an_unanswered_shipment_is_in_doubt_and_shown_once(self, bench: SinkBench, tracking: str) -> None:
        began = bench.now()
        bench.lose_answer(after_effect=True)
        with pytest.raises(Ambiguous):
            bench.port.ship(shipment(bench, 2, tracking=tracking))
        receipt = bench.port.ship(shipment(bench, 2, tracking=tracking, again=True, attempted_at=began))
        assert (len(bench.shown()), receipt.repeated, receipt.unfulfilled) == (1, True, ())
        assert receipt.external_ids == (bench.shown()[0].external_id,)

    def test_a_shipment_that_never_arrived_is_shown_the_next_time(self, bench: SinkBench) -> None:
        began = bench.now()
        bench.lose_answer(after_effect=False)
        with pytest.raises(Ambiguous):
            bench.port.ship(shipment(bench, 2))
        receipt = bench.port.ship(shipment(bench, 2, again=True, attempted_at=began))
        assert (receipt.repeated, [shown.units for shown in bench.shown()]) == (False, [{bench.first: 2}])

    def test_another_shipment_of_the_same_units_is_not_taken_for_the_one_in_doubt(self, bench: SinkBench) -> None:
        other = bench.port.ship(shipment(bench, 1, tracking="1Z1"))
        receipt = bench.port.ship(shipment(bench, 1, tracking="1Z2", again=True, attempted_at=bench.now()))
        assert receipt.external_ids != other.external_ids
        assert [shown.numbers for shown in bench.shown()] == [("1Z1",), ("1Z2",)]

    def test_what_is_no_longer_open_is_named_and_the_rest_is_shown(self, bench: SinkBench) -> None:
        bench.cancel_line(bench.second)
        receipt = bench.port.ship(shipment(bench, 3, 1))
        assert receipt.unfulfilled == (FulfilledLine(line_id=bench.second, quantity=1),)
        assert [shown.units for shown in bench.shown()] == [{bench.first: 3}]

    def test_more_than_was_ordered_is_named(self, bench: SinkBench) -> None:
        receipt = bench.port.ship(shipment(bench, 5))
        assert receipt.unfulfilled == (FulfilledLine(line_id=bench.first, quantity=2),)

    def test_tracking_that_comes_later_is_set_and_the_customer_is_told_once(self, bench: SinkBench) -> None:
        made = bench.port.ship(shipment(bench, 1, tracking=""))
        assert bench.told() == 0
        late = replace(shipment(bench, 1), bound=made.external_ids)
        assert [bench.port.track(late).repeated for _ in range(2)] == [False, True]
        changed = replace(shipment(bench, 1, tracking="1Z777"), bound=made.external_ids)
        assert bench.port.track(changed).repeated is False
        assert [shown.numbers for shown in bench.shown()] == [("1Z777",)]
        assert bench.told() == 1

    def test_an_undone_shipment_frees_its_units(self, bench: SinkBench) -> None:
        made = bench.port.ship(shipment(bench, 3, 1))
        undone = replace(shipment(bench, 3, 1), bound=made.external_ids)
        assert [bench.port.undo(undone).repeated for _ in range(2)] == [False, True]
        assert standing(bench) == []
        receipt = bench.port.ship(shipment(bench, 3, 1, tracking="1Z2"))
        assert receipt.unfulfilled == ()
        assert [shown.numbers for shown in standing(bench)] == [("1Z2",)]

    def test_an_order_that_the_channel_does_not_know_is_said_and_is_no_error(self, bench: SinkBench) -> None:
        unknown = replace(shipment(bench, 1), order_gid="gid://shopify/Order/404404404")
        assert bench.port.ship(unknown).known is False
        assert bench.shown() == []

    def test_being_throttled_says_when_to_come_back(self, bench: SinkBench) -> None:
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.ship(shipment(bench, 1))
        assert pause(refused.value) > 0
        assert bench.shown() == []

    def test_dead_credentials_pause_the_connection(self, bench: SinkBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.ship(shipment(bench, 1))
