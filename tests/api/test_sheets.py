"""Sheets over HTTP: a file handed in, its progress, its error file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

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
