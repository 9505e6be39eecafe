"""Mutations of webhook subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify.mutations import Mutations, Payload, mutation
from app.sandbox.shopify.records import changes_of, number_of
from app.sandbox.shopify.shop_fields import topic_name
from app.sandbox.shopify.store import Rejected, Store
from app.sandbox.shopify.views import Arguments, Query, View

_GROUPS = ("fulfillment_orders", "order_transactions", "inventory_levels")


def _topic(name: str) -> str:
    """Return the topic as webhooks carry it: FULFILLMENT_ORDERS_MOVED is fulfillment_orders/moved."""
    topic = name.lower()
    group = next((each for each in _GROUPS if topic.startswith(f"{each}_")), topic.partition("_")[0])
    return f"{group}/{topic[len(group) + 1 :]}"


def _address(given: Mapping[str, Any]) -> str:
    address = given.get("uri") or given.get("callbackUrl")
    if not address:
        raise Rejected("Address can't be blank", "webhookSubscription", "uri")
    if not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise Rejected("Address protocol http:// is not supported", "webhookSubscription", "uri")
    return str(address)


def _check_free(store: Store, topic: str, address: str, fields: list[str], but: int | None = None) -> None:
    for each in store.records.all("webhookSubscriptions"):
        if (each["topic"], each["address"], each["fields"]) == (topic, address, fields) and each["id"] != but:
            raise Rejected("Address for this topic has already been taken", "webhookSubscription", "uri")


def _create(arguments: Arguments, query: Query) -> Payload:
    given, topic = arguments["webhookSubscription"], _topic(arguments["topic"])
    assert topic_name(topic) == arguments["topic"]
    with query.store.records.lock:
        address = _address(given)
        _check_free(query.store, topic, address, list(given.get("includeFields") or ()))
        document = query.store.subscription(topic, address, given)
        query.store.records.write(changes_of("webhookSubscriptions", [document]))
        return {"webhook_subscription": View("WebhookSubscription", document)}


def _find(store: Store, identity: str) -> Document:
    document = store.records.read("webhookSubscriptions", number_of(identity, "WebhookSubscription"))
    if document is None:
        raise Rejected("Webhook subscription does not exist", "id")
    return document


def _update(arguments: Arguments, query: Query) -> Payload:
    given = arguments["webhookSubscription"]
    with query.store.records.lock:
        before = _find(query.store, arguments["id"])
        address = _address(given) if given.get("uri") or given.get("callbackUrl") else before["address"]
        fields = list(given["includeFields"] or ()) if "includeFields" in given else before["fields"]
        _check_free(query.store, before["topic"], address, fields, before["id"])
        changed = {"address": address, "fields": fields, "updated_at": query.store.now()}
        changed |= {"format": given["format"].lower()} if given.get("format") else {}
        changed |= {"filter": given["filter"]} if "filter" in given else {}
        after = {**before, **changed}
        query.store.records.write(changes_of("webhookSubscriptions", [after]))
        return {"webhook_subscription": View("WebhookSubscription", after)}


def _delete(arguments: Arguments, query: Query) -> Payload:
    with query.store.records.lock:
        document = _find(query.store, arguments["id"])
        query.store.records.write(changes_of("webhookSubscriptions", [{**document, "_deleted": True}]))
        return {"deleted_webhook_subscription_id": arguments["id"]}


MUTATIONS: Mutations = {
    "webhookSubscriptionCreate": mutation(_create),
    "webhookSubscriptionUpdate": mutation(_update),
    "webhookSubscriptionDelete": mutation(_delete),
}
