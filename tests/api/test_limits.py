"""Breakers and quotas for programs and for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.infra.connections import ConnectionRow
from app.infra.hub import Hub

Key = Callable[..., dict[str, str]]
READ, WRITE = "operations:read", "operations:write"


@pytest.fixture
def shop(hub: Hub) -> str:
    given = {"shop": "demo.myshopify.com", "access_token": "t", "webhook_secret": "s"}
    with hub.unit_of_work() as uow:
        uow.session.add(ConnectionRow(name="shop", adapter="shopify", title="Shop", settings=given))
    hub.connections.forget()
    hub.gates.breakers._known.clear()
    return "/api/v1/connections/shop"


@pytest.mark.capability("RT-7")
def test_a_breaker_is_seen_tripped_and_reset(client: FlaskClient, key: Key, shop: str, hub: Hub):
    assert client.get(f"{shop}/breaker", headers=key(READ)).get_json()["state"] == "closed"
    may = key(WRITE)
    assert client.post(f"{shop}/breaker/trip", json={}, headers=may).status_code == 422
    tripped = client.post(f"{shop}/breaker/trip", json={"reason": "month end"}, headers=may)
    assert (tripped.get_json()["state"], tripped.get_json()["why"]) == ("held", "month end")
    said = client.get("/metrics").get_data(as_text=True)
    assert 'hub_breaker_state{connection="shop",state="held"} 1' in said
    assert 'hub_breaker_state{connection="shop",state="closed"} 0' in said
    assert client.post(f"{shop}/breaker/reset", json={}, headers=may).get_json()["state"] == "closed"
    again = client.post(f"{shop}/breaker/reset", json={}, headers=may)
    assert (again.status_code, again.get_json()["title"]) == (409, "connections.breaker_closed")


@pytest.mark.capability("RT-8")
def test_quotas_are_shown_with_who_spent_them(client: FlaskClient, key: Key, shop: str, hub: Hub):
    with hub.unit_of_work() as uow:
        gate = hub.connections.get(uow.session, "shop").gate
    assert gate is not None
    permit = gate.permits(gate.admit("bulk", 1), "bulk", 1)[0]
    permit.took({"points": 50.0}, {"points": 50.0})
    gate.close(permit)
    gate.flush()
    quotas = client.get(f"{shop}/quotas", headers=key(READ)).get_json()["quotas"]
    assert [(one["name"], one["kind"], one["limit"], one["spent_hour"]) for one in quotas] == [
        ("points", "graphql_cost", 2000.0, {"bulk": 50.0})
    ]
    said = client.get("/metrics").get_data(as_text=True)
    assert 'hub_quota_limit{connection="shop",quota="points"} 2000' in said
    assert 'hub_quota_spent_hour{connection="shop",quota="points",purpose="bulk"} 50' in said


def test_a_key_of_another_connection_sees_none_of_it(client: FlaskClient, key: Key, shop: str):
    bound = key(READ, WRITE, connection="erp")
    for path in ("breaker", "quotas"):
        assert client.get(f"{shop}/{path}", headers=bound).status_code == 403
    assert client.post(f"{shop}/breaker/trip", json={"reason": "x"}, headers=bound).status_code == 403
