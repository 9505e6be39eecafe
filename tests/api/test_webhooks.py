"""The door for webhooks: verified on raw bytes, kept whole and once, acknowledged after commit, or refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.infra.backlog import Load
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub
from app.settings import MAX_BODY_BYTES
from tests.adapters.shopify.deliveries import arrival, body_of
from tests.console.browser import SETTINGS, connect

pytestmark = pytest.mark.capability("RT-1", "ORD-1")
SECRET = str(SETTINGS["shop"]["webhook_secret"])
BODY = body_of("orders_create__tip")
COMPANY = SETTINGS["erp"]["company_id"]


@pytest.fixture(autouse=True)
def connections(hub: Hub) -> None:
    connect(hub, "shop", "erp")
    given = json.dumps({"client_state": "told by us"})
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.connection SET settings = settings || %(s)s::jsonb WHERE name = 'erp'", {"s": given})
        uow.sql("DELETE FROM hub.delivery")  # of subscriptions
        uow.sql("DELETE FROM hub.event")
    hub.connections.forget()


def post(
    client: FlaskClient, path: str = "orders/create", body: bytes = BODY, *, secret: str = SECRET, **headers: str
) -> TestResponse:
    given = arrival(body, path, secret=secret, **headers).headers
    return client.post(f"/webhooks/shop/{path}", data=body, headers=dict(given))


def rows(hub: Hub, statement: str) -> Sequence[Any]:
    with hub.unit_of_work() as uow:
        return [tuple(row) for row in uow.sql(statement).fetchall()]


def kept(hub: Hub) -> int:
    return int(rows(hub, "SELECT count(*) FROM hub.notice")[0][0])


REFUSED = "SELECT connection, reason, count::int FROM hub.refusal"  # by the day


def test_what_arrives_is_kept_byte_by_byte_and_told_before_it_is_acknowledged(client: FlaskClient, hub: Hub) -> None:
    given = arrival(BODY, secret=SECRET).headers
    secret = {"Authorization": "Bearer somebody's", "Cookie": "a=b"}
    answer = client.post("/webhooks/shop/orders/create", data=BODY, headers={**given, **secret})
    assert (answer.status_code, answer.get_json()) == (202, {"accepted": True})
    ((connection, topic, kind, object_id, body, headers, source),) = rows(
        hub, "SELECT connection, topic, kind, object_id, body, headers, source FROM hub.notice"
    )
    assert (connection, topic, kind, object_id, source) == ("shop", "orders/create", "order", "5500001003", "webhook")
    assert bytes(body) == BODY
    assert headers["x-shopify-triggered-at"] == given["x-shopify-triggered-at"]
    assert not {"authorization", "cookie"} & set(headers)
    assert rows(hub, "SELECT type, key, origin FROM hub.event") == [
        ("hub.notice_received.v1", "hub:shop:order:5500001003", "shop")
    ]
    assert rows(hub, "SELECT subscriber, queue, state FROM hub.delivery") == [("intake.take_in", "orders", "due")]


@pytest.mark.capability("RT-9")
def test_what_a_channel_tells_of_its_stock_is_work_of_the_inventory_queue(client: FlaskClient, hub: Hub) -> None:
    level = b'{"inventory_item_id": 1, "location_id": 2, "available": 3, "updated_at": "2026-11-21T09:00:00Z"}'
    assert post(client, "inventory_levels/update", level).status_code == 202
    assert rows(hub, "SELECT subscriber, queue, state FROM hub.delivery") == [
        ("intake.take_in_stock", "inventory", "due")
    ]


def test_a_repeat_is_told_by_the_webhooks_id_then_by_the_events_and_never_by_the_events_alone(
    client: FlaskClient, hub: Hub
) -> None:
    for path, webhook, event, notices in (
        ("orders/create", "w-1", "e-1", 1),
        ("orders/create", "w-1", "e-1", 1),  # sent again
        ("orders/create", "w-2", "e-1", 1),  # the same event by another subscription
        ("orders/create", "w-1", "e-2", 1),  # the same delivery
        ("orders/updated", "w-3", "e-1", 2),  # one event of the shop, told under two topics
        ("orders/create", "w-4", "e-4", 3),
    ):
        answer = post(client, path, webhook_id=webhook, event_id=event)
        assert (answer.status_code, kept(hub)) == (202, notices), (path, webhook, event)
    assert rows(hub, "SELECT count(*) FROM hub.delivery") == [(3,)]


def test_eight_threads_that_each_post_the_same_webhooks_leave_each_once(app: Flask, hub: Hub) -> None:
    start = threading.Barrier(8)

    def send(_: int) -> set[int]:
        client = app.test_client()
        start.wait(10)
        return {post(client, webhook_id=f"w-{n}", event_id=f"e-{n}").status_code for n in range(20)}

    with ThreadPoolExecutor(8) as pool:
        assert set().union(*pool.map(send, range(8))) == {202}
    assert kept(hub) == 20
    assert rows(hub, "SELECT count(*), count(DISTINCT event_id) FROM hub.delivery") == [(20, 20)]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"secret": "guessed"}, 401, "shopify.bad_signature"),
        ({"hmac_sha256": ""}, 401, "shopify.bad_signature"),
        ({"shop_domain": "other.myshopify.com"}, 401, "shopify.another_shop"),
        ({"topic": "orders/updated"}, 400, "shopify.wrong_topic"),
    ],
)
def test_what_nobody_vouches_for_is_refused_counted_and_not_kept(
    client: FlaskClient, hub: Hub, change: dict[str, str], status: int, code: str
) -> None:
    for _ in range(2):
        answer = post(client, **change)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
        assert answer.get_json()["title"] == code
    assert (kept(hub), rows(hub, REFUSED)) == (0, [("shop", code, 2)])
    assert f'hub_refusals_total{{connection="shop",reason="{code}"}} 2' in client.get("/metrics").text


def test_one_byte_changed_after_signing_is_refused(client: FlaskClient, hub: Hub) -> None:
    headers = dict(arrival(BODY, secret=SECRET).headers)
    answer = client.post("/webhooks/shop/orders/create", data=BODY.replace(b"1", b"2", 1), headers=headers)
    assert (answer.status_code, kept(hub)) == (401, 0)


def test_who_is_not_connected_and_what_is_too_large_is_refused(client: FlaskClient, hub: Hub) -> None:
    for path in ("/webhooks/nobody/orders/create", "/webhooks/shop/", "/webhooks/shop"):
        assert client.post(path, data=BODY).status_code == 404, path
    large = b"{" + b" " * MAX_BODY_BYTES
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        answer = client.post("/webhooks/shop/orders/create", data=large, headers=headers)
        assert (answer.status_code, answer.get_json()["title"]) == (413, "webhooks.too_large")
    assert kept(hub) == 0
    at_the_limit = BODY + b" " * (MAX_BODY_BYTES - len(BODY))
    assert post(client, body=at_the_limit).status_code == 202


def test_a_body_that_nobody_can_read_is_kept_since_its_signature_holds(client: FlaskClient, hub: Hub) -> None:
    assert post(client, body=b'{"id": 1, "lin').status_code == 202
    ((number, body),) = rows(hub, "SELECT id, body FROM hub.notice")
    assert bytes(body) == b'{"id": 1, "lin'
    assert rows(hub, "SELECT key FROM hub.event") == [(f"hub:notice:{number}",)], "it orders nothing but itself"


def test_a_vendor_that_punishes_a_refusal_gets_its_202_and_a_person_a_case(client: FlaskClient, hub: Hub) -> None:
    forged = {"value": [{"clientState": "guessed", "resource": f"companies({COMPANY})/salesShipments(1)"}]}
    for _ in range(2):
        assert client.post("/webhooks/erp/changes", json=forged).status_code == 202
    assert kept(hub) == 0
    assert [(connection, count) for connection, _, count in rows(hub, REFUSED)] == [("erp", 2)]
    assert rows(hub, "SELECT code, connection, count FROM hub.exception_case") == [("webhooks.refused", "erp", 2)]


def test_the_handshake_of_business_central_is_echoed_and_kept_nowhere(client: FlaskClient, hub: Hub) -> None:
    answer = client.post("/webhooks/erp/changes?validationToken=a%20token")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "a token", "text/plain")
    assert kept(hub) == 0


@pytest.mark.capability("RT-9")
def test_a_full_queue_of_stock_slows_a_shops_levels_and_never_its_orders(client: FlaskClient, hub: Hub) -> None:
    level = b'{"inventory_item_id": 1, "location_id": 2, "available": 3, "updated_at": "2026-11-20T08:30:06Z"}'
    assert post(client, "inventory_levels/update", level, webhook_id="l-1", event_id="l-1").status_code == 202
    hub.pressure.tell(Load(full=["inventory", "catalogue", "finance", "bulk"]))
    slowed = post(client, "inventory_levels/update", level, webhook_id="l-2", event_id="l-2")
    assert (slowed.status_code, slowed.get_json()["title"]) == (429, "hub.backlog_full")
    assert 20 <= int(slowed.headers["Retry-After"]) <= 40
    for n, topic in enumerate(("orders/create", "orders/cancelled", "refunds/create", "fulfillments/create")):
        assert post(client, topic, webhook_id=f"o-{n}", event_id=f"o-{n}").status_code == 202
    hub.pressure.tell(Load())
    assert post(client, "inventory_levels/update", level, webhook_id="l-2", event_id="l-2").status_code == 202


def test_a_connection_that_was_just_added_is_known_at_once(client: FlaskClient, hub: Hub) -> None:
    headers = dict(arrival(BODY, secret="another", shop_domain="new.myshopify.com").headers)
    assert client.post("/webhooks/new/orders/create", data=BODY, headers=headers).status_code == 404
    given = {"shop": "new.myshopify.com", "access_token": "t", "webhook_secret": "another"}
    with hub.unit_of_work() as uow:
        uow.session.add(ConnectionRow(name="new", adapter="shopify", title="New", settings=given))
    assert client.post("/webhooks/new/orders/create", data=BODY, headers=headers).status_code == 202
