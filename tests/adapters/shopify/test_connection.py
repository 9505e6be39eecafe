"""A shop is connected by what a person enters, and its own deliveries are believed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
import urllib3
from marshmallow import ValidationError

from app.adapters.shopify import SPEC
from app.domains.inventory.ports import AvailabilitySink
from app.domains.orders.canonical import FulfilmentReported, Order
from app.domains.orders.policy import require_proof
from app.domains.orders.ports import OrderReferenceSink, OrderSource, PaymentSink, ShipmentSink
from app.domains.pricing.ports import PriceSink
from app.domains.product.ports import ListingSink
from app.infra.remote.history import History
from app.infra.remote.spec import Arrival, Dedupe, SubscriptionKeeper
from app.kernel.errors import NeedsAttention
from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.adapters.shopify.deliveries import translated
from tests.adapters.shopify.shop import a_shipment

pytestmark = pytest.mark.capability("CM-8", "ORD-1", "SYS-shopify")

ENTERED = {"shop": "demo.myshopify.com", "access_token": "t", "webhook_secret": "s"}


class TestSettings:
    def test_what_is_not_entered_has_a_default_that_works(self) -> None:
        loaded = SPEC.settings().load(ENTERED)
        assert (loaded["api_version"], loaded["notify_customer"], loaded["post_test_orders"]) == (
            "2026-10", "with_tracking", False,
        )  # fmt: skip
        assert SPEC.connect(loaded).base_url == "https://demo.myshopify.com"

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("shop", "demo.example.com"), ("shop", "https://demo.myshopify.com"), ("shop", "a.myshopify.com.evil.com"),
            ("access_token", ""), ("webhook_secret", ""), ("api_version", "2025-10"), ("notify_customer", "sometimes"),
        ],
    )  # fmt: skip
    def test_what_cannot_work_is_refused_by_field(self, field: str, wrong: str) -> None:
        with pytest.raises(ValidationError) as refused:
            SPEC.settings().load(ENTERED | {field: wrong})
        assert list(refused.value.normalized_messages()) == [field]

    def test_secrets_are_marked_and_nothing_else_is(self) -> None:
        secrets = {name for name, one in SPEC.settings().fields.items() if one.metadata.get("secret")}
        assert secrets == {"access_token", "webhook_secret", "webhook_secret_previous"}


class TestSpec:
    def test_every_write_says_how_a_repeat_is_recognised(self) -> None:
        assert {one.port: one.dedupe for one in SPEC.capabilities} == {
            OrderSource: Dedupe.READS, OrderReferenceSink: Dedupe.LOOKUP, ShipmentSink: Dedupe.LOOKUP,
            SubscriptionKeeper: Dedupe.LOOKUP, History: Dedupe.LOOKUP, PriceSink: Dedupe.LOOKUP,
            AvailabilitySink: Dedupe.REMOTE_KEY, ListingSink: Dedupe.LOOKUP,
        }  # fmt: skip
        with pytest.raises(NeedsAttention):
            SPEC.capability(PaymentSink)


@contextmanager
def a_hub() -> Iterator[tuple[str, Queue[Arrival]]]:
    """An address that takes deliveries, and what came."""
    came: Queue[Arrival] = Queue()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            came.put(Arrival(topic=self.path.removeprefix("/webhooks/shop/"), headers=headers, query={}, body=body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", came
        server.shutdown()
        thread.join()


def test_what_a_shop_sends_is_verified_and_adds_up() -> None:
    with a_hub() as (address, came), Served(create_sandbox(Settings(hub_url=address))) as served:
        sandbox = served.sandbox
        entered = ENTERED | {
            "webhook_secret": sandbox.settings.shop_secret, "access_token": sandbox.settings.shop_token,
            "base_url": f"{served.url}/shopify",
        }  # fmt: skip
        settings = {**SPEC.settings().load(entered), "allow_loopback": True, "name": "shop"}
        wishes = {"lines": [{"sku": "MO-SCK-M", "quantity": 2}], "tip": 4}
        urllib3.request("POST", f"{served.url}/_shopify/orders", json=wishes, timeout=5)
        told = _first(came, "orders/create", settings)
        assert isinstance(told, Order)
        assert require_proof(told).findings == ()
        sink = SPEC.port(ShipmentSink, SPEC.connect(settings), settings)
        made = sink.ship(a_shipment({"admin_graphql_api_id": told.gid, "line_items": _lines(told)}))
        echo = _first(came, "fulfillments/create", settings)
        assert isinstance(echo, FulfilmentReported)
        assert ((echo.external_id,), echo.order_external_id) == (made.external_ids, told.ref.external_id)
        assert [one.number for one in echo.tracking] == ["1Z999"]


def _first(came: Queue[Arrival], topic: str, settings: dict[str, Any]) -> object:
    """What the next delivery of a topic says, verified; the others are verified too."""
    while True:
        arrival = came.get(timeout=10)
        assert SPEC.verify is not None
        notice = SPEC.verify(arrival, settings)
        assert (len(notice.external_ids), notice.remark) == (2, "")
        if notice.topic == topic:
            return translated(arrival.body, topic)


def _lines(order: Order) -> list[dict[str, Any]]:
    return [{"id": line.line_id, "quantity": line.qty_ordered} for line in order.lines if line.requires_shipping]
