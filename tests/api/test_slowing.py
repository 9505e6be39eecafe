"""Back-pressure at the door: low-priority work is asked to come back, orders never are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.infra.backlog import Load
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub
from app.infra.remote.spec import Arrival, Notice
from tests.runtime.conftest import Dedupe, spec

INVOICE = {
    "order_number": "SO-1", "invoice_number": "I-1", "invoiced_at": "2026-11-20T18:00:00Z",
    "total": {"amount": "10.00", "currency": "USD"},
}  # fmt: skip


def verify(arrival: Arrival, settings: Any) -> Notice:
    return Notice(topic=arrival.topic, external_ids=(f"webhook:{arrival.headers['x-id']}",))


COUNTED = "SELECT label, sum(n) FROM hub.tally WHERE name = 'intake_slowed' AND label LIKE '%catalogue' GROUP BY 1"
TRIAL = replace(spec(Dedupe.LOOKUP), verify=verify, topic_queues={"products/update": "catalogue"})


@pytest.fixture(params=[None, 202], ids=["plain", "punishing"])
def shop(hub: Hub, request: pytest.FixtureRequest) -> Iterator[int | None]:
    """A channel whose product messages are catalogue work; the second kind punishes a 4xx."""
    before = hub.connections._adapter
    hub.connections._adapter = lambda _: replace(TRIAL, refusal_status=request.param)
    with hub.unit_of_work() as uow:
        uow.session.add(
            ConnectionRow(name="shop", adapter="trial", title="shop", version=request.param or 1, settings={})
        )
    hub.connections.forget()
    yield request.param
    hub.connections._adapter = before
    hub.connections.forget()
    hub.pressure.tell(Load())


@pytest.mark.capability("RT-9")
def test_a_full_queue_slows_its_topics_and_orders_pass(client: FlaskClient, hub: Hub, shop: int | None) -> None:
    hub.pressure.tell(Load(full=["catalogue", "inventory", "finance", "bulk"]))
    slowed = client.post("/webhooks/shop/products/update", data=b"{}", headers={"X-Id": "1"})
    passed = client.post("/webhooks/shop/orders/create", data=b"{}", headers={"X-Id": "2"})
    assert passed.status_code == 202
    if shop is not None:  # what a vendor would punish is kept, and waits inside
        assert slowed.status_code == 202
        return
    assert (slowed.status_code, slowed.content_type) == (429, "application/problem+json")
    assert slowed.json is not None
    assert slowed.json["title"] == "hub.backlog_full"
    assert 20 <= int(slowed.headers["Retry-After"]) <= 40
    hub.pressure.tell(Load())
    again = client.post("/webhooks/shop/products/update", data=b"{}", headers={"X-Id": "1"})
    assert again.status_code == 202
    hub.pressure.flush()
    with hub.unit_of_work() as uow:
        counted = uow.sql(COUNTED).fetchall()
    assert counted == [("shop|catalogue", 1)]


@pytest.mark.capability("RT-9")
def test_an_erps_invoices_are_slowed_and_its_shipments_are_not(
    client: FlaskClient, hub: Hub, key: Callable[..., dict[str, str]], shop: int | None
) -> None:
    hub.pressure.tell(Load(full=["finance"]))
    let_in = key("erp:write")
    slowed = client.post("/erp/shop/invoices", json=INVOICE, headers=let_in)
    assert slowed.json is not None
    assert (slowed.status_code, slowed.json["title"]) == (429, "hub.backlog_full"), slowed.json
    shipment = {
        "shipment_number": "S-1", "order_number": "SO-1", "shipped_at": "2026-11-20T18:00:00Z",
        "lines": [{"sku": "TENT", "quantity": "1"}],
    }  # fmt: skip
    assert client.post("/erp/shop/shipments", json=shipment, headers=let_in).status_code == 202


def test_while_redis_tells_nothing_nobody_is_slowed(client: FlaskClient, hub: Hub, shop: int | None) -> None:
    hub.redis.flushdb()
    hub.pressure.look()
    assert client.post("/webhooks/shop/products/update", data=b"{}", headers={"X-Id": "1"}).status_code == 202


@pytest.mark.parametrize("path", ["/webhooks/shop/orders%00/create", "/webhooks/sh%00op/orders/create"])
def test_a_nul_in_the_path_is_refused_as_the_senders_mistake(client: FlaskClient, shop: int | None, path: str) -> None:
    assert 400 <= client.post(path, data=b"{}", headers={"X-Id": "9"}).status_code < 500
