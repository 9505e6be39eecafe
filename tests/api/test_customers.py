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


@pytest.mark.capability("CUS-1", "ORD-9")
def test_a_company_gets_places_and_people_and_tells_its_room(client: FlaskClient, shop: Hub, key: Key) -> None:
    company, person = known(shop, external_id="2", company="Harper Ltd"), known(shop)
    headers, address = key(READ, WRITE), f"/api/v1/customers/{company}"
    dock = {"name": "Dock", "line1": "1 Quay", "country_code": "GB", "connection": "shop", "external_id": "44"}
    place = client.post(f"{address}/locations", json=dock, headers=headers)
    assert place.status_code == 201, place.get_json()
    again = client.post(f"{address}/locations", json={**dock, "line1": "2 Quay"}, headers=headers)
    assert again.get_json() == place.get_json()
    role = {"role": "buyer", "location_id": place.get_json()["location_id"]}
    assert client.put(f"{address}/members/{person}", json=role, headers=headers).status_code == 204
    terms = {"credit_terms": {"currency": "GBP", "limit": "2500.00", "days": 30}}
    shown = client.patch(address, json=terms, headers=headers).get_json()
    assert [(one["name"], one["line1"], one["connection"]) for one in shown["locations"]] == [
        ("Dock", "2 Quay", "shop")
    ]
    assert [one["role"] for one in shown["members"]] == ["buyer"]
    assert shown["credit_room"] == {
        "balance": None, "open_orders": "0.00 GBP", "open_count": 0, "strange": 0, "left": "2500.00 GBP",
    }  # fmt: skip
    assert client.delete(f"{address}/members/{person}", headers=headers).status_code == 204
    assert client.delete(f"{address}/members/{person}", headers=headers).status_code == 404


@pytest.mark.capability("CUS-1")
def test_what_is_no_company_or_no_place_of_it_is_refused_by_name(client: FlaskClient, shop: Hub, key: Key) -> None:
    company, person = known(shop, external_id="2", company="Harper Ltd"), known(shop)
    headers = key(READ, WRITE)
    refused = client.post(f"/api/v1/customers/{person}/locations", json={"name": "Dock"}, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/admin/runbooks/customers.not_a_company")
    wrong = {"location_id": person}
    refused = client.put(f"/api/v1/customers/{company}/members/{person}", json=wrong, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/admin/runbooks/customers.location")
    nowhere = {"name": "Dock", "connection": "nowhere", "external_id": "1"}
    assert client.post(f"/api/v1/customers/{company}/locations", json=nowhere, headers=headers).status_code == 404
    headers = key(READ)
    assert client.post(f"/api/v1/customers/{company}/locations", json={"name": "D"}, headers=headers).status_code == 403


@pytest.mark.capability("CUS-1")
def test_accounts_that_may_be_one_are_told_with_the_account(client: FlaskClient, shop: Hub, key: Key) -> None:
    first, other = known(shop), known(shop, external_id="2")
    headers = key(READ)
    assert client.get(f"/api/v1/customers/{first}", headers=headers).get_json()["possible_duplicates"] == [other]
    (pair,) = client.get(f"/api/v1/customers/{first}/duplicates", headers=headers).get_json()["pairs"]
    assert pair["score"] == 55


@pytest.mark.capability("CUS-1")
def test_a_connection_without_customers_is_no_source(client: FlaskClient, shop: Hub, key: Key) -> None:
    for path in ("imports", "alignments"):
        asked = client.post(f"/api/v1/customers/{path}", json={"connection": "shop"}, headers=key(WRITE))
        assert (asked.status_code, asked.get_json()["type"]) == (409, "/admin/runbooks/customers.no_source")
