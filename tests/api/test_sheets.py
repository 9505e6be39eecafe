"""Sheets over HTTP: a file handed in, its progress, its error file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domains.pricing.canonical.prices import PriceList, Scope
from app.domains.pricing.service.lists import keep_list
from app.infra.hub import Hub
from app.settings import Settings
from tests.flows.paper import adapters
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRD-1")
Key = Callable[..., dict[str, str]]
BODY = b"sku,title,gtin\nA,Good,4006381333931\nB,=Bad,4006381333932\n"


@pytest.fixture
def crank(settings: Settings, hub: Hub) -> Iterator[Crank]:
    made = Crank(settings, adapter=adapters)
    yield made
    made.close()


def test_a_program_hands_a_file_in_and_reads_what_is_wrong(client: FlaskClient, key: Key, crank: Crank) -> None:
    header = key("products:write", "products:read")
    begun = client.post("/api/v1/sheets/products?name=a.csv", data=BODY, headers=header, content_type="text/csv")
    assert begun.status_code == 202
    sheet = begun.get_json()["id"]
    assert client.get(f"/api/v1/sheets/{sheet}", headers=header).get_json()["state"] == "received"
    crank.settle()
    found = client.get(f"/api/v1/sheets/{sheet}", headers=header).get_json()
    assert (found["state"], found["lines"], found["wrong_lines"]) == ("refused", 2, 1)
    assert found["rules"] == [{"code": "product.gtin_check_digit", "field": "gtin", "count": 1}]
    errors = client.get(f"/api/v1/sheets/{sheet}/errors", headers=header)
    assert errors.mimetype == "text/csv"
    lines = errors.get_data(as_text=True).splitlines()
    assert lines[0] == "line,field,rule,value,what to do"
    assert lines[1].startswith("3,gtin,product.gtin_check_digit,4006381333932,")
    listed = client.get("/api/v1/sheets?state=refused", headers=header).get_json()["sheets"]
    assert [one["id"] for one in listed] == [sheet]


def test_wrong_lines_are_left_out_where_that_is_asked_for(client: FlaskClient, key: Key, crank: Crank) -> None:
    header = key("products:write", "products:read")
    path = "/api/v1/sheets/products?wrong_lines=leave_out"
    sheet = client.post(path, data=BODY, headers=header, content_type="text/csv").get_json()["id"]
    crank.settle()
    assert client.get(f"/api/v1/sheets/{sheet}", headers=header).get_json()["counts"]["created"] == 1
    again = client.post(path, data=BODY, headers=header, content_type="text/csv")
    assert (again.status_code, again.get_json()["title"]) == (409, "sheets.same")


@pytest.mark.capability("GOV-2")
def test_a_file_may_be_larger_than_other_bodies_and_needs_the_scope(client: FlaskClient, key: Key) -> None:
    body = b"sku,description\n" + b"".join(b"S%d,%s\n" % (n, b"x" * 1000) for n in range(6000))
    assert len(body) > 5 * 1024 * 1024
    path = "/api/v1/sheets/products?dry_run=true"
    assert client.post(path, data=body, headers=key("products:read"), content_type="text/csv").status_code == 403
    assert client.post(path, data=body, headers=key("products:write"), content_type="text/csv").status_code == 202


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ("", b"sku,colour\nA,red\n", 422, "sheets.header"),
        ("?delimiter=x", BODY, 422, "sheets.option"),
        ("", b"", 422, "sheets.empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(
    client: FlaskClient, key: Key, query: str, body: bytes, status: int, code: str
) -> None:
    path = f"/api/v1/sheets/products{query}"
    answer = client.post(path, data=body, headers=key("products:write"), content_type="text/csv")
    assert (answer.status_code, answer.get_json()["title"]) == (status, code)


@pytest.mark.capability("PRC-1", "INV-1")
def test_prices_and_counts_come_as_files_too_each_by_its_own_scope(client: FlaskClient, key: Key, crank: Crank) -> None:
    with crank.uow() as uow:
        retail = PriceList(code="retail", currency="EUR", scope=Scope(), includes_tax=True, zone="Europe/Berlin")
        keep_list(uow, retail, "ann")
    header = key("prices:write", "prices:read", "stock:write")
    prices = b"list,sku,price,from\nretail,TENT,199.90,2026-01-01\n"
    counts = b"sku,location,quantity,as_of\nTENT,EAST,7,2026-01-01T06:00Z\n"
    given: dict[str, Any] = {"headers": header, "content_type": "text/csv"}
    priced = client.post("/api/v1/sheets/prices", data=prices, **given)
    counted = client.post("/api/v1/sheets/stock?source=wms", data=counts, **given)
    assert (priced.status_code, counted.status_code) == (202, 202)
    assert client.post("/api/v1/sheets/prices?company=acme", data=prices, **given).status_code == 422
    assert client.post("/api/v1/sheets/products", data=BODY, **given).status_code == 403
    crank.settle()
    listed = client.get("/api/v1/sheets", headers=header).get_json()["sheets"]
    assert [(one["kind"], one["state"]) for one in listed] == [("prices", "applied")]
    one = client.get(f"/api/v1/sheets/{counted.get_json()['id']}", headers=key("stock:read")).get_json()
    assert (one["kind"], one["source"], one["state"], one["counts"]["created"]) == ("stock", "wms", "applied", 1)
    assert client.get(f"/api/v1/sheets/{one['id']}/errors", headers=header).status_code == 403
    assert crank.rows("SELECT available::int FROM inventory.availability") == [(7,)]
    assert crank.rows("SELECT amount::float FROM pricing.price") == [(199.9,)]
