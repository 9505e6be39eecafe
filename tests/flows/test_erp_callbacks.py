"""The hub's own contract for ERPs and warehouses, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api import erp
from app.domains.orders import api
from app.infra.web.auth import create_key
from app.infra.web.problems import ProblemApi, register_problems
from app.infra.web.wiring import wire
from tests.factories import an_order
from tests.flows.conftest import Story

SHIPMENT: dict[str, Any] = {
    "shipment_number": "S-1001", "order_number": "SO-1001", "shipped_at": "2026-11-20T18:00:00Z", "location": "EAST",
    "lines": [{"sequence": 1000, "sku": "TENT-2P-GRN", "quantity": "1"}],
    "packages": [{"tracking_number": "1Z1", "carrier": "UPS", "tracking_url": None}],
}  # fmt: skip
INVOICE: dict[str, Any] = {
    "invoice_number": "I-1", "order_number": "SO-1001", "invoiced_at": "2026-11-20T19:00:00Z",
    "total": {"amount": "25.00", "currency": "USD"}, "lines": [{"sequence": 1000, "quantity": "1", "amount": "25.00"}],
}  # fmt: skip
ACCEPTED = {"order_number": "SO-1001", "external_number": "WEB-450789469", "accepted_at": "2026-11-20T17:00:00Z"}


@pytest.fixture
def web(story: Story) -> FlaskClient:
    """The blueprints of this room on a hub of their own."""
    app = Flask("callbacks")
    app.config.update(API_TITLE="Roundhouse", API_VERSION="v1", OPENAPI_VERSION="3.0.3")
    wire(app, story.crank.hub)
    blueprints = ProblemApi(app)
    register_problems(app)
    blueprints.register_blueprint(erp.blueprint)
    blueprints.register_blueprint(api.blueprint)
    return app.test_client()


def key_of(story: Story, *scopes: str, connection: str = "") -> dict[str, str]:
    with story.crank.uow() as uow:
        _, key = create_key(uow, name="warehouse", scopes=scopes, connection=connection)
    return {"Authorization": f"Bearer {key}"}


def notices(story: Story) -> int:
    return int(story.crank.rows("SELECT count(*) FROM hub.notice")[0][0])


@pytest.mark.capability("RT-1", "ORD-6")
def test_shipment_invoice_and_acceptance_are_kept_acknowledged_and_carried_out(story: Story, web: FlaskClient) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    key = key_of(story, "erp:write", connection="erp")
    for what, body in (("orders", ACCEPTED), ("shipments", SHIPMENT), ("invoices", INVOICE)):
        answer = web.post(f"/erp/erp/{what}", json=body, headers=key)
        assert (answer.status_code, answer.json["repeated"]) == (202, False)
    story.settle()
    assert (story.state(), len(story.shop.shown), story.cases()) == ("shipped", 1, {})
    assert story.crank.rows("SELECT source FROM hub.notice ORDER BY id")[1:] == [("erp_callback",)] * 3
    assert story.crank.rows("SELECT count(*) FROM hub.notice WHERE headers ? 'authorization'") == [(0,)]


@pytest.mark.capability("RT-1")
def test_a_repeat_is_kept_once_and_another_body_under_its_key_is_refused(story: Story, web: FlaskClient) -> None:
    key = key_of(story, "erp:write") | {"Idempotency-Key": "k-1"}
    first = web.post("/erp/erp/shipments", json=SHIPMENT, headers=key)
    again = web.post("/erp/erp/shipments", json=SHIPMENT, headers=key)
    assert again.json == {"notice_id": first.json["notice_id"], "repeated": True}
    for other in (SHIPMENT | {"location": "WEST"}, SHIPMENT | {"order_number": "SO-7"}):
        refused = web.post("/erp/erp/shipments", json=other, headers=key)
        assert (refused.status_code, refused.json["title"]) == (409, "erp.key_reused")
    assert notices(story) == 1


def test_without_a_key_the_number_and_the_body_tell_a_repeat(story: Story, web: FlaskClient) -> None:
    key = key_of(story, "erp:write")
    more = SHIPMENT | {"packages": []}
    answers = [web.post("/erp/erp/shipments", json=body, headers=key).json for body in (SHIPMENT, SHIPMENT, more)]
    assert [answer["repeated"] for answer in answers] == [False, True, False]
    assert notices(story) == 2


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("shipments", SHIPMENT | {"surprise": 1}, "surprise"),
        ("shipments", SHIPMENT | {"lines": []}, "lines"),
        ("shipments", SHIPMENT | {"shipped_at": "2026-11-20T18:00:00"}, "shipped_at"),
        ("shipments", SHIPMENT | {"lines": [{"quantity": "1"}]}, "lines.0.sequence"),
        ("shipments", SHIPMENT | {"lines": [{"sku": "X", "quantity": "NaN"}]}, "lines.0.quantity"),
        ("shipments", SHIPMENT | {"lines": [{"sku": "X", "quantity": "0"}]}, "lines.0.quantity"),
        ("shipments", {"order_number": "SO-1"}, "shipment_number"),
        ("invoices", INVOICE | {"total": {"amount": "12.345", "currency": "USD"}}, "total.amount"),
        ("invoices", INVOICE | {"total": {"amount": "12", "currency": "dollars"}}, "total.currency"),
        ("invoices", INVOICE | {"lines": [{"sequence": 1, "quantity": "1", "amount": "x"}]}, "lines.0.amount"),
        ("orders", ACCEPTED | {"order_number": ""}, "order_number"),
        ("orders", ACCEPTED | {"order_number": "SO\x001"}, "order_number"),
        ("shipments", SHIPMENT | {"lines": [{"sku": "X\x00", "quantity": "1"}]}, "lines.0.sku"),
    ],
)
def test_a_body_that_breaks_a_rule_names_the_field_and_is_not_kept(
    story: Story, web: FlaskClient, what: str, body: dict[str, Any], field: str
) -> None:
    answer = web.post(f"/erp/erp/{what}", json=body, headers=key_of(story, "erp:write"))
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert field in [error["field"] for error in answer.json["errors"]]
    assert notices(story) == 0


def test_who_may_not_is_refused_before_anything_is_read(story: Story, web: FlaskClient) -> None:
    cases = [
        ({}, 401),
        (key_of(story, "orders:read"), 403),
        (key_of(story, "erp:write", connection="other"), 403),
    ]
    for headers, status in cases:
        assert web.post("/erp/erp/shipments", data=b"not json", headers=headers).status_code == status
    unknown = web.post("/erp/nowhere/shipments", json=SHIPMENT, headers=key_of(story, "erp:write"))
    assert (unknown.status_code, unknown.json["title"]) == (404, "connections.unknown")
    assert notices(story) == 0


@pytest.mark.capability("ORD-10", "RT-12")
def test_an_order_is_found_by_any_systems_number_with_its_whole_story(story: Story, web: FlaskClient) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    web.post("/erp/erp/shipments", json=SHIPMENT, headers=key_of(story, "erp:write"))
    web.post(
        "/erp/erp/invoices",
        json=INVOICE | {"total": {"amount": "1.00", "currency": "USD"}},
        headers=key_of(story, "erp:write"),
    )
    story.settle()
    key, mine = key_of(story, "orders:read"), story.order_id()
    for number, kind in [
        ("#1001", "order"), ("1001", "order"), ("450789469", "order"), ("SO-1001", "ERP order"),
        ("S-1001", "shipment"), ("1Z1", "tracking"), ("I-1", "invoice"),
    ]:  # fmt: skip
        hits = web.get(f"/api/v1/orders/by-number/{number.replace('#', '%23')}", headers=key).json["hits"]
        assert [(hit["order_id"], hit["kind"]) for hit in hits] == [(mine, kind)]
    assert web.get("/api/v1/orders/by-number/nothing", headers=key).json == {"hits": []}
    entries = web.get(f"/api/v1/orders/{mine}/timeline", headers=key).json["entries"]
    told = {(entry["kind"], entry["what"]) for entry in entries}
    assert told >= {
        ("notice", "orders/create"), ("notice", "erp/shipments"), ("notice", "erp/invoices"),
        ("event", "orders.order_captured.v1"), ("event", "inventory.stock_reserved.v1"),
        ("delivery", "intake.take_in"), ("delivery", "order_to_cash.post_to_erp"),
        ("attempt", "order_to_cash.post_to_erp"), ("version", "orders/create"), ("move", "post"),
        ("shipment", "S-1001"), ("delivery", "shipments.ship_in_channel"), ("invoice", "I-1"),
    }  # fmt: skip
    assert [entry["code"] for entry in entries if entry["kind"] == "case"] == ["erp.invoice_differs"]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


def test_an_order_is_read_with_an_etag_that_moves_with_it(story: Story, web: FlaskClient) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    key, where = key_of(story, "orders:read"), f"/api/v1/orders/{story.order_id()}"
    first = web.get(where, headers=key)
    assert first.json["total"] == {"amount": "25.00", "currency": "USD"}
    assert [document["number"] for document in first.json["erp_documents"]] == ["SO-1001"]
    same = web.get(where, headers=key | {"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304
    story.call_back("shipments", SHIPMENT)
    story.settle()
    moved = web.get(where, headers=key | {"If-None-Match": first.headers["ETag"]})
    assert (moved.status_code, moved.json["state"]) == (200, "shipped")
    assert web.get("/api/v1/orders/01900000-0000-7000-8000-000000000000", headers=key).status_code == 404


def test_the_list_of_orders_goes_page_by_page_newest_first(story: Story, web: FlaskClient) -> None:
    story.stock(TENT_2P_GRN=9)
    for n in range(5):
        story.post("orders/create", an_order(external_id=str(n), name=f"#{n}", total="24.00" if n == 3 else None))
        story.settle()
    key = key_of(story, "orders:read")
    seen, cursor = [], ""
    while True:
        page = web.get(f"/api/v1/orders?limit=2{cursor}", headers=key).json
        seen += [order["name"] for order in page["orders"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["#4", "#3", "#2", "#1", "#0"]
    held = web.get("/api/v1/orders?state=held", headers=key).json["orders"]
    assert [(order["name"], order["hold"]) for order in held] == [("#3", "totals")]
    assert web.get("/api/v1/orders?state=lost", headers=key).status_code == 422
