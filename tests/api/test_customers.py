"""Customers for programs, and a privacy webhook from its signature to its proof."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import registry
from app.domains.customers import service
from app.domains.customers.canonical import Buyer
from app.infra.connecting import add_connection
from app.infra.hub import Hub
from app.settings import Settings
from tests.adapters.shopify.deliveries import signature
from tests.adapters.shopify.test_privacy import BODIES
from tests.hub import Crank

Key = Callable[..., dict[str, str]]
READ, WRITE, PRIVACY = "customers:read", "customers:write", "privacy"


@pytest.fixture
def shop(hub: Hub) -> Hub:
    given = {"shop": "demo.myshopify.com", "access_token": "t", "webhook_secret": "hush"}
    with hub.unit_of_work() as uow:
        add_connection(uow, name="shop", adapter="shopify", who="june", settings=given)
    hub.connections.forget()
    return hub


@pytest.fixture
def crank(settings: Settings, shop: Hub) -> Iterator[Crank]:
    made = Crank(settings, adapter=registry.adapter)
    yield made
    made.close()


def known(hub: Hub, **changes: Any) -> str:
    given: dict[str, Any] = {"connection": "shop", "order_key": "1", "external_id": "191167", "country": "GB",
                             "email": "june.harper@example.com", "name": "June Harper"}  # fmt: skip
    with hub.unit_of_work() as uow:
        return service.match_many(uow, [Buyer(**{**given, **changes})])[0]


def told(client: FlaskClient, topic: str, secret: str = "hush", number: str = "w-1") -> int:
    body = json.dumps(BODIES[topic]).encode()
    headers = {
        "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "demo.myshopify.com", "X-Shopify-Webhook-Id": number,
        "X-Shopify-Hmac-Sha256": signature(body, secret), "X-Shopify-Api-Version": "2026-10",
    }  # fmt: skip
    return client.post(f"/webhooks/shop/{topic}", data=body, headers=headers).status_code


@pytest.mark.capability("CUS-2")
def test_a_signed_redaction_is_answered_at_once_and_done_once(
    client: FlaskClient, crank: Crank, hub: Hub, key: Key
) -> None:
    found = known(hub)
    assert told(client, "customers/redact", "somebody else's") == 401
    assert [told(client, "customers/redact"), told(client, "customers/redact")] == [202, 202]
    crank.settle()

    answer = client.get("/api/v1/customers/privacy", headers=key(PRIVACY)).get_json()
    (request,) = answer["requests"]
    assert (request["kind"], request["state"], request["source"]) == ("erase", "answered", "channel")
    assert request["proof"]["erased"]["accounts"] == 1
    shown = client.get(f"/api/v1/customers/{found}", headers=key(READ)).get_json()
    assert (shown["name"], shown["email"], shown["known_as"]) == ("", "", [])
    assert shown["erased_at"] is not None


@pytest.mark.capability("CUS-2")
def test_a_data_request_becomes_a_file_that_is_fetched_and_handed_over(
    client: FlaskClient, crank: Crank, hub: Hub, key: Key
) -> None:
    known(hub)
    assert told(client, "customers/data_request") == 202
    crank.settle()
    (request,) = client.get("/api/v1/customers/privacy?pending=true", headers=key(PRIVACY)).get_json()["requests"]
    address = f"/api/v1/customers/privacy/{request['request_id']}"

    assert client.get(f"{address}/file", headers=key(READ)).status_code == 403
    file = client.get(f"{address}/file", headers=key(PRIVACY))
    assert file.get_json()["accounts"][0]["email"] == "june.harper@example.com"
    assert file.headers["Cache-Control"] == "no-store"
    assert client.post(f"{address}/handed-over", json={"reason": "by post"}, headers=key(PRIVACY)).status_code == 204
    assert client.get(f"{address}/file", headers=key(PRIVACY)).status_code == 404
    assert client.get(address, headers=key(PRIVACY)).get_json()["state"] == "answered"


@pytest.mark.capability("CUS-2")
def test_a_program_asks_for_an_erasure_of_one_person_and_names_how(client: FlaskClient, hub: Hub, key: Key) -> None:
    found, headers = known(hub), key(PRIVACY)
    address = "/api/v1/customers/privacy"
    for wrong in ({}, {"account_id": found, "email": "a@example.org"}, {"ask": "erase_shop", "account_id": found}):
        body = {"ask": "erase", "reason": "she wrote", **wrong}
        assert client.post(address, json=body, headers=headers).status_code == 422
    made = client.post(address, json={"ask": "erase", "reason": "she wrote", "account_id": found}, headers=headers)
    assert (made.status_code, made.get_json()["state"]) == (202, "open")


@pytest.mark.capability("CUS-1")
def test_a_customer_is_found_changed_and_read_back_whole(client: FlaskClient, hub: Hub, key: Key) -> None:
    found, headers = known(hub, company="Harper Ltd"), key(READ, WRITE)
    address = f"/api/v1/customers/{found}"
    change = {
        "contact_points": [{"kind": "phone", "value": "020 7946 0000", "verified": True}],
        "tax_ids": ["GB 980 7806 84"],
        "consents": [{"purpose": "email", "state": "granted", "given_at": "2026-01-02T03:04:05Z"}],
        "credit_terms": {"currency": "GBP", "limit": "2500.00", "days": 30}, "groups": ["trade"],
    }  # fmt: skip
    changed = client.patch(address, json=change, headers=headers)
    assert changed.status_code == 200, changed.get_json()
    shown = client.get(address, headers=headers).get_json()
    assert shown == changed.get_json()
    assert (shown["tax_ids"], shown["groups"], shown["credit_terms"]["limit_minor"]) == (
        ["GB980780684"],
        ["trade"],
        250000,
    )
    assert shown["contact_points"][0]["value"] == "+442079460000"
    assert shown["consents"][0]["state"] == "granted"

    for q in ("june.harper@example.com", "+442079460000", "GB980780684", "191167", found):
        page = client.get("/api/v1/customers", query_string={"q": q}, headers=headers).get_json()
        assert [one["account_id"] for one in page["customers"]] == [found], q
    assert client.get("/api/v1/customers?group=trade&limit=1", headers=headers).get_json()["next"] is None
    assert client.get(address, headers=key("orders:read")).status_code == 403


@pytest.mark.capability("CUS-1")
def test_a_change_with_one_wrong_part_changes_nothing(client: FlaskClient, hub: Hub, key: Key) -> None:
    found, headers = known(hub), key(READ, WRITE)
    change = {"groups": ["vip"], "tax_ids": ["DE136695977"]}
    refused = client.patch(f"/api/v1/customers/{found}", json=change, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/admin/runbooks/customers.tax_id")
    assert client.get(f"/api/v1/customers/{found}", headers=headers).get_json()["groups"] == []


@pytest.mark.capability("CUS-1")
def test_a_channels_own_key_may_not_set_credit_terms(client: FlaskClient, shop: Hub, key: Key) -> None:
    found = known(shop)
    headers = key(READ, WRITE, connection="shop")
    terms = {"credit_terms": {"currency": "GBP", "days": 30}}
    refused = client.patch(f"/api/v1/customers/{found}", json=terms, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (403, "/admin/runbooks/customers.not_owned")
    with shop.unit_of_work() as uow:
        noted = uow.sql("SELECT entity, field_group, source, state, count FROM hub.foreign_update").fetchall()
    assert noted == [("customer", "terms", "shop", "refused", 1)]
    agreed = {"consents": [{"purpose": "sms", "state": "withdrawn", "given_at": "2026-01-02T03:04:05Z"}]}
    shown = client.patch(f"/api/v1/customers/{found}", json=agreed, headers=headers).get_json()
    assert shown["consents"][0]["source"] == "shop"


@pytest.mark.capability("CUS-1")
def test_a_pair_is_merged_and_parted_again_by_a_program(client: FlaskClient, hub: Hub, key: Key) -> None:
    first, other = known(hub), known(hub, external_id="2")
    headers = key(READ, WRITE)
    (pair,) = client.get("/api/v1/customers/duplicates", headers=headers).get_json()["pairs"]
    assert ({pair["one"]["account_id"], pair["other"]["account_id"]}, pair["score"]) == ({first, other}, 55)
    merged = client.post(
        f"/api/v1/customers/{first}/merge", json={"merged_id": other, "reason": "same"}, headers=headers
    )
    assert client.get(f"/api/v1/customers/{other}", headers=headers).get_json()["merged_into"] == first
    undo = f"/api/v1/customers/merges/{merged.get_json()['merge_id']}/undo"
    assert client.post(undo, json={"reason": "not the same"}, headers=headers).status_code == 204
    apart = {"account_id": first, "other_id": other, "reason": "sisters"}
    assert client.post("/api/v1/customers/duplicates/keep-apart", json=apart, headers=headers).status_code == 204
    assert client.get("/api/v1/customers/duplicates", headers=headers).get_json()["pairs"] == []
