"""Flags, routes, shadows, drains and cut-over reports for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.infra.connecting import add_connection
from app.infra.hub import Hub
from tests.console.browser import SETTINGS, acts, capture, connect

Key = Callable[..., dict[str, str]]
READ, WRITE = "operations:read", "operations:write"
TENTH = {"percent": "10", "connection": "erp", "reason": "the first tenth"}
API = "/api/v1"


@pytest.fixture
def two_erps(hub: Hub) -> None:
    connect(hub, "erp")
    with hub.unit_of_work() as uow:
        add_connection(
            uow, name="erp-new", adapter="business_central", settings=SETTINGS["erp"], who="setup", title="New"
        )


@pytest.mark.capability("RT-13")
def test_a_flag_is_set_explained_and_listed(client: FlaskClient, key: Key, hub: Hub, two_erps: None) -> None:
    done = client.put(f"{API}/flags/erp.posting", json=TENTH, headers=key(WRITE))
    assert (done.status_code, done.get_json()) == (200, {"flag": "erp.posting", "percent": "10"})
    asked = client.get(f"{API}/flags/erp.posting?key=orders:1&connection=erp", headers=key(READ)).get_json()
    assert asked == {
        "flag": "erp.posting", "key": "orders:1", "passes": False, "percent": "10.00", "slot": "37.76",
        "because": "connection erp",
    }  # fmt: skip
    elsewhere = client.get(f"{API}/flags/erp.posting?key=orders:1", headers=key(READ)).get_json()
    assert (elsewhere["passes"], elsewhere["because"]) == (True, "the default")
    listed = {one["name"]: one for one in client.get(f"{API}/flags", headers=key(READ)).get_json()["flags"]}
    assert listed["erp.posting"]["rules"] == [{"scope": "connection erp", "percent": "10.00"}]
    assert listed["calls.outside"]["rules"] == []
    assert ("key:a program", "set a flag", "the first tenth") in acts(hub)


@pytest.mark.capability("RT-13")
@pytest.mark.parametrize(
    ("flag", "change", "status", "title"),
    [
        ("erp.postings", {}, 422, "flags.unknown"),
        ("erp.posting", {"percent": "110"}, 422, "flags.percent"),
        ("erp.posting", {"connection": "nobody"}, 404, "connections.unknown"),
        ("erp.posting", {"domain": "poetry"}, 422, "flags.scope"),
        ("erp.posting", {"reason": ""}, 422, None),
        ("erp.posting", {"until": "tomorrow"}, 422, None),
    ],
)
def test_a_flag_that_cannot_be_is_a_problem_and_changes_nothing(
    client: FlaskClient, key: Key, hub: Hub, two_erps: None, flag: str, change: dict[str, str], status: int,
    title: str | None,
) -> None:  # fmt: skip
    answer = client.put(f"{API}/flags/{flag}", json={**TENTH, **change}, headers=key(WRITE))
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    if title is not None:
        assert answer.get_json()["title"] == title
    with hub.unit_of_work() as uow:
        assert uow.sql("SELECT FROM hub.flag_rule").fetchall() == []


@pytest.mark.capability("RT-13")
def test_a_connection_is_drained_once_and_says_how_far_it_is(
    client: FlaskClient, key: Key, hub: Hub, two_erps: None
) -> None:
    path = f"{API}/connections/erp/drain"
    assert client.get(path, headers=key(READ)).get_json()["state"] == "on"
    given = {**key(WRITE, connection="erp"), "Idempotency-Key": "drain-1"}
    for _ in range(2):  # the repeat gets the first answer
        answer = client.post(path, json={"reason": "it is moved"}, headers=given)
        assert (answer.status_code, answer.get_json()["state"]) == (200, "draining")
    assert client.post(path, json={"reason": "again"}, headers=key(WRITE)).status_code == 409
    assert client.post(path, json={}, headers=key(WRITE)).status_code == 422
    far = client.get(path, headers=key(READ, connection="erp")).get_json()
    assert (far["state"], far["ready"], far["is_empty"]) == ("draining", 1, False), "its subscriptions are looked after"
    assert acts(hub).count(("key:a program", "began to drain a connection", "it is moved")) == 1


@pytest.mark.capability("RT-14")
def test_a_cut_over_report_is_begun_and_read(client: FlaskClient, key: Key, hub: Hub, two_erps: None) -> None:
    capture(hub)
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE orders.sales_order SET accepted_version = version")
    wish = {
        "old": "erp",
        "new": "erp-new",
        "placed_from": "2000-01-01T00:00:00Z",
        "placed_until": "2100-01-01T00:00:00Z",
    }
    begun = client.post(f"{API}/cut-overs", json=wish, headers=key(WRITE))
    assert (begun.status_code, begun.get_json()["orders"]) == (202, 1)
    shown = client.get(f"{API}/cut-overs/{begun.get_json()['id']}", headers=key(READ)).get_json()
    assert (shown["done"], shown["counts"], len(shown["orders"])) == (False, {"asked": 1}, 1)
    for change, status, title in (
        ({"new": "erp"}, 422, "cut_over.same"),
        ({"new": "nobody"}, 404, "connections.unknown"),
        ({"placed_until": "2000-01-01T00:00:00Z"}, 422, "cut_over.dates"),
        ({"placed_until": "2000-01-02T00:00:00Z"}, 422, "cut_over.nothing"),
    ):
        answer = client.post(f"{API}/cut-overs", json={**wish, **change}, headers=key(WRITE))
        assert (answer.status_code, answer.get_json()["title"]) == (status, title)
    unknown = client.get(f"{API}/cut-overs/0191fdc0-e24a-727c-a2d0-649fa8847915", headers=key(READ))
    assert (unknown.status_code, unknown.get_json()["title"]) == (404, "cut_over.unknown")


@pytest.mark.capability("RT-14")
def test_routes_and_shadows_are_listed(client: FlaskClient, key: Key, hub: Hub, two_erps: None) -> None:
    (route,) = client.get(f"{API}/routes", headers=key(READ)).get_json()["routes"]
    assert (route["role"], route["connection"], route["mode"], route["share"]) == ("erp", "erp", "live", 100)
    assert client.get(f"{API}/shadow?connection=erp", headers=key(READ)).get_json() == {"pairs": []}
    assert client.get(f"{API}/shadow?days=91", headers=key(READ)).status_code == 422


@pytest.mark.capability("SEC-2")
def test_only_a_key_for_the_whole_hub_steers_it_and_none_without_the_scope(
    client: FlaskClient, key: Key, hub: Hub, two_erps: None
) -> None:
    bound = key(READ, WRITE, connection="erp-new")
    for path in ("flags", "flags/erp.posting?key=1", "routes", "shadow"):
        assert client.get(f"{API}/{path}", headers=bound).status_code == 403
        assert client.get(f"{API}/{path}").status_code == 401
        assert client.get(f"{API}/{path}", headers=key("erp:write")).status_code == 403
    assert client.put(f"{API}/flags/erp.posting", json=TENTH, headers=bound).status_code == 403
    assert client.put(f"{API}/flags/erp.posting", json=TENTH, headers=key(READ)).status_code == 403
    assert client.post(f"{API}/connections/erp/drain", json={"reason": "x"}, headers=bound).status_code == 403
    with hub.unit_of_work() as uow:
        assert uow.sql("SELECT state FROM hub.connection WHERE name = 'erp'").fetchall() == [("on",)]
