"""The shop's app and its people, as a test speaks with them over HTTP, and somebody who hears its webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import urllib3

from app.sandbox.serving import Served
from app.sandbox.shopify.shop import Shop
from app.sandbox.shopify.store import Rejected

VERSION = "2026-10"
READ = """
    query($id: ID!) { order(id: $id) {
        updatedAt displayFinancialStatus displayFulfillmentStatus cancelledAt tags note
        currentTotalPriceSet { shopMoney { amount } }
        lineItems(first: 10) { nodes { id sku quantity currentQuantity unfulfilledQuantity } }
        transactions { id kind status gateway amountSet { presentmentMoney { amount } } }
        fulfillments { id status totalQuantity trackingInfo { company number url } }
        fulfillmentOrders(first: 10) { nodes {
            id status requestStatus assignedLocation { location { id } } supportedActions { action }
            fulfillmentHolds { id handle heldByRequestingApp }
            lineItems(first: 10) { nodes { id remainingQuantity totalQuantity } }
        } }
    } }
"""
FULFILL = """
    mutation($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
        fulfillment { id status totalQuantity trackingInfo { company number } } userErrors { field message }
    } }
"""
WITHIN = 10.0  # seconds that anything awaited here may take on a busy machine


class Merchant:
    """An app of one shop, and the shop's own people."""

    def __init__(self, served: Served, http: urllib3.PoolManager, version: str = VERSION) -> None:
        self.served, self.http, self.version = served, http, version
        shop = served.sandbox.vendors["shopify"]
        assert isinstance(shop, Shop)
        self.shop = shop

    def post(self, body: Any, version: str = "", **headers: str) -> urllib3.BaseHTTPResponse:
        url = f"{self.served.url}/shopify/admin/api/{version or self.version}/graphql.json"
        sent = {"X-Shopify-Access-Token": self.served.sandbox.settings.shop_token, **headers}
        return self.http.request("POST", url, json=body, headers=sent)

    def ask(self, document: str, version: str = "", **variables: Any) -> dict[str, Any]:
        answer = self.post({"query": document, "variables": variables}, version)
        assert answer.status == 200, answer.data
        found: dict[str, Any] = answer.json()
        return found

    def data(self, document: str, version: str = "", **variables: Any) -> Any:
        """The only root field's answer, which must have come without an error."""
        found = self.ask(document, version, **variables)
        assert "errors" not in found, found["errors"]
        return next(iter(found["data"].values()))

    def control(self, path: str, wishes: Any = None) -> Any:
        answer = self.http.request("POST", f"{self.served.url}/_shopify/{path}", json=wishes or {})
        assert answer.status == 200, answer.data
        return answer.json()

    def refused(self, path: str, wishes: Any = None) -> tuple[int, str]:
        answer = self.http.request("POST", f"{self.served.url}/_shopify/{path}", json=wishes or {})
        return answer.status, answer.json()["error"]

    def place(self, **wishes: Any) -> dict[str, Any]:
        placed: dict[str, Any] = self.control("orders", wishes)
        return placed

    def fault(self, **rule: Any) -> None:
        answer = self.http.request("POST", f"{self.served.url}/_faults", json=rule)
        assert answer.status == 200, answer.data

    def limit(self, **limits: Any) -> None:
        answer = self.http.request("POST", f"{self.served.url}/_limits", json=limits)
        assert answer.status == 200, answer.data

    def books(self, collection: str) -> Any:
        return self.http.request("GET", f"{self.served.url}/_books/{collection}").json()


@dataclass(frozen=True)
class Heard:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


class Hub:
    """Hears webhooks on loopback and answers what it is told to: `statuses` in turn, then 200."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.statuses: list[int] = []
        self.url = ""

    def topics(self) -> list[str]:
        return [each.headers["X-Shopify-Topic"] for each in self.heard]

    def await_count(self, count: int, topic: str = "") -> Sequence[Heard]:
        """Wait until so many came, of one topic or any."""

        def came() -> list[Heard]:
            return [each for each in list(self.heard) if topic in {"", each.headers["X-Shopify-Topic"]}]

        await_true(lambda: len(came()) >= count)
        return came()


def await_true(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.01)


@contextmanager
def listening() -> Iterator[Hub]:
    hub = Hub()

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hub.heard.append(Heard(self.path, dict(self.headers.items()), body))
            self.send_response(hub.statuses.pop(0) if hub.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def order_of(merchant: Merchant, *lines: Any, **wishes: Any) -> str:
    placed = merchant.place(lines=list(lines) or [{"sku": "MO-TENT-2P", "quantity": 2}], **wishes)
    return str(placed["admin_graphql_api_id"])


def waiting(merchant: Merchant, order: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = merchant.data(READ, id=order)["fulfillmentOrders"]["nodes"]
    return found


def picks(document: dict[str, Any], *quantities: int) -> dict[str, Any]:
    lines = document["lineItems"]["nodes"]
    rows = [{"id": line["id"], "quantity": quantity} for line, quantity in zip(lines, quantities, strict=False)]
    return {"fulfillmentOrderId": document["id"], "fulfillmentOrderLineItems": rows}


def refusal(payload: dict[str, Any]) -> str:
    assert len(payload["userErrors"]) == 1, payload
    return str(payload["userErrors"][0]["message"])


def happenings(shop: Shop, order: Mapping[str, Any], random: Random, *, edits: bool) -> None:
    """Let one thing happen to an order, as people let things happen; what the shop refuses does not happen."""
    line = random.choice(order["line_items"])
    {"id": line["id"], "quantity": line["quantity"]}
    acts: list[tuple[str, dict[str, Any]]] = [
        ("refund", {"lines": [{"id": line["id"], "quantity": 1}]}),
        (
            "refund",
            {"lines": [{"id": line["id"], "quantity": line["quantity"], "restock": "cancel"}], "shipping": True},
        ),
        ("refund", {"lines": [{"id": line["id"], "quantity": 1, "restock": "return"}], "amount": "1.00"}),
        ("pay", {}),
        ("pay", {"amount": "5.00"}),
    ]
    if edits:
        acts += [("edit", {"lines": [{"id": line["id"], "quantity": quantity}]}) for quantity in (0, 1, 2, 5)]
    act, wishes = random.choice(acts)
    try:
        shop._controls._do(["orders", str(order["id"]), act], wishes)
    except Rejected:
        return
