"""The sandbox's shop as the other side of the adapter's ports, with its switches."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3

from app.adapters.shopify import SPEC
from app.adapters.shopify.fulfilments import ShopifyShipments
from app.adapters.shopify.orders import ShopifyOrderReferences, ShopifyOrderSource
from app.domains.orders.ports import FulfilledLine, Fulfilment, Package
from app.infra.remote.client import Outbound
from app.sandbox.assembly import create_sandbox
from app.sandbox.frame import Sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings

NAME = ("roundhouse", "erp_number")
LINES = [{"sku": "MO-TENT-2P", "quantity": 3}, {"sku": "MO-SCK-M", "quantity": 1}]


class Listening:
    """A sandbox whose GraphQL requests are remembered, as they came in over HTTP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.asked: list[dict[str, Any]] = []
        self.interruptions: dict[tuple[str, int], Callable[[], object]] = {}
        self.start, self.stop = sandbox.start, sandbox.stop

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"].endswith("/graphql.json"):
            self.asked.append(json.loads(body))
            operation = operation_of(self.asked[-1])
            times = sum(operation_of(one) == operation for one in self.asked)
            self.interruptions.pop((operation, times), lambda: None)()
        return self.sandbox({**environ, "wsgi.input": io.BytesIO(body)}, start)

    def before(self, operation: str, times: int, act: Callable[[], object]) -> None:
        """Do something just before the request that is the n-th with this operation is answered."""
        self.interruptions[(operation, times)] = act


def operation_of(asked: Mapping[str, Any]) -> str:
    found = re.match(r"\s*(?:query|mutation) (\w+)", asked["query"])
    return "" if found is None else found[1]


@dataclass
class Shop:
    """One shop, with an order of three tents and a pair of socks, paid, shipped from EAST."""

    served: Served
    listening: Listening
    settings: dict[str, Any]
    kinds: Mapping[str, type] = field(default_factory=dict)
    _remote: Outbound | None = None
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=5))

    @property
    def remote(self) -> Outbound:
        if self._remote is None:
            self._remote = SPEC.connect(self.settings)
        return self._remote

    @property
    def source(self) -> ShopifyOrderSource:
        return self.kinds.get("source", ShopifyOrderSource).build(self.remote, self.settings)

    @property
    def references(self) -> ShopifyOrderReferences:
        return self.kinds.get("references", ShopifyOrderReferences).build(self.remote, self.settings)

    @property
    def shipments(self) -> ShopifyShipments:
        return self.kinds.get("shipments", ShopifyShipments).build(self.remote, self.settings)

    def post(self, path: str, wishes: object) -> Any:
        answer = self._http.request("POST", self.served.url + path, json=wishes)
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def place(self, **wishes: Any) -> dict[str, Any]:
        """Place an order; three tents and a pair of socks unless told otherwise."""
        wishes = wishes if "seed" in wishes or "order" in wishes else {"lines": LINES, "location": "EAST"} | wishes
        return dict(self.post("/_shopify/orders", wishes))

    def act(self, order: Mapping[str, Any], act: str, **wishes: Any) -> None:
        self.post(f"/_shopify/orders/{order['id']}/{act}", wishes)

    def webhook(self, order_id: object) -> bytes:
        """The payload that a webhook of this order would have now."""
        (found,) = (one for one in self.books("orders") if str(one["id"]) == str(order_id))
        return json.dumps(found).encode()

    def books(self, collection: str) -> list[dict[str, Any]]:
        answer = self._http.request("GET", self.served.url + "/_books")
        return list(json.loads(answer.data).get(collection, ()))

    def fault(self, kind: str, match: str = "", **more: Any) -> None:
        self.post("/_faults", {"vendor": "shopify", "kind": kind, "match": match, "times": 1, **more})

    def limit(self, maximum: float, restore: float) -> None:
        self.post("/_limits", {"shopify": {"maximum": maximum, "restore": restore}})

    def admin(self, document: str, **variables: Any) -> Any:
        """What the merchant does by the same API."""
        path, headers = (
            "/shopify/admin/api/2026-10/graphql.json",
            {"X-Shopify-Access-Token": self.settings["access_token"]},
        )
        body = {"query": document, "variables": variables}
        answer = self._http.request("POST", self.served.url + path, json=body, headers=headers)
        return json.loads(answer.data)["data"]

    def put(self, collection: str, document: Mapping[str, Any]) -> None:
        """Write one of the shop's own documents: a state that no control leads to."""
        self.listening.sandbox.books.write([(collection, str(document["id"]), dict(document))])

    def fulfilment_orders(self, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [one for one in self.books("fulfillmentOrders") if one["order_id"] == order["id"]]

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The variables of every request with this operation."""
        return [one["variables"] for one in self.listening.asked if operation_of(one) == operation]


@contextmanager
def a_shop(kinds: Mapping[str, type] | None = None, **settings: Any) -> Iterator[Shop]:
    """A shop on loopback, without its rate limit, and a connection to it."""
    listening = Listening(create_sandbox(Settings()))
    sandbox = listening.sandbox
    sandbox.limits.put("shopify", None)
    with Served(listening) as served:  # type: ignore[arg-type]
        entered = {
            "shop": sandbox.settings.shop_domain, "access_token": sandbox.settings.shop_token,
            "webhook_secret": sandbox.settings.shop_secret, "base_url": f"{served.url}/shopify",
        }  # fmt: skip
        loaded = SPEC.settings().load(entered | settings)
        yield Shop(served, listening, {**loaded, "allow_loopback": True, "name": "shop"}, kinds or {})


def a_shipment(
    order: Mapping[str, Any], *quantities: int, shipment: str = "s-1", tracking: str = "1Z999", **more: Any
) -> Fulfilment:
    """So many of each line of an order, in one parcel; no tracking, no parcel."""
    lines = zip(order["line_items"], quantities or [line["quantity"] for line in order["line_items"]], strict=False)
    return Fulfilment(
        shipment_id=shipment,
        order_gid=order["admin_graphql_api_id"],
        lines=tuple(FulfilledLine(line_id=str(line["id"]), quantity=count) for line, count in lines if count),
        packages=(Package(tracking_number=tracking, carrier="UPS"),) if tracking else (),
        **more,
    )
