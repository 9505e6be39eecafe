"""What every ShipmentSource must do, whoever built it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import pytest

from app.domains.orders.canonical import DocumentChanged
from app.domains.orders.ports import ShipmentSource
from app.kernel.errors import Unauthorised, Waits
from app.kernel.money import Money


class ShipmentBench(Protocol):
    """The other side with an order `number`: 3 of sequence 1000, 1 of 2000 and shipping, worth 84.42 USD."""

    port: ShipmentSource
    number: str
    external_id: str

    def ship(self, quantities: dict[int, int], *, invoice: bool = False) -> str: ...

    def undo(self, shipment: str) -> None: ...

    def throttle(self, *, retry_after: int) -> None: ...

    def lock_out(self) -> None: ...


@pytest.mark.capability("ORD-6")
class ShipmentSourceContract:
    """The promises of `app.domains.orders.ports.ShipmentSource`."""

    def test_nothing_shipped_is_no_shipment(self, bench: ShipmentBench) -> None:
        progress = bench.port.progress(bench.number)
        assert (progress.order_number, progress.shipments, progress.invoices) == (bench.number, (), ())

    def test_a_partial_shipment_and_the_rest_are_two_with_their_quantities(self, bench: ShipmentBench) -> None:
        first, second = bench.ship({1000: 2}), bench.ship({1000: 1, 2000: 1})
        shipments = bench.port.progress(bench.number).shipments
        told = {shipment.number: {line.sequence: line.quantity for line in shipment.lines} for shipment in shipments}
        assert told == {first: {1000: Decimal(2)}, second: {1000: Decimal(1), 2000: Decimal(1)}}
        assert all(shipment.shipped_at.tzinfo is not None for shipment in shipments)

    def test_an_undone_shipment_shows_what_it_took_back(self, bench: ShipmentBench) -> None:
        bench.undo(bench.ship({1000: 2}))
        lines = [line for shipment in bench.port.progress(bench.number).shipments for line in shipment.lines]
        assert sum(line.quantity for line in lines) == 0
        assert sorted(line.quantity for line in lines) == [Decimal(-2), Decimal(2)]

    def test_an_invoice_comes_with_its_total_and_outlives_the_order(self, bench: ShipmentBench) -> None:
        bench.ship({1000: 3, 2000: 1, 800001: 1}, invoice=True)
        [invoice] = bench.port.progress(bench.number).invoices
        assert (invoice.total, invoice.order_number) == (Money.parse("84.42", "USD"), bench.number)
        assert {line.sequence: line.quantity for line in invoice.lines} == {
            1000: Decimal(3), 2000: Decimal(1), 800001: Decimal(1)
        }  # fmt: skip

    def test_what_moved_since_an_instant_is_named_once(self, bench: ShipmentBench) -> None:
        bench.ship({1000: 2}, invoice=True)
        now = datetime.now(UTC)
        assert bench.port.changed_since(now - timedelta(minutes=5)) == (bench.number,)
        assert bench.port.changed_since(now + timedelta(minutes=5)) == ()

    def test_a_document_leads_to_its_order_number(self, bench: ShipmentBench) -> None:
        told = DocumentChanged(kind="sales_order", external_id=bench.external_id)
        assert bench.port.number_of(told) == bench.number
        bench.ship({1000: 3, 2000: 1, 800001: 1}, invoice=True)
        assert bench.port.number_of(told) == bench.number
        unknown = DocumentChanged(kind="sales_order", external_id="00000000-0000-0000-0000-00000000abcd")
        assert bench.port.number_of(unknown) == ""

    def test_being_throttled_says_when_to_come_back(self, bench: ShipmentBench) -> None:
        bench.throttle(retry_after=7)
        with pytest.raises(Waits) as caught:
            bench.port.progress(bench.number)
        assert caught.value.seconds == 7

    def test_dead_credentials_pause_the_connection(self, bench: ShipmentBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.progress(bench.number)
