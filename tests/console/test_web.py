"""What every HTTP route of the hub stands on: keys and scopes, problems, repeats, and how often one may knock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
import time_machine
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from app.infra.bell import make_redis
from app.infra.hub import Hub
from app.infra.retention.ages import prune
from app.infra.web.auth import adopt_key, create_key, current_principal, require_scope, revoke_key, security_schemes
from app.infra.web.idempotent import idempotent
from app.infra.web.problems import MEDIA_TYPE, ProblemApi, register_problems
from app.infra.web.throttle import Throttle, Tries
from app.infra.web.wiring import wire
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid, Transient

Key = Callable[..., dict[str, str]]


class LineSchema(Schema):
    quantity = fields.Integer(required=True, strict=True)


class BodySchema(Schema):
    lines = fields.List(fields.Nested(LineSchema), required=True)


def make_blueprint(calls: list[str]) -> Blueprint:
    routes = Blueprint("try", "try")

    @routes.route("/erp/<connection>/things", methods=["POST"])
    @require_scope("erp:write")
    @routes.arguments(BodySchema)
    @routes.response(202)
    def take(body: Any, connection: str) -> dict[str, str]:
        """Take a thing."""
        return {"who": current_principal().name}

    @routes.route("/api/v1/twice", methods=["POST"])
    @require_scope("operations:write")
    @idempotent
    def twice() -> Any:
        """Do it."""
        calls.append("done")
        if request.args.get("fail") and len(calls) == 1:
            raise Transient("try.later", "not now", retry_after=2.2)
        return jsonify({"count": len(calls)}), 201

    @routes.route("/api/v1/wrong/<kind>")
    def wrong(kind: str) -> Any:
        """Refuse."""
        if kind == "busy":
            raise Transient("try.busy", "not now", retry_after=2.2)
        if kind == "bug":
            raise KeyError("a secret that nobody may read")
        raise Invalid("try.rule", "it breaks a rule", errors=[{"field": "a", "rule": "is missing", "fix": "send it"}])

    return routes


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def client(app: Flask, hub: Hub, calls: list[str]) -> Iterator[FlaskClient]:
    """A small API on the hub's own parts."""
    small = Flask("small")
    small.config.update(API_TITLE="small", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    wire(small, hub)
    api = ProblemApi(small)
    for name, scheme in security_schemes().items():
        api.spec.components.security_scheme(name, scheme)
    api.register_blueprint(make_blueprint(calls))
    register_problems(small)
    small.extensions["api"] = api
    return small.test_client()


@pytest.fixture
def key(hub: Hub) -> Key:
    """`key("erp:write")` is the header of a fresh key."""

    def make(*scopes: str, **given: Any) -> dict[str, str]:
        with hub.unit_of_work() as uow:
            return {"Authorization": f"Bearer {create_key(uow, name='Warehouse', scopes=scopes, **given)[1]}"}

    return make


GOOD = {"lines": [{"quantity": 1}]}


@pytest.mark.capability("GOV-2", "SEC-2")
def test_a_key_opens_what_its_scope_and_connection_allow(client: FlaskClient, key: Key) -> None:
    def knock(headers: dict[str, str], connection: str = "erp") -> tuple[int, str]:
        answer = client.post(f"/erp/{connection}/things", json=GOOD, headers=headers)
        return answer.status_code, (answer.json or {}).get("title", (answer.json or {}).get("who", ""))

    bound, free, other = key("erp:write", connection="erp"), key("erp:write"), key("orders:read")
    assert knock(bound) == knock(free) == (202, "key:Warehouse")
    assert knock(free, "erp2") == (202, "key:Warehouse")
    assert knock(bound, "erp2") == (403, "auth.other_connection")
    assert knock(other) == (403, "auth.scope")
    token = free["Authorization"]
    for bad in ({}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer rh_x"}):
        assert knock(bad) == (401, "auth.no_key")
    for bad_token in (token[:-1] + ("a" if token[-1] != "a" else "b"), "Bearer rh_00000000_" + "x" * 43):
        assert knock({"Authorization": bad_token}) == (401, "auth.key_refused")


@pytest.mark.capability("GOV-2")
def test_a_key_that_ended_opens_nothing(client: FlaskClient, hub: Hub, key: Key) -> None:
    soon = SYSTEM_CLOCK.now() + timedelta(hours=1)
    brief, lost = key("erp:write", expires_at=soon), key("erp:write")
    assert client.post("/erp/e/things", json=GOOD, headers=brief).status_code == 202
    with time_machine.travel(soon + timedelta(seconds=1)):
        assert client.post("/erp/e/things", json=GOOD, headers=brief).status_code == 401
    with hub.unit_of_work() as uow:
        revoke_key(uow, lost["Authorization"].split("_")[1])
    refused = client.post("/erp/e/things", json=GOOD, headers=lost)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="roundhouse"')


@pytest.mark.capability("SEC-1")
def test_the_secret_of_a_key_is_nowhere(hub: Hub, key: Key) -> None:
    secret = key("metrics")["Authorization"].rpartition("_")[2]
    with hub.unit_of_work() as uow:
        row = uow.sql("SELECT k::text, octet_length(k.secret_hash) FROM hub.api_key k").fetchone()
    assert row is not None
    assert secret not in row[0]
    assert row[1] == 32


def test_a_key_made_elsewhere_is_adopted_once(hub: Hub, client: FlaskClient) -> None:
    token = "rh_demo_" + "s" * 40
    for _ in range(2):
        with hub.unit_of_work() as uow:
            adopt_key(uow, token, name="demo", scopes=["erp:write"], connection="erp")
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post("/erp/erp/things", json=GOOD, headers=headers).status_code == 202


@pytest.mark.capability("GOV-1", "CM-7")
def test_a_wrong_body_is_told_field_rule_and_fix(client: FlaskClient, key: Key) -> None:
    answer = client.post("/erp/e/things", json={"lines": [{"quantity": "2"}, {}]}, headers=key("erp:write"))
    assert (answer.status_code, answer.content_type) == (422, MEDIA_TYPE)
    assert answer.json is not None
    assert answer.json["title"] == "http.unprocessable_entity"
    assert answer.json["errors"] == [
        {"field": "lines.0.quantity", "rule": "Not a valid integer.", "fix": "send a value that keeps the rule"},
        {"field": "lines.1.quantity", "rule": "Missing data for required field.", "fix": "send this field"},
    ]


@pytest.mark.capability("GOV-1")
def test_every_refusal_is_a_problem_with_its_correlation(client: FlaskClient) -> None:
    ours = client.get("/api/v1/wrong/rule", headers={"X-Correlation-ID": "checkout-4711"})
    assert ours.json == {
        "type": "/admin/runbooks/try.rule", "title": "try.rule", "status": 422, "detail": "it breaks a rule",
        "correlation_id": "checkout-4711", "errors": [{"field": "a", "rule": "is missing", "fix": "send it"}],
    }  # fmt: skip
    busy = client.get("/api/v1/wrong/busy")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "3")
    missing = client.get("/api/v1/nothing", headers={"X-Correlation-ID": "<script>"})
    assert missing.json is not None
    assert (missing.json["title"], "<" in missing.json["correlation_id"]) == ("http.not_found", False)
    assert "POST" in client.get("/api/v1/twice").headers["Allow"]


@pytest.mark.capability("SEC-3")
def test_a_bug_shows_nothing_of_its_inside(client: FlaskClient) -> None:
    answer = client.get("/api/v1/wrong/bug")
    assert (answer.status_code, (answer.json or {})["title"]) == (500, "bug.KeyError")
    assert "secret" not in answer.text


@pytest.mark.capability("GOV-1")
def test_scopes_and_problems_are_in_the_document(client: FlaskClient) -> None:
    document = client.application.extensions["api"].spec.to_dict()
    assert document["paths"]["/erp/{connection}/things"]["post"]["security"] == [{"key": ["erp:write"]}]
    assert list(document["components"]["responses"]["DEFAULT_ERROR"]["content"]) == [MEDIA_TYPE]


@pytest.mark.capability("GOV-1", "RT-3")
def test_the_same_key_and_request_get_the_first_answer_again(
    client: FlaskClient, hub: Hub, key: Key, calls: list[str]
) -> None:
    headers = {**key("operations:write"), "Idempotency-Key": "k-1"}
    first = client.post("/api/v1/twice", json={"a": 1}, headers=headers)
    again = client.post("/api/v1/twice", json={"a": 1}, headers=headers)
    assert (first.status_code, first.json) == (again.status_code, again.json) == (201, {"count": 1})
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    other = client.post("/api/v1/twice", json={"a": 2}, headers=headers)
    assert (other.status_code, (other.json or {})["title"]) == (422, "idempotency.other_request")
    assert client.post("/api/v1/twice", json={"a": 1}, headers=key("operations:write")).json == {"count": 2}
    assert client.post("/api/v1/twice", headers={**headers, "Idempotency-Key": "k" * 256}).status_code == 422
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.idempotency SET at = at - interval '71 hours'")
    prune(hub, threading.Event())
    assert client.post("/api/v1/twice", json={"a": 1}, headers=headers).json == {"count": 1}
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.idempotency SET at = at - interval '2 hours'")
    prune(hub, threading.Event())
    assert client.post("/api/v1/twice", json={"a": 1}, headers=headers).json == {"count": 3}


@pytest.mark.capability("RT-3")
def test_a_key_in_flight_waits_and_one_that_failed_is_free(
    client: FlaskClient, hub: Hub, key: Key, calls: list[str]
) -> None:
    headers = {**key("operations:write"), "Idempotency-Key": "k-2"}
    failed = [client.post("/api/v1/twice?fail=1", headers=headers).status_code for _ in range(2)]
    assert failed == [503, 201]
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.idempotency SET status = NULL, answer = NULL")
    running = client.post("/api/v1/twice?fail=1", headers=headers)
    assert (running.status_code, (running.json or {})["title"]) == (409, "idempotency.in_flight")
    with time_machine.travel(SYSTEM_CLOCK.now() + timedelta(minutes=2)):
        assert client.post("/api/v1/twice?fail=1", headers=headers).json == {"count": 3}


def test_a_throttle_slides_and_is_shared(redis_client: redis.Redis) -> None:
    one, other = (Throttle(redis_client, "try", limit=3, seconds=3600) for _ in range(2))
    knocks = [gate.admit("a").welcome for gate in (one, other, one, other)]
    assert knocks == [True, True, True, False]
    assert one.admit("b").left == 2
    assert 0 < one.admit("a").seconds <= 3600


def test_without_redis_nobody_is_refused() -> None:
    nowhere = make_redis("redis://127.0.0.1:1/0")
    assert Throttle(nowhere, "try", limit=1, seconds=60).admit("a").welcome
    tries = Tries(nowhere, "try", seconds=60)
    assert (tries.count("a"), tries.add("a")) == (0, 1)
