"""The whole way with the real adapters: Shopify's and Business Central's dialects on loopback, HTTP in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
import urllib3
from flask import Flask
from sqlalchemy import Engine
from werkzeug.serving import make_server

from app import flows, registry
from app.adapters.shopify.webhooks import TOPICS as SHOP_TOPICS
from app.api import register_api
from app.commands.demo import connect_sandbox, read_books, take_stock
from app.flows.backfill_wish import Wish, begin, prepare
from app.infra.connecting import probe_connection
from app.infra.remote.history import By
from app.infra.replay.again import resolve_case
from app.infra.value_maps import set_value
from app.infra.web.problems import register_problems
from app.infra.web.wiring import wire
from app.infra.windows import open_window
from app.kernel.clock import SYSTEM_CLOCK
from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings as SandboxSettings
from app.settings import Settings
from tests.hub import Crank

TOKEN = "rh_0a1b2c3d_a-key-that-only-this-test-knows-0123456789"
WITHIN = 20.0


class FiveMinutesAhead:
    """The hub's clock after a little while."""

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + timedelta(minutes=5)


@dataclass
class Trade:
    """A hub, a shop and an ERP that speak with one another."""

    crank: Crank
    sandbox: str
    hub: str
    http: urllib3.PoolManager

    def control(self, path: str, body: Any = None) -> Any:
        answer = self.http.request("POST", f"{self.sandbox}/{path}", json=body or {})
        assert answer.status == 200, answer.data
        return answer.json()

    def books(self, collection: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.request("GET", f"{self.sandbox}/_books/{collection}").json()
        return found

    def call_back(self, what: str, body: dict[str, Any]) -> int:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return self.http.request("POST", f"{self.hub}/erp/erp/{what}", json=body, headers=headers).status

    def watch(self) -> None:
        """The clock comes round to the watch over subscriptions."""
        with self.crank.uow() as uow:
            assert open_window(uow, "subscription_watch", self.crank.hub.clock.now())

    def heard(self) -> int:
        return int(self.crank.rows("SELECT count(*) FROM hub.notice")[0][0])

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the hub work until something holds."""
        deadline = time.monotonic() + WITHIN
        while not holds():
            self.crank.hasten()
            self.crank.settle()
            assert time.monotonic() < deadline, (self.crank.states(), self.cases())
            time.sleep(0.02)

    def state(self) -> str:
        rows = self.crank.rows("SELECT state FROM orders.sales_order")
        return str(rows[0][0]) if rows else ""

    def cases(self) -> list[tuple[Any, ...]]:
        return self.crank.rows("SELECT code, title, said FROM hub.exception_case")


@contextmanager
def listening(app: Flask, crank: Crank) -> Iterator[str]:
    """The hub's web on loopback, at the address that it gives to others."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    crank.hub.settings = replace(crank.hub.settings, public_url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def trade(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Trade]:
    flows.load()
    crank = Crank(settings, adapter=registry.adapter)
    app = Flask("whole")
    wire(app, crank.hub)
    register_api(app, crank.hub)
    register_problems(app)
    with (
        listening(app, crank) as address,
        urllib3.PoolManager(retries=False, timeout=5) as http,
        Served(create_sandbox(SandboxSettings(hub_url=address))) as sandbox,
    ):
        books = read_books(sandbox.url)
        with crank.uow() as uow:
            environment = {"HUB_SANDBOX_SHOP_SECRET": "sandbox-shop-secret", "HUB_SANDBOX_ERP_TOKEN": TOKEN}
            connect_sandbox(uow, sandbox.url, books, environment=environment)
        crank.hub.connections.forget()
        crank.hub.routes.forget()
        take_stock(crank.hub, books)
        yield Trade(crank=crank, sandbox=sandbox.url, hub=address, http=http)
    crank.close()


@pytest.mark.capability("ORD-5", "RT-6")
def test_orders_that_one_setting_of_the_erp_refuses_wait_for_one_case_and_go_together(trade: Trade) -> None:
    placed = [trade.control("_shopify/orders", {"seed": 7}) for _ in range(3)]
    (item,) = {order["line_items"][0]["sku"] for order in placed}

    def block(is_blocked: bool) -> None:
        trade.control("_business_central/edit", {"set": "items", "number": item, "values": {"blocked": is_blocked}})

    block(True)
    trade.until(lambda: trade.crank.rows("SELECT sum(count)::int FROM hub.exception_case") == [(3,)])
    cases = "SELECT id, code, connection, about, state FROM hub.exception_case"
    ((case_id, *case),) = trade.crank.rows(cases)
    assert case == ["business_central.blocked", "erp", f"Item No.={item}", "new"]
    block(False)
    with trade.crank.uow() as uow:
        assert resolve_case(uow, str(case_id), "dana", "the item is sold again") == 3
    trade.until(lambda: trade.crank.rows("SELECT DISTINCT state FROM orders.sales_order") == [("posted",)])
    assert [row[-1] for row in trade.crank.rows(cases)] == ["resolved"]


def total_of(document: dict[str, Any]) -> Decimal:
    return Decimal(str(document["totalAmountIncludingTax"]))


@pytest.mark.capability("ORD-1", "ORD-5", "ORD-6", "ORD-11", "CM-8", "RT-3")
def test_an_order_travels_from_the_shop_to_the_erp_and_its_shipment_comes_back(trade: Trade) -> None:
    placed = trade.control("_shopify/orders")
    trade.until(lambda: trade.state() == "posted" and bool(trade.books("metafields")))
    (document,) = trade.books("salesOrders")
    assert total_of(document) == Decimal(placed["total_price"])
    assert document["number"] in [field["value"] for field in trade.books("metafields")]
    trade.control("_business_central/release", {"number": document["number"]})
    trade.control("_business_central/ship", {"number": document["number"], "invoice": True})
    with trade.crank.uow() as uow:
        assert open_window(uow, "erp_poll", trade.crank.hub.clock.now())
    trade.until(lambda: trade.state() == "shipped" and bool(trade.books("fulfillments")))
    (fulfilment,) = trade.books("fulfillments")
    shipped = {str(line["id"]): line["quantity"] for line in fulfilment["line_items"]}
    owed = {str(line["id"]): line["quantity"] for line in placed["line_items"] if line["requires_shipping"]}
    assert shipped == owed
    echoes = "SELECT count(*) FROM hub.delivery WHERE code = 'orders.fulfilment_echo' AND state = 'superseded'"
    trade.until(lambda: trade.crank.rows(echoes)[0][0] == 1)
    assert len(trade.crank.rows("SELECT FROM orders.invoice")) == 1
    assert trade.cases() == []


@pytest.mark.capability("RT-3")
def test_an_erp_that_answers_into_the_void_ends_with_one_document(trade: Trade) -> None:
    rule = {"vendor": "business_central", "match": "POST salesOrders", "kind": "drop_after", "times": 1}
    trade.control("_faults", rule)
    with trade.crank.uow() as uow:
        uow.sql("UPDATE hub.connection SET settings = settings || '{\"doubt_seconds\": 0}', version = version + 1")
    trade.crank.hub.connections.forget()
    trade.control("_shopify/orders")
    trade.until(lambda: trade.state() == "posted")
    assert len(trade.books("salesOrders")) == 1


@pytest.mark.capability("ORD-5")
def test_several_words_for_one_item_and_a_word_mapped_anew_are_all_posted(trade: Trade) -> None:
    with trade.crank.uow() as uow:
        set_value(uow, "erp", "item", "TENT-OLD", "MO-TENT-2P", "somebody")
    skus = ("TENT-OLD", "MO-TENT-2P", "mo-tent-2p")
    lines = [{"sku": sku, "title": "Tent", "price": "349.00", "kind": "product"} for sku in skus]
    for _ in range(2):
        trade.control("_shopify/orders", {"lines": lines})
    posted = "SELECT count(*) FROM orders.sales_order WHERE state = 'posted'"
    trade.until(lambda: trade.crank.rows(posted)[0][0] == 2)
    with trade.crank.uow() as uow:
        set_value(uow, "erp", "item", "TENT-OLD", "MO-TENT-3P", "somebody")
    trade.control("_shopify/orders", {"lines": lines[:1]})
    trade.until(lambda: trade.crank.rows(posted)[0][0] == 3)
    items = [line["lineObjectNumber"] for line in trade.books("salesOrders")[-1]["salesOrderLines"]]
    assert "MO-TENT-3P" in items
    assert trade.cases() == []


@pytest.mark.capability("ORD-6")
def test_the_warehouse_calls_back_with_tracking(trade: Trade) -> None:
    trade.control("_shopify/orders")
    trade.until(lambda: trade.state() == "posted")
    ((number, lines),) = trade.crank.rows(
        "SELECT d.number, v.document->'lines' FROM orders.erp_document d "
        "JOIN orders.order_version v ON v.order_id = d.order_id AND v.n = d.version"
    )
    sequences = dict(
        trade.crank.rows("SELECT line_id, min(sequence) FROM orders.erp_line WHERE meaning = 'line' GROUP BY 1")
    )
    report = {
        "shipment_number": "W-1", "order_number": number, "shipped_at": "2026-11-20T18:00:00Z", "location": "EAST",
        "lines": [
            {"sequence": sequences[line["line_id"]], "sku": line["sku"], "quantity": str(line["qty_current"])}
            for line in lines
            if line["line_id"] in sequences and line["requires_shipping"]
        ],
        "packages": [{"tracking_number": "1Z999", "carrier": "UPS", "tracking_url": None}],
    }  # fmt: skip
    assert trade.call_back("shipments", report) == 202
    trade.until(lambda: trade.state() == "shipped" and bool(trade.books("fulfillments")))
    assert {one["tracking_number"] for one in trade.books("fulfillments")} == {"1Z999"}
    assert trade.cases() == []


@pytest.mark.capability("ORD-7")
def test_an_edit_and_a_cancellation_at_the_shop_reach_the_draft_at_the_erp(trade: Trade) -> None:
    lines = [{"sku": "MO-TENT-2P", "quantity": 3}]
    placed = trade.control("_shopify/orders", {"lines": lines})
    trade.until(lambda: trade.state() == "posted")
    line = placed["line_items"][0]["id"]
    trade.control(f"_shopify/orders/{placed['id']}/edit", {"lines": [{"id": line, "quantity": 2}]})
    trade.until(lambda: trade.crank.states("order_changes.change_in_erp") == {"done": 1})
    (document,) = trade.books("salesOrders")
    quantities = {row["quantity"] for row in document["salesOrderLines"] if row["lineType"] == "Item"}
    assert quantities == {2}
    trade.control(f"_shopify/orders/{placed['id']}/cancel")
    trade.until(lambda: trade.state() == "cancelled")
    assert [document.get("_deleted", False) for document in trade.books("salesOrders")] == [True]
    held = "SELECT coalesce(sum(quantity), 0) FROM inventory.reservation WHERE state IN ('held', 'allocated')"
    assert trade.crank.rows(held) == [(0,)]


@pytest.mark.capability("RT-16")
def test_both_vendors_are_subscribed_at_once_renewed_in_time_and_never_twice(trade: Trade) -> None:
    step = "upkeep.keep_subscriptions"
    trade.until(lambda: trade.crank.states(step) == {"done": 2})
    held = {row["resource"].rsplit("/", 1)[-1]: row for row in trade.books("subscriptions")}
    assert sorted(held) == ["customers", "salesInvoices", "salesOrders"]
    assert {row["notificationUrl"] for row in held.values()} == {f"{trade.hub}/webhooks/erp/notifications"}
    addresses = sorted(row["address"] for row in trade.books("webhookSubscriptions"))
    assert addresses == sorted(f"{trade.hub}/webhooks/shop/{topic}" for topic in SHOP_TOPICS)
    trade.control("_business_central/age", {"days": 2})
    aged = {row["subscriptionId"]: row["expirationDateTime"] for row in trade.books("subscriptions")}
    trade.watch()
    trade.until(lambda: trade.crank.states(step) == {"done": 4})
    renewed = {row["subscriptionId"]: row["expirationDateTime"] for row in trade.books("subscriptions")}
    assert renewed.keys() == {row["subscriptionId"] for row in held.values()}
    assert all(renewed[one] > aged[one] for one in renewed)
    assert sorted(row["address"] for row in trade.books("webhookSubscriptions")) == addresses
    assert trade.cases() == []


@pytest.mark.capability("RT-15", "RT-16")
def test_a_shop_that_lost_its_subscriptions_gets_them_back_and_what_they_missed_is_posted(trade: Trade) -> None:
    trade.until(lambda: trade.crank.states("upkeep.keep_subscriptions") == {"done": 2})
    trade.control("_shopify/subscriptions", {"gone": True})
    trade.control("_shopify/orders")
    trade.crank.hub.clock = FiveMinutesAhead()  # a webhook has two minutes before it is missed
    trade.watch()
    trade.until(lambda: trade.state() == "posted")
    assert len(trade.books("salesOrders")) == 1
    assert [code for code, *_ in trade.cases() if code != "gap_scan.webhooks_missing"] == ["subscriptions.lost"]
    told = [row["address"] for row in trade.books("webhookSubscriptions") if not row.get("_deleted")]
    assert len(told) == len(SHOP_TOPICS)


@pytest.mark.capability("RT-15")
def test_a_backfill_by_bulk_operation_takes_in_what_the_shop_held_and_posts_what_is_open(trade: Trade) -> None:
    trade.until(lambda: trade.crank.states("upkeep.keep_subscriptions") == {"done": 2})
    trade.control("_shopify/subscriptions", {"gone": True})
    trade.control("_shopify/bulk", {"seconds": 0})
    placed = [trade.control("_shopify/orders") for _ in range(6)]
    trade.control(f"_shopify/orders/{placed[0]['id']}/cancel")
    trade.control(f"_shopify/orders/{placed[1]['id']}/refund", {"shipping": True})
    now = trade.crank.hub.clock.now()
    day = timedelta(days=1)
    wish = Wish(
        connection="shop", kind="order", by=By.CREATED, since=now - day, until=now, history_before=now - day, bulk=True
    )  # fmt: skip
    prepared = prepare(trade.crank.hub, replace(wish, until=trade.crank.hub.clock.now()))
    with trade.crank.uow() as uow:
        run = begin(uow, prepared, who="june", rate=None)
    done = "SELECT state, done, set_aside FROM hub.run WHERE id = %(id)s"
    trade.until(lambda: trade.crank.rows(done, id=run)[0][0] == "done")
    assert trade.crank.rows(done, id=run) == [("done", 6, 0)]
    states = "SELECT state, count(*) FROM orders.sales_order GROUP BY 1"
    trade.until(lambda: dict(trade.crank.rows(states)) == {"posted": 5, "historical": 1})
    assert len(trade.books("salesOrders")) == 5
    assert trade.cases() == []


@pytest.mark.capability("ORD-6")
def test_a_shipment_at_the_erp_is_heard_of_by_its_bell_without_a_poll(trade: Trade) -> None:
    trade.control("_shopify/orders")
    trade.until(lambda: trade.state() == "posted")
    (document,) = trade.books("salesOrders")
    trade.control("_business_central/release", {"number": document["number"]})
    trade.control("_business_central/ship", {"number": document["number"], "invoice": True})
    trade.until(lambda: trade.state() == "shipped" and bool(trade.books("fulfillments")))
    assert trade.crank.rows("SELECT count(*) FROM hub.event WHERE type = 'hub.window_opened.v1'") == [(0,)]


@pytest.mark.capability("SYS-dynamics-bc", "ORD-5")
def test_a_connection_test_keeps_what_business_central_can_be_told(trade: Trade) -> None:
    probes = probe_connection(trade.crank.hub, "erp", "june")
    assert all(probe.passed for probe in probes), probes
    ((fields, version),) = trade.crank.rows(
        "SELECT settings->'entity_fields'->'salesOrders', version FROM hub.connection WHERE name = 'erp'"
    )
    assert {"externalDocumentNumber", "postingDate"} <= set(fields)
    probe_connection(trade.crank.hub, "erp", "june")
    assert trade.crank.rows("SELECT version FROM hub.connection WHERE name = 'erp'") == [(version,)]
    placed = trade.control("_shopify/orders")
    trade.until(lambda: trade.state() == "posted")
    (document,) = trade.books("salesOrders")
    assert total_of(document) == Decimal(placed["total_price"])
