"""Deliveries as a shop makes them, from the fixtures of this folder."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

from app.adapters.shopify.mapping.order import order
from app.adapters.shopify.mapping.parsing import parsed
from app.adapters.shopify.webhooks import TOPICS
from app.domains.orders.canonical import Order
from app.infra.remote.spec import Arrival, Message

FIXTURES = Path(__file__).parent / "fixtures"
SHOP = "demo.myshopify.com"
SETTINGS: dict[str, Any] = {"shop": SHOP, "webhook_secret": "hush", "webhook_secret_previous": "", "name": "shop"}


def body_of(fixture: str) -> bytes:
    return (FIXTURES / f"{fixture}.json").read_bytes()


def document_of(fixture: str) -> dict[str, Any]:
    """The fixture as the translator parses it, to be changed by a test."""
    return parsed(body_of(fixture))


def topic_of(fixture: str) -> str:
    """`orders/create` of `orders_create__tip`."""
    name = fixture.partition("__")[0]
    return next(topic for topic in TOPICS if topic.replace("/", "_") == name)


def translated(body: bytes, topic: str = "orders/create") -> Any:
    return TOPICS[topic](Message(connection="shop", topic=topic, headers={}, body=body), SETTINGS)


def order_of(fixture: str) -> Order:
    """The canonical order of a fixture."""
    if fixture.startswith("answer_"):
        return order(document_of(fixture), "shop")
    made = translated(body_of(fixture), topic_of(fixture))
    assert isinstance(made, Order)
    return made


def signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def arrival(body: bytes, path: str = "orders/create", *, secret: str = "hush", **headers: str) -> Arrival:
    """A delivery to `path` that `secret` signed; `headers` replace the own (`shop_domain`), "" takes one away."""
    given = {
        "x-shopify-topic": path,
        "x-shopify-shop-domain": SHOP,
        "x-shopify-api-version": "2026-10",
        "x-shopify-webhook-id": "w-1",
        "x-shopify-event-id": "e-1",
        "x-shopify-triggered-at": "2026-11-20T08:30:06Z",
        "x-shopify-hmac-sha256": signature(body, secret),
        **{f"x-shopify-{name.replace('_', '-')}": value for name, value in headers.items()},
    }
    return Arrival(topic=path, headers={name: value for name, value in given.items() if value}, query={}, body=body)
