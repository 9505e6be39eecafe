"""The catalogue by its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.factory import create_app
from app.infra.hub import Hub
from app.infra.web.auth import create_key
from app.infra.web.wiring import EXTENSION
from app.settings import Settings

AT = "/api/v1/products"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def hub(app: Flask, database: Engine, redis_client: redis.Redis) -> Hub:
    found: Hub = app.extensions[EXTENSION]
    return found


@pytest.fixture
def ask(app: Flask, hub: Hub) -> Ask:
    """`ask("put", path, json=…)` with a key that may read and write products; the status and the body."""
    with hub.unit_of_work() as uow:
        _, whole = create_key(uow, name="pim", scopes=("products:read", "products:write"))
    client: FlaskClient = app.test_client()

    def send(method: str, path: str = "", **given: Any) -> tuple[int, Any]:
        answer = client.open(AT + path, method=method.upper(), headers={"Authorization": f"Bearer {whole}"}, **given)
        return answer.status_code, answer.get_json()

    return send


def tent(**fields: Any) -> Mapping[str, Any]:
    return {
        "code": "TENT", "title": "Tent", "status": "active", "options": ["Colour"],
        "variants": [
            {"sku": "TENT-GRN", "options": {"Colour": "Green"}, "gtin": "4006381333931", "uom": "piece",
             "units": [{"unit": "box", "numerator": 12}]},
            {"sku": "TENT-RED", "options": {"Colour": "Red"}},
        ],
    } | fields  # fmt: skip


@pytest.mark.capability("PRD-1")
def test_products_are_told_and_read_back_by_id_and_by_sku(ask: Ask) -> None:
    status, kept = ask("put", json={"products": [tent(), {"code": "MUG", "variants": [{"sku": "MUG"}]}]})
    assert (status, kept["created"], kept["changed"], kept["refused"]) == (200, 2, 0, [])
    status, by_sku = ask("get", "/by-sku/TENT-RED")
    assert (status, by_sku["product"]["product_id"]) == (200, kept["product_ids"][0])
    status, by_id = ask("get", f"/{kept['product_ids'][0]}")
    assert (status, by_id) == (200, by_sku)
    assert [one["sku"] for one in by_id["product"]["variants"]] == ["TENT-GRN", "TENT-RED"]
    assert by_id["product"]["origins"]["text"]["source"] == "key:pim"


def test_what_is_wrong_is_refused_by_itself_with_field_rule_and_fix(ask: Ask) -> None:
    wrong = {"code": "BAD", "variants": [{"sku": "BAD", "gtin": "4006381333932"}]}
    ghost = {"code": "SET", "variants": [{"sku": "SET", "components": [{"sku": "GHOST", "quantity": "1"}]}]}
    status, kept = ask("put", json={"products": [wrong, tent(), ghost]})
    assert (status, kept["created"]) == (200, 1)
    assert [product_id is None for product_id in kept["product_ids"]] == [True, False, True]
    assert [(one["n"], one["key"], one["code"]) for one in kept["refused"]] == [
        (0, "BAD", "product.gtin_check_digit"), (2, "SET", "product.component_missing"),
    ]  # fmt: skip
    assert "its check digit is 1" in kept["refused"][0]["said"]
    assert kept["refused"][1]["field"] == "components"


def test_one_product_is_changed_only_at_the_version_that_was_read(ask: Ask) -> None:
    _, kept = ask("put", json={"products": [tent()]})
    path = f"/{kept['product_ids'][0]}"
    some = {"code": "TENT", "variants": [{"sku": "TENT-GRN"}]}
    status, answer = ask("put", path, json=some | {"title": "Trail tent", "version": 1})
    assert (status, answer["product"]["version"], answer["product"]["title"]) == (200, 2, "Trail tent")
    assert len(answer["product"]["variants"]) == 2
    status, answer = ask("put", path, json=some | {"title": "Other", "version": 1})
    assert (status, answer["title"]) == (409, "product.version_moved")
    status, answer = ask("put", path, json=some | {"status": "draft"})
    assert (status, answer["title"]) == (422, "product.illegal_move")
    status, answer = ask("put", path, json=some | {"code": "TENT-2"})
    assert (status, answer["title"]) == (409, "product.code_stays")


def test_a_list_goes_on_page_by_page_and_is_narrowed(ask: Ask) -> None:
    products = [{"code": f"P-{n}", "status": "active", "variants": [{"sku": f"S-{n}"}]} for n in range(5)]
    ask("put", json={"products": [*products, tent(status="draft")]})
    codes, cursor = [], ""
    for _ in range(4):
        _, page = ask("get", f"?limit=2&cursor={cursor}")
        codes += [one["code"] for one in page["products"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert codes == ["P-0", "P-1", "P-2", "P-3", "P-4", "TENT"]

    def found(query: str) -> list[str]:
        return [one["code"] for one in ask("get", query)[1]["products"]]

    assert found("?status=draft") == ["TENT"]
    assert found("?find=TENT-R") == ["TENT"]
    assert found("?find=S-3") == ["P-3"]
    assert found("?find=4006381333931") == ["TENT"]
    assert found("?find=nothing") == []
    assert found("?company=de") == []
    assert found("?changed_since=2100-01-01T00:00:00Z") == []
    status, answer = ask("get", "?cursor=nonsense")
    assert (status, answer["title"]) == (422, "product.cursor")


@pytest.mark.capability("CM-3")
def test_a_quantity_is_converted_exactly_or_not_at_all(ask: Ask) -> None:
    ask("put", json={"products": [tent()]})
    assert ask("get", "/convert/TENT-GRN?quantity=2.5&unit=BOX") == (200, {"quantity": "30", "unit": "piece"})
    assert ask("get", "/convert/TENT-GRN?quantity=6&unit=piece&to=box") == (200, {"quantity": "0.5", "unit": "box"})
    status, answer = ask("get", "/convert/TENT-GRN?quantity=1&unit=piece&to=box")
    assert (status, answer["title"]) == (422, "product.not_divisible")
    status, answer = ask("get", "/convert/TENT-GRN?quantity=1&unit=barrel")
    assert (status, answer["title"]) == (422, "product.unknown_unit")
    assert "piece, box" in answer["detail"]


def test_unknown_products_and_fields_are_told(ask: Ask, app: Flask) -> None:
    assert ask("get", "/by-sku/GHOST")[0] == 404
    assert ask("get", "/01a1ff02-5f60-7469-9989-70ae767a7832")[1]["title"] == "product.unknown"
    assert ask("put", json={"products": [tent(colour="green")]})[0] == 422
    assert ask("put", json={"products": [tent(title="a\0b")]})[0] == 422
    assert app.test_client().get(AT).status_code == 401


def test_an_answer_that_the_caller_has_is_not_sent_again(app: Flask, hub: Hub, ask: Ask) -> None:
    ask("put", json={"products": [tent()]})
    with hub.unit_of_work() as uow:
        _, whole = create_key(uow, name="reader", scopes=("products:read",))
    client, bearer = app.test_client(), {"Authorization": f"Bearer {whole}"}
    first = client.get(f"{AT}/by-sku/TENT-GRN", headers=bearer)
    again = client.get(f"{AT}/by-sku/TENT-GRN", headers=bearer | {"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert client.put(AT, headers=bearer, json={"products": [tent()]}).status_code == 403


def test_a_change_leaves_a_line_in_the_audit(hub: Hub, ask: Ask) -> None:
    ask("put", json={"products": [tent()]})
    with hub.unit_of_work() as uow:
        rows = uow.sql("SELECT who, did, facts FROM hub.act WHERE kind = 'product'").fetchall()
    ((who, did, facts),) = rows
    assert (who, did, facts["codes"]) == ("key:pim", "changed a product", ["TENT"])
