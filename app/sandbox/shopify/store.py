"""The shop's one desk: its documents, its clock, its subscriptions, and the webhooks that a change sends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from app.sandbox import moment
from app.sandbox.books import Books, Document
from app.sandbox.faults import Faults
from app.sandbox.limits import Limits
from app.sandbox.settings import Settings
from app.sandbox.shopify.records import Records, rest_instant
from app.sandbox.shopify.webhooks import Sender
from app.sandbox.web import encode

DEFAULT_TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/edited",
    "orders/cancelled",
    "refunds/create",
    "fulfillments/create",
    "app/uninstalled",
)
WEBHOOK_VERSION = "2026-10"
SCOPES = (
    "read_orders",
    "write_orders",
    "read_all_orders",
    "write_order_edits",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_fulfillments",
    "write_fulfillments",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_products",
    "write_products",
    "read_customers",
    "write_customers",
)


class Rejected(Exception):
    """The shop does not do what was asked: a `userErrors` entry, or a control's 422.

    `field` is the path into the arguments, `code` the payload's own error code where it has one.
    """

    def __init__(self, message: str, *field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field or None
        self.code = code


class Store:
    """What every change and every answer of the shop works with."""

    def __init__(self, settings: Settings, books: Books, faults: Faults, limits: Limits) -> None:
        self.settings = settings
        self.books = books
        self.faults = faults
        self.limits = limits
        self.records = Records(books)
        self.sender = Sender(books, faults, settings.shop_domain, settings.shop_secret)
        self.scopes: frozenset[str] = frozenset(SCOPES)
        self.host = "127.0.0.1"  # as the last request named it
        if settings.hub_url:
            self._subscribe_the_hub()

    def now(self) -> str:
        """Return the present instant as REST documents write it."""
        return rest_instant(moment.now())

    def emit(self, topic: str, payload: Document, *, copies: int = 1) -> int:
        """Tell every subscription of a topic; one event id for all, a webhook id for each. Returns how many heard."""
        event = str(uuid.uuid4())
        heard = 0
        for subscription in self.records.all("webhookSubscriptions"):
            if subscription["topic"] == topic:
                body = encode(_trimmed(payload, subscription["fields"])).encode()
                version = subscription["api_version"]
                self.sender.send(subscription["address"], topic, version, event, body, copies=copies)
                heard += 1
        return heard

    def order(self, number: int) -> Document:
        """Return an order. Raises Rejected when the shop has none of this id."""
        order = self.records.read("orders", number)
        if order is None:
            raise Rejected("Order does not exist", "id", code="NOT_FOUND")
        return order

    def subscription(self, topic: str, address: str, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """Build a webhook subscription as REST documents do; `topic` like orders/create."""
        instant = self.now()
        return {
            "id": self.records.next_id(),
            "address": address,
            "topic": topic,
            "created_at": instant,
            "updated_at": instant,
            "format": str(wishes.get("format") or "JSON").lower(),
            "fields": list(wishes.get("includeFields") or ()),
            "metafield_namespaces": list(wishes.get("metafieldNamespaces") or ()),
            "filter": wishes.get("filter"),
            "name": wishes.get("name"),
            "api_version": WEBHOOK_VERSION,
        }

    def _subscribe_the_hub(self) -> None:
        """Give a new shop the subscriptions that the demo's connection expects."""
        if self.records.books.documents("webhookSubscriptions"):
            return
        for topic in DEFAULT_TOPICS:
            document = self.subscription(topic, f"{self.settings.hub_url}/webhooks/shop/{topic}", {})
            self.records.write([("webhookSubscriptions", str(document["id"]), document)])


def _trimmed(payload: Document, fields: list[str]) -> Document:
    return {name: payload[name] for name in fields if name in payload} if fields else payload
