from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import urllib3

from app.domains.orders.schemas import CALLBACKS
from app.sandbox.assembly import create_sandbox
from app.sandbox.business_central.service import BusinessCentral
from app.sandbox.callbacks import HubCallbacks
from app.sandbox.faults import Faults
from app.sandbox.frame import Sandbox
from app.sandbox.seed import demo_catalogue
from app.sandbox.serving import Listening, Served
from app.sandbox.settings import Settings
from app.sandbox.traffic import Traffic
from app.sandbox.warehouse import Habits, Warehouse
from app.sandbox.web import Answer, Request, Wsgi
from tests.sandbox.erp_client import Erp

pytestmark = pytest.mark.capability("TRY-1")

AT_ONCE = Habits(accept=(0, 0), pack=(0, 0), rest=(0, 0), left_alone=0, in_parts=0, invoiced=1)


class Hub:
    """A hub that notes what it is called with and answers what a test tells it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, str, str]] = []
        self.statuses: list[int] = []
        self._came = threading.Condition()

    def answer(self, request: Request) -> Answer:
        with self._came:
            self.calls.append(
                (request.path, request.json(), str(request.header("Authorization")),
                 str(request.header("Idempotency-Key")))
            )  # fmt: skip
            self._came.notify_all()
            return Answer(status=self.statuses.pop(0) if self.statuses else 202)

    def wait_for(self, path: str, count: int) -> list[Any]:
        """Wait until a path was called so often, at most five seconds; return the bodies."""
        with self._came:
            assert self._came.wait_for(lambda: len(self._bodies(path)) >= count, timeout=5), self.calls
            return self._bodies(path)

    def _bodies(self, path: str) -> list[Any]:
        return [body for called, body, _, _ in self.calls if called == path]


class Taker:
    """A shop that notes what is ordered."""

    def __init__(self) -> None:
        self.wishes: list[Mapping[str, Any]] = []

    def place_order(self, random: Random, wishes: Mapping[str, Any]) -> Mapping[str, Any]:
        self.wishes.append(wishes)
        return {}


@pytest.fixture
def hub() -> Iterator[tuple[Hub, str]]:
    hub = Hub()
    with Listening(Wsgi({"erp": hub.answer})) as listening:
        yield hub, listening.url


@pytest.fixture
def staffed(http: urllib3.PoolManager, hub: tuple[Hub, str]) -> Iterator[tuple[Erp, Warehouse]]:
    """Business Central with a warehouse that works at once and ships and invoices every order whole."""
    sandbox, warehouse = _staffed(Settings(), hub[1])
    with Served(sandbox) as served:
        yield Erp(served, http), warehouse


def _staffed(settings: Settings, hub_url: str) -> tuple[Sandbox, Warehouse]:
    sandbox = create_sandbox(settings)
    business_central = sandbox.vendors["business_central"]
    assert isinstance(business_central, BusinessCentral)
    callbacks = HubCallbacks(hub_url, "secret", sandbox.books)
    warehouse = Warehouse(business_central.people, callbacks, Random(5), habits=AT_ONCE)
    business_central.listeners.append(warehouse.listen)
    sandbox.personas.append(warehouse)
    return sandbox, warehouse


class TestWarehouse:
    def test_an_order_is_accepted_shipped_with_tracking_and_invoiced(
        self, staffed: tuple[Erp, Warehouse], hub: tuple[Hub, str]
    ) -> None:
        erp, _ = staffed
        lines = [erp.item_line(2, 10, sequence=1000), erp.account_line("4100", 5, sequence=800001)]
        erp.add("salesOrders", {"customerNumber": "WEB", "externalDocumentNumber": "W-1", "salesOrderLines": lines})
        [accepted] = hub[0].wait_for("erp/erp/orders", 1)
        [shipped] = hub[0].wait_for("erp/erp/shipments", 1)
        assert (accepted["order_number"], accepted["external_number"]) == ("SO-1001", "W-1")
        assert (shipped["shipment_number"], shipped["order_number"], shipped["location"]) == (
            "S-1001",
            "SO-1001",
            "EAST",
        )
        assert shipped["lines"] == [{"sequence": 1000, "sku": "MO-TEE-M", "quantity": "2"}]
        [package] = shipped["packages"]
        assert package["tracking_number"].startswith("1Z")
        assert {call[2] for call in hub[0].calls} == {"Bearer secret"}
        assert [call[3] for call in hub[0].calls][:2] == ["order-SO-1001", "shipment-S-1001"]
        [invoiced] = hub[0].wait_for("erp/erp/invoices", 1)
        assert (invoiced["invoice_number"], invoiced["order_number"]) == ("PSI-1001", "SO-1001")
        assert invoiced["total"] == {"amount": "25.00", "currency": "USD"}
        assert invoiced["lines"] == [
            {"sequence": 1000, "quantity": "2", "amount": "20.00"},
            {"sequence": 800001, "quantity": "1", "amount": "5.00"},
        ]
        for path, body, _, _ in hub[0].calls:
            CALLBACKS[path.removeprefix("erp/")]().load(body)  # the hub's own contract takes it

    def test_an_order_can_go_out_in_two_parts(self, staffed: tuple[Erp, Warehouse], hub: tuple[Hub, str]) -> None:
        erp, warehouse = staffed
        warehouse.split_next()
        line = erp.item_line(3, 10, sequence=1000)
        erp.add("salesOrders", {"customerNumber": "WEB", "externalDocumentNumber": "W-1", "salesOrderLines": [line]})
        first, second = hub[0].wait_for("erp/erp/shipments", 2)
        assert [first["lines"][0]["quantity"], second["lines"][0]["quantity"]] == ["1", "2"]

    @pytest.mark.parametrize("status", [404, 408, 429, 503])
    def test_a_callback_that_is_not_taken_yet_comes_again_the_same(
        self, staffed: tuple[Erp, Warehouse], hub: tuple[Hub, str], status: int
    ) -> None:
        erp, _ = staffed
        hub[0].statuses = [status]
        line = erp.item_line(1, 10, sequence=1000)
        erp.add("salesOrders", {"customerNumber": "WEB", "externalDocumentNumber": "W-1", "salesOrderLines": [line]})
        first, second = hub[0].wait_for("erp/erp/orders", 2)
        assert first == second

    def test_a_new_process_takes_up_what_an_earlier_one_left_open(
        self, http: urllib3.PoolManager, hub: tuple[Hub, str], tmp_path: Path
    ) -> None:
        with Served(create_sandbox(Settings(store=tmp_path))) as served:
            erp = Erp(served, http)
            line = erp.item_line(2, 10, sequence=1000)
            for number in ("W-1", "W-2"):
                erp.order(line, externalDocumentNumber=number)
            erp.people("release", number="SO-1002")
        with Served(_staffed(Settings(store=tmp_path), hub[1])[0]):
            shipped = hub[0].wait_for("erp/erp/shipments", 2)
        assert {each["order_number"] for each in shipped} == {"SO-1001", "SO-1002"}

    def test_an_order_that_is_gone_before_its_turn_stops_nobody(
        self, staffed: tuple[Erp, Warehouse], hub: tuple[Hub, str]
    ) -> None:
        erp, _ = staffed
        erp.add("salesOrders", {"customerNumber": "WEB", "externalDocumentNumber": "EMPTY"})
        line = erp.item_line(1, 10, sequence=1000)
        erp.add("salesOrders", {"customerNumber": "WEB", "externalDocumentNumber": "W-2", "salesOrderLines": [line]})
        [shipped] = hub[0].wait_for("erp/erp/shipments", 1)
        assert shipped["order_number"] == "SO-1002"


class TestTraffic:
    def _traffic(self, taker: Taker, faults: Faults, split: Callable[[], None], **more: Any) -> Traffic:
        settings = {"rate": 200.0, "hub_url": "", "troubles": True, "every": 2, **more}
        return Traffic(taker, faults, split, Random(1), **settings)

    def test_every_trouble_comes_in_turn(self) -> None:
        taker, faults, splits = Taker(), Faults(), []
        traffic = self._traffic(taker, faults, lambda: splits.append(1))
        for _ in range(6):
            traffic.place()
        skus = [wish["lines"][0]["sku"] for wish in taker.wishes if wish]
        assert (len(taker.wishes), len(splits)) == (6, 1)
        assert skus == ["MO-SHELL-27"]
        assert skus[0] not in {article.sku for article in demo_catalogue()}
        [struck] = faults.struck("business_central", "POST salesOrders")
        assert struck.kind == "drop_after"
        assert faults.struck("business_central", "POST salesOrders") == ()

    def test_without_troubles_nothing_goes_wrong(self) -> None:
        taker, faults = Taker(), Faults()
        traffic = self._traffic(taker, faults, lambda: pytest.fail("nothing is split"), troubles=False)
        for _ in range(12):
            traffic.place()
        assert [wish for wish in taker.wishes if wish] == []

    def test_nobody_orders_before_the_hub_is_up(self) -> None:
        ready, taker = [503], Taker()
        with Listening(Wsgi({"readyz": lambda request: Answer(status=ready[0])})) as hub:
            traffic = self._traffic(taker, Faults(), lambda: None, hub_url=hub.url)
            traffic.start()
            time.sleep(0.1)
            assert taker.wishes == []
            ready[0] = 200
            end = time.monotonic() + 5
            while len(taker.wishes) < 3 and time.monotonic() < end:
                time.sleep(0.01)
            traffic.stop()
        assert len(taker.wishes) >= 3

    def test_the_demo_places_real_orders_in_the_shop(self) -> None:
        with Served(create_sandbox(Settings(demo_rate=100.0))) as served:
            end = time.monotonic() + 5
            while len(served.sandbox.books.documents("orders")) < 5 and time.monotonic() < end:
                time.sleep(0.01)
            assert len(served.sandbox.books.documents("orders")) >= 5
