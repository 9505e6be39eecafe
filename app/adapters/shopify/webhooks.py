"""Webhooks: who sent one, what it is about, and what it says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from app.adapters.shopify.mapping import reports
from app.adapters.shopify.mapping.order import order
from app.adapters.shopify.mapping.parsing import parsed
from app.adapters.shopify.mapping.reading import Untold, identity
from app.adapters.shopify.privacy import SUBJECT
from app.adapters.shopify.privacy import TOPICS as PRIVACY_TOPICS
from app.adapters.shopify.settings import secrets_of, version_of
from app.domains.orders.canonical import Bell, Order
from app.infra.remote.signing import BadSignature, WrongTopic, matches_any
from app.infra.remote.spec import Arrival, Message, Notice, Translate
from app.kernel.errors import Invalid

_LEADING_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*(\d+)\s*[,}]')

ORDER_TOPICS = ("orders/create", "orders/updated", "orders/paid", "orders/cancelled")
BELL_TOPICS = (
    "orders/edited",
    "refunds/create",
    "order_transactions/create",
    *(f"returns/{what}" for what in (
        "request", "approve", "decline", "update", "process", "close", "cancel", "reopen",
    )),
    *(f"fulfillment_orders/{what}" for what in (
        "placed_on_hold", "hold_released", "moved", "split", "merged", "cancelled", "order_routing_complete",
    )),
)  # fmt: skip


def verify(arrival: Arrival, settings: Mapping[str, Any]) -> Notice:
    """Check the signature over the raw bytes, then that topic and shop are the ones that the path is for.

    Raises BadSignature (also for another shop) and WrongTopic. Source: shopify.dev, "Verify webhook deliveries"; the
    signature has no time in it, so the two ids are the only guard against a repeat.
    """
    headers = arrival.headers
    sign = partial(_sign, arrival.body)
    if not matches_any(headers.get("x-shopify-hmac-sha256", ""), secrets_of(settings), sign):
        raise BadSignature("shopify.bad_signature", "the body is not signed with this connection's client secret")
    topic = headers.get("x-shopify-topic", "")
    if topic != arrival.topic:
        raise WrongTopic("shopify.wrong_topic", f"the path is for {arrival.topic}, the delivery is {topic[:80]!r}")
    shop = headers.get("x-shopify-shop-domain", "")
    if not hmac.compare_digest(shop.encode("utf-8", "surrogateescape"), str(settings["shop"]).encode()):
        raise BadSignature("shopify.another_shop", f"meant for another shop: {shop[:80]!r}")
    kind, object_id = _about(topic, arrival.body)
    version = headers.get("x-shopify-api-version", "")
    pinned = version_of(settings)
    return Notice(
        topic=topic,
        external_ids=tuple(
            f"{name}:{headers[header]}"
            for name, header in (("webhook", "x-shopify-webhook-id"), ("event", "x-shopify-event-id"))
            if headers.get(header)
        ),
        kind=kind,
        object_id=object_id,
        remark="" if version == pinned else f"sent as API version {version[:20] or 'unknown'}, pinned is {pinned}",
    )


def _sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def _about(topic: str, body: bytes) -> tuple[str, str]:
    """What a body is about: `order` and its id wherever it names one. ("order", "") where it cannot be read."""
    if topic in PRIVACY_TOPICS:
        return SUBJECT
    if topic.startswith("orders/") and (found := _LEADING_ID.match(body)) and body.rstrip().endswith(b"}"):
        return "order", found[1].decode()
    try:
        return reports.subject(topic, parsed(body))
    except Invalid:
        return "order", ""


def _whole_order(message: Message, settings: Mapping[str, Any]) -> Order | Bell:
    given = parsed(message.body)
    try:
        return order(given, message.connection)
    except Untold:  # trimmed by the subscription's includeFields, or more than a webhook can say: ask
        if not (external_id := identity(given, "id")):
            raise
        return Bell(kind="order", external_id=external_id, reason=message.topic)


def _reported(read: Any, message: Message, settings: Mapping[str, Any]) -> object:
    return read(message.topic, parsed(message.body))


TOPICS: Mapping[str, Translate] = MappingProxyType(
    dict.fromkeys(ORDER_TOPICS, _whole_order)
    | dict.fromkeys(BELL_TOPICS, partial(_reported, reports.bell))
    | dict.fromkeys(("fulfillments/create", "fulfillments/update"), partial(_reported, reports.fulfilment))
    | {
        "orders/delete": partial(_reported, reports.deleted),
        "app/uninstalled": partial(_reported, reports.uninstalled),
    }
)
