"""What an operator's program may see and do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.infra.cases import open_case
from app.infra.connecting import pause_connection
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub

Key = Callable[..., dict[str, str]]
READ, WRITE = "operations:read", "operations:write"


@pytest.fixture
def work(hub: Hub) -> Hub:
    """Five deliveries of step `a.step`: 1 done, 2 parked at the shop, 3 behind it, 4 and 5 due at the ERP."""
    rows = [
        ("done", "", None),
        ("parked", "shop", "l"),
        ("behind", "shop", "l"),
        ("due", "erp", "m"),
        ("due", "erp", "n"),
    ]
    with hub.unit_of_work() as uow:
        for n, (state, connection, lane) in enumerate(rows, 1):
            code = "a.code" if state == "parked" else None
            given = {"n": n, "connection": connection, "lane": lane, "state": state, "code": code}
            uow.sql(
                "INSERT INTO hub.event (id, type, key, payload, correlation_id) "
                "VALUES (%(n)s, 'a.fact.v1', 'a:' || %(n)s, '{}', 'c-1')",
                given,
            )
            uow.sql(
                "INSERT INTO hub.delivery (event_id, subscriber, connection, id, queue, partition, lane, state, code) "
                "VALUES (%(n)s, 'a.step', %(connection)s, %(n)s + 100, 'orders', 0, %(lane)s, %(state)s, %(code)s)",
                given,
            )
        uow.sql("SELECT setval('hub.event_id', 1000), setval('hub.delivery_id', 1000)")  # the ids above were chosen
        uow.sql(
            "INSERT INTO hub.attempt (event_id, delivery, n, started_at, ended_at, outcome, code, said) "
            "VALUES (2, 102, 1, now(), now(), 'parked', 'a.code', 'No.')"
        )
        for name in ("shop", "erp"):
            uow.session.add(ConnectionRow(name=name, adapter="shopify", title=name.title()))
    return hub


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["id"] for row in answer.get_json()["deliveries"]]


def state_of(hub: Hub, delivery: int) -> str:
    with hub.unit_of_work() as uow:
        return str(uow.sql("SELECT state FROM hub.delivery WHERE id = %(id)s", {"id": delivery}).fetchall()[0][0])


class TestDeliveries:
    def test_they_are_listed_newest_first_and_filtered(self, work: Hub, client: FlaskClient, key: Key) -> None:
        headers = key(READ)
        assert ids(client.get("/api/v1/deliveries", headers=headers)) == [105, 104, 103, 102, 101]
        assert ids(client.get("/api/v1/deliveries?state=due&connection=erp", headers=headers)) == [105, 104]
        assert ids(client.get("/api/v1/deliveries?code=a.code", headers=headers)) == [102]

    def test_pages_follow_each_other_without_gap_or_repeat(self, work: Hub, client: FlaskClient, key: Key) -> None:
        headers, before, found = key(READ), "", []
        for _ in range(3):
            page = client.get(f"/api/v1/deliveries?limit=2&before={before}", headers=headers)
            found.append(ids(page))
            before = page.get_json()["next"]
        assert (found, before) == ([[105, 104], [103, 102], [101]], None)

    @pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=9999", "before=yesterday", "colour=red"])
    def test_a_wrong_question_is_answered_with_the_rule(
        self, work: Hub, client: FlaskClient, key: Key, query: str
    ) -> None:
        answer = client.get(f"/api/v1/deliveries?{query}", headers=key(READ))
        assert answer.status_code == 422
        assert answer.content_type == "application/problem+json"

    def test_one_is_shown_with_its_event_and_every_attempt(self, work: Hub, client: FlaskClient, key: Key) -> None:
        found = client.get("/api/v1/deliveries/2/102", headers=key(READ)).get_json()
        assert (found["state"], found["event"]["type"], found["event"]["correlation_id"]) == (
            "parked",
            "a.fact.v1",
            "c-1",
        )
        assert [(tried["n"], tried["code"], tried["said"]) for tried in found["attempts"]] == [(1, "a.code", "No.")]

    def test_a_parked_one_is_replayed_with_the_name_of_the_key(self, work: Hub, client: FlaskClient, key: Key) -> None:
        answer = client.post("/api/v1/deliveries/2/102/replay", json={"reason": "mapped"}, headers=key(WRITE))

        assert (answer.status_code, answer.get_json()) == (200, {"count": 1})
        assert state_of(work, 102) == "due"
        with work.unit_of_work() as uow:
            acts = uow.sql("SELECT who, did, why FROM hub.act ORDER BY id").fetchall()
        assert acts[-1] == ("key:a program", "replayed deliveries", "mapped")

    def test_a_dismissal_needs_a_reason_and_lets_the_lane_go_on(self, work: Hub, client: FlaskClient, key: Key) -> None:
        headers = key(WRITE)
        refused = client.post("/api/v1/deliveries/2/102/dismiss", json={}, headers=headers)
        assert refused.status_code == 422
        assert refused.get_json()["errors"][0]["field"] == "reason"
        assert state_of(work, 102) == "parked"

        answer = client.post("/api/v1/deliveries/2/102/dismiss", json={"reason": "a test order"}, headers=headers)
        assert answer.get_json() == {"count": 1}
        assert (state_of(work, 102), state_of(work, 103)) == ("dismissed", "due")

    def test_a_repeated_request_with_one_key_runs_once(self, work: Hub, client: FlaskClient, key: Key) -> None:
        headers = {**key(WRITE), "Idempotency-Key": "k-1"}
        answers = [client.post("/api/v1/deliveries/2/102/replay", json={}, headers=headers) for _ in range(2)]

        assert [answer.get_json() for answer in answers] == [{"count": 1}] * 2
        with work.unit_of_work() as uow:
            assert uow.sql("SELECT count(*) FROM hub.act WHERE did = 'replayed deliveries'").fetchall() == [(1,)]

    def test_a_key_that_may_read_may_not_write(self, work: Hub, client: FlaskClient, key: Key) -> None:
        answer = client.post("/api/v1/deliveries/2/102/replay", json={}, headers=key(READ))
        assert (answer.status_code, state_of(work, 102)) == (403, "parked")

    def test_a_key_of_one_connection_sees_and_changes_that_one_alone(
        self, work: Hub, client: FlaskClient, key: Key
    ) -> None:
        headers = key(READ, WRITE, connection="erp")
        assert ids(client.get("/api/v1/deliveries", headers=headers)) == [105, 104]
        assert client.get("/api/v1/deliveries/2/102", headers=headers).status_code == 404
        assert client.post("/api/v1/deliveries/2/102/replay", json={}, headers=headers).status_code == 404
        assert client.post("/api/v1/connections/shop/pause", json={"reason": "x"}, headers=headers).status_code == 403
        names = [row["name"] for row in client.get("/api/v1/connections", headers=headers).get_json()["connections"]]
        assert names == ["erp"]
        assert state_of(work, 102) == "parked"


class TestConnections:
    def test_they_are_listed_without_a_secret(self, work: Hub, client: FlaskClient, key: Key) -> None:
        with work.unit_of_work() as uow:
            row = uow.session.get(ConnectionRow, "shop")
            assert row is not None
            row.settings = {"shop": "demo.myshopify.com"}
            row.secrets = work.vault.seal({"webhook_secret": "hush"}, "shop")
        answer = client.get("/api/v1/connections", headers=key(READ))

        assert [row["name"] for row in answer.get_json()["connections"]] == ["erp", "shop"]
        assert "hush" not in answer.get_data(as_text=True)
        assert all("secrets" not in row and "settings" not in row for row in answer.get_json()["connections"])

    def test_one_is_paused_with_a_reason_and_resumed(self, work: Hub, client: FlaskClient, key: Key) -> None:
        headers = key(READ, WRITE)
        assert client.post("/api/v1/connections/erp/pause", json={}, headers=headers).status_code == 422
        paused = client.post("/api/v1/connections/erp/pause", json={"reason": "month end"}, headers=headers)
        assert paused.get_json() == {"state": "paused"}
        again = client.post("/api/v1/connections/erp/pause", json={"reason": "month end"}, headers=headers)
        assert (again.status_code, again.get_json()["title"]) == (409, "connections.paused")

        assert client.post("/api/v1/connections/erp/resume", json={}, headers=headers).get_json() == {"state": "on"}
        (erp, _) = client.get("/api/v1/connections", headers=headers).get_json()["connections"]
        assert (erp["state"], erp["paused_reason"]) == ("on", "")

    def test_an_unknown_one_is_not_found(self, client: FlaskClient, key: Key) -> None:
        for deed in ("pause", "resume", "test"):
            answer = client.post(f"/api/v1/connections/moon/{deed}", json={"reason": "x"}, headers=key(WRITE))
            assert answer.status_code == 404

    def test_a_pause_by_a_person_is_shown_with_its_reason(self, work: Hub, client: FlaskClient, key: Key) -> None:
        with work.unit_of_work() as uow:
            pause_connection(uow, "erp", "ada@example.org", "month end")
        (erp, _) = client.get("/api/v1/connections", headers=key(READ)).get_json()["connections"]
        assert (erp["state"], erp["paused_reason"]) == ("paused", "month end")


class TestCases:
    @pytest.fixture
    def case(self, work: Hub) -> str:
        with work.unit_of_work() as uow:
            open_case(uow, code="other.code", title="Another", connection="erp")
            return open_case(
                uow, code="a.code", title="Something is missing", connection="shop", about="sku TEE", key="a:2",
                event_id=2, delivery=102,
            )  # fmt: skip

    def test_they_are_listed_newest_first_and_filtered(self, case: str, client: FlaskClient, key: Key) -> None:
        headers = key(READ)
        codes = [row["code"] for row in client.get("/api/v1/cases", headers=headers).get_json()["cases"]]
        assert codes == ["a.code", "other.code"]
        (one,) = client.get("/api/v1/cases?connection=shop", headers=headers).get_json()["cases"]
        assert (one["id"], one["about"], one["state"], one["count"]) == (case, "sku TEE", "new", 1)
        page = client.get("/api/v1/cases?limit=1", headers=headers).get_json()
        rest = client.get(f"/api/v1/cases?limit=1&before={page['next']}", headers=headers).get_json()
        assert ([row["code"] for row in rest["cases"]], rest["next"]) == (["other.code"], None)
        assert client.get("/api/v1/cases?before=yesterday", headers=headers).status_code == 422

    def test_a_resolved_one_lets_what_waited_go_on(self, case: str, work: Hub, client: FlaskClient, key: Key) -> None:
        headers = key(READ, WRITE)
        assert client.post(f"/api/v1/cases/{case}/resolve", json={}, headers=headers).get_json() == {"count": 1}
        assert state_of(work, 102) == "due"
        assert client.get(f"/api/v1/cases/{case}", headers=headers).get_json()["state"] == "resolved"

    def test_a_dismissed_one_ends_what_waited(self, case: str, work: Hub, client: FlaskClient, key: Key) -> None:
        headers = key(WRITE)
        assert client.post(f"/api/v1/cases/{case}/dismiss", json={"reason": ""}, headers=headers).status_code == 422
        answer = client.post(f"/api/v1/cases/{case}/dismiss", json={"reason": "a test"}, headers=headers)
        assert answer.get_json() == {"count": 1}
        assert state_of(work, 102) == "dismissed"

    def test_a_key_of_another_connection_does_not_see_it(self, case: str, client: FlaskClient, key: Key) -> None:
        headers = key(READ, WRITE, connection="erp")
        assert client.get(f"/api/v1/cases/{case}", headers=headers).status_code == 404
        assert client.post(f"/api/v1/cases/{case}/resolve", json={}, headers=headers).status_code == 404


def test_the_api_describes_itself_without_a_script(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").get_json()
    page = client.get("/api/docs")

    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "<script" not in text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    described = [path for path in document["paths"] if path.startswith("/api/v1/")]
    assert len(described) >= 12
    assert all(path in text for path in document["paths"])
    replayed = document["paths"]["/api/v1/deliveries/{event_id}/{delivery_id}/replay"]["post"]
    assert replayed["security"] == [{"key": [WRITE]}]
