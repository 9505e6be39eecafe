"""Webhooks leave the shop signed as Shopify signs them, again when nobody took them, disturbed as told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from app.kernel.clock import SYSTEM_CLOCK
from app.sandbox import moment
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from app.sandbox.shopify.webhooks import RETRIES, signature
from tests.sandbox.shop_client import Heard, Hub, Merchant, await_true, listening

pytestmark = pytest.mark.capability("TRY-1")
SECRET = "hush"
HEADERS = ("Topic", "Shop-Domain", "API-Version", "Webhook-Id", "Event-Id", "Triggered-At", "Hmac-Sha256")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with listening() as heard:
        yield heard


@pytest.fixture
def merchant(serve: Callable[..., Served], http: urllib3.PoolManager, hub: Hub) -> Merchant:
    merchant = Merchant(serve(Settings(hub_url=hub.url, shop_secret=SECRET)), http)
    merchant.shop.store.sender.first_retry_seconds = 0.005
    return merchant


def quiet(merchant: Merchant) -> None:
    """Wait until nothing is due or under way."""
    await_true(merchant.shop.store.sender.idle)


def test_the_signature_is_the_one_the_vendors_own_library_accepts(contracts: Path) -> None:
    vectors = json.loads((contracts / "webhook-signatures" / "vectors.json").read_text("utf-8"))
    vector = next(each for each in vectors if each["system"] == "shopify")
    body = vector["body"].encode()
    assert signature(body, vector["secret"]) == vector["value"]
    assert signature(body + b" ", vector["secret"]) != vector["value"]
    assert signature(body, vector["secret"] + "x") != vector["value"]


def test_a_new_order_is_told_with_all_headers_over_the_raw_body(merchant: Merchant, hub: Hub) -> None:
    order = merchant.place(lines=[{"sku": "MO-TENT-2P", "title": "Zelt für „draußen“"}], note="café ☕ / slash")
    heard = hub.await_count(1)[0]
    assert heard.path == "/webhooks/shop/orders/create"
    assert all(heard.headers.get(f"X-Shopify-{name}") for name in HEADERS)
    digest = hmac.new(SECRET.encode(), heard.body, hashlib.sha256).digest()
    assert heard.headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode()
    assert heard.headers["X-Shopify-Topic"] == "orders/create"
    assert heard.headers["X-Shopify-Shop-Domain"] == "demo.myshopify.com"
    assert json.loads(heard.body)["id"] == order["id"]
    triggered = moment.parse(heard.headers["X-Shopify-Triggered-At"])
    assert abs((SYSTEM_CLOCK.now() - triggered).total_seconds()) < 60
    quiet(merchant)
    sent = merchant.books("webhooks")
    assert [(each["topic"], each["status"], each["attempt"]) for each in sent] == [("orders/create", 200, 1)]


def test_one_event_reaches_two_subscriptions_with_one_event_id(merchant: Merchant, hub: Hub) -> None:
    document = """mutation($s: WebhookSubscriptionInput!) {
        webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: $s) { userErrors { message } }
    }"""
    merchant.data(document, s={"uri": f"{hub.url}/elsewhere", "includeFields": ["id", "updated_at"]})
    order = merchant.place()
    heard = {each.path: each for each in hub.await_count(2)}
    both = [heard["/webhooks/shop/orders/create"].headers, heard["/elsewhere"].headers]
    assert both[0]["X-Shopify-Event-Id"] == both[1]["X-Shopify-Event-Id"]
    assert both[0]["X-Shopify-Webhook-Id"] != both[1]["X-Shopify-Webhook-Id"]
    trimmed = json.loads(heard["/elsewhere"].body)
    assert trimmed == {"id": order["id"], "updated_at": order["updated_at"]}


def same(heard: list[Heard]) -> bool:
    return len({(each.headers["X-Shopify-Webhook-Id"], each.body) for each in heard}) == 1


def test_what_nobody_took_comes_again_the_same_until_it_is_taken(merchant: Merchant, hub: Hub) -> None:
    hub.statuses = [500, 503, 404]
    merchant.place()
    heard = list(hub.await_count(4))
    quiet(merchant)
    assert len(hub.heard) == 4
    assert same(heard)
    statuses = [(each["attempt"], each["status"]) for each in merchant.books("webhooks")]
    assert statuses == [(1, 500), (2, 503), (3, 404), (4, 200)]


def test_after_its_retries_a_webhook_is_given_up(merchant: Merchant, hub: Hub) -> None:
    hub.statuses = [500] * 40
    merchant.place()
    hub.await_count(RETRIES + 1)
    quiet(merchant)
    assert len(hub.heard) == RETRIES + 1 == 9


def test_nobody_listening_is_a_failure_like_any_other(
    serve: Callable[..., Served], http: urllib3.PoolManager, free_port: Callable[[], int]
) -> None:
    merchant = Merchant(serve(Settings(hub_url=f"http://127.0.0.1:{free_port()}")), http)
    merchant.shop.store.sender.first_retry_seconds = 0.001
    merchant.place()
    await_true(lambda: len(merchant.books("webhooks")) == RETRIES + 1)
    assert {each["status"] for each in merchant.books("webhooks")} == {None}


def test_a_duplicate_has_the_same_ids_and_body(merchant: Merchant, hub: Hub) -> None:
    merchant.fault(vendor="webhooks", match="orders/create", kind="duplicate", times=1)
    merchant.place()
    heard = list(hub.await_count(2))
    assert same(heard)
    merchant.place()
    quiet(merchant)
    assert len(hub.heard) == 3


def test_a_reordered_webhook_comes_after_the_next_one(merchant: Merchant, hub: Hub) -> None:
    merchant.fault(vendor="webhooks", match="orders/create", kind="reorder", seconds=0.3, times=1)
    number = merchant.place()["id"]
    merchant.control(f"orders/{number}/cancel")
    hub.await_count(1, "orders/cancelled")
    hub.await_count(1, "orders/create")
    assert hub.topics()[-1] == "orders/create"


def test_a_lost_webhook_never_comes_and_the_books_know_it(merchant: Merchant, hub: Hub) -> None:
    merchant.fault(vendor="webhooks", match="orders/create", kind="lose", times=1)
    merchant.place()
    merchant.place()
    hub.await_count(1)
    quiet(merchant)
    assert len(hub.heard) == 1
    assert [each["error"] for each in merchant.books("webhooks")].count("lost") == 1


def told(merchant: Merchant, hub: Hub, act: Callable[[], Any]) -> list[str]:
    quiet(merchant)
    before = len(hub.heard)
    act()
    quiet(merchant)
    return sorted(hub.topics()[before:])


def test_each_change_is_told_under_its_own_topics(merchant: Merchant, hub: Hub) -> None:
    number = merchant.place(lines=[{"sku": "MO-TENT-2P", "quantity": 3}], payment="authorized")["id"]
    edit = {"lines": [{"sku": "MO-TENT-2P", "quantity": 2}]}
    assert told(merchant, hub, lambda: merchant.control(f"orders/{number}/edit", edit)) == [
        "orders/edited",
        "orders/updated",
    ]
    assert told(merchant, hub, lambda: merchant.control(f"orders/{number}/pay")) == ["orders/updated"]
    one = {"lines": [{"sku": "MO-TENT-2P", "quantity": 1, "restock": "cancel"}]}
    assert told(merchant, hub, lambda: merchant.control(f"orders/{number}/refund", one)) == [
        "orders/updated",
        "refunds/create",
    ]
    assert told(merchant, hub, lambda: merchant.control(f"orders/{number}/cancel")) == [
        "orders/cancelled",
        "orders/updated",
        "refunds/create",
    ]
    merchant.control("webhooks/emit", {"topic": "app/uninstalled"})
    hub.await_count(1, "app/uninstalled")


def test_what_is_told_of_an_edit_and_a_refund_is_the_edit_and_the_refund(merchant: Merchant, hub: Hub) -> None:
    order = merchant.place(lines=[{"sku": "MO-TENT-2P", "quantity": 2}])
    line = order["line_items"][0]["id"]
    merchant.control(f"orders/{order['id']}/edit", {"lines": [{"id": line, "quantity": 1}]})
    edit = json.loads(hub.await_count(1, "orders/edited")[0].body)["order_edit"]
    assert (edit["order_id"], edit["line_items"]["removals"]) == (order["id"], [{"id": line, "delta": 1}])
    merchant.control(f"orders/{order['id']}/refund")
    refund = json.loads(hub.await_count(1, "refunds/create")[0].body)
    assert refund["order_id"] == order["id"]
    assert [(each["line_item_id"], each["quantity"]) for each in refund["refund_line_items"]] == [(line, 1)]
    updated = [json.loads(each.body) for each in hub.await_count(2, "orders/updated")]
    assert max(each["updated_at"] for each in updated) >= order["updated_at"]


def test_a_fulfilment_comes_back_as_an_echo_under_its_own_id(merchant: Merchant, hub: Hub) -> None:
    order = merchant.place(lines=[{"sku": "MO-TENT-2P"}])
    wanted = merchant.shop.store.records.of_order("fulfillmentOrders", order["id"])[0]
    document = (
        "mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { fulfillment { legacyResourceId } } }"
    )
    given = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": f"gid://shopify/FulfillmentOrder/{wanted['id']}"}]}
    made = merchant.data(document, f=given)["fulfillment"]["legacyResourceId"]
    echo = json.loads(hub.await_count(1, "fulfillments/create")[0].body)
    assert (str(echo["id"]), echo["order_id"]) == (made, order["id"])
    assert [each["sku"] for each in echo["line_items"]] == ["MO-TENT-2P"]


def test_any_webhook_can_be_sent_again_as_often_as_wished(merchant: Merchant, hub: Hub) -> None:
    order = merchant.place()
    quiet(merchant)
    heard = merchant.control("webhooks/emit", {"topic": "orders/updated", "order_id": order["id"], "copies": 3})
    assert heard == {"heard": 1}
    copies = list(hub.await_count(3, "orders/updated"))
    assert same(copies)
    assert merchant.refused("webhooks/emit", {"topic": "refunds/create", "order_id": order["id"]})[0] == 422


def test_a_shop_without_a_hub_tells_nobody(serve: Callable[..., Served], http: urllib3.PoolManager) -> None:
    merchant = Merchant(serve(Settings()), http)
    merchant.place()
    assert merchant.books("webhooks") == []
    assert merchant.shop.store.sender.idle()
