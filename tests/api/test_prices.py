"""Price lists, promotions and quotes over HTTP, as a shop's own programs use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domains.pricing.schemas.quotes import PriceQuoteSchema
from app.domains.pricing.service.tax_rates import put_tax_table
from app.infra.hub import Hub
from tests.domains.pricing.shop import GERMANY, TAX_COLUMNS

Key = Callable[..., dict[str, str]]
READ, WRITE = "prices:read", "prices:write"
RETAIL = {"currency": "EUR", "channel": "shop", "prices_include_tax": True, "zone": "Europe/Berlin"}
BASKET = {
    "currency": "EUR", "channel": "shop", "destination": {"country": "DE"}, "shipping": "4.90",
    "at": "2026-11-21T12:00:00Z",
    "lines": [{"line_id": "1", "sku": "TENT", "quantity": "2"}, {"line_id": "2", "sku": "GUIDE", "quantity": "1"}],
}  # fmt: skip
TENTS = {"kind": "percentage", "value": "10", "categories": ["tents"], "zone": "Europe/Berlin", "from": "2026-11-01"}


@pytest.fixture
def send(client: FlaskClient, key: Key) -> Callable[..., Any]:
    """`send("PUT", "price-lists/retail", {…})` is the answer."""
    headers = key(READ, WRITE)

    def ask(method: str, path: str, body: object = None) -> Any:
        return client.open(f"/api/v1/{path}", method=method, json=body, headers=headers)

    return ask


@pytest.fixture
def furnished(hub: Hub, send: Callable[..., Any]) -> Callable[..., Any]:
    """A shop in Germany with two items and one promotion, made by the API alone but for its taxes."""
    with hub.unit_of_work() as uow:
        put_tax_table(uow, TAX_COLUMNS + GERMANY, "dana")
    items = [
        {"sku": "TENT", "category": "tents", "tax_code": "standard", "costs": [{"currency": "EUR", "amount": "80"}]},
        {"sku": "GUIDE", "tax_code": "reduced"},
    ]
    assert send("PUT", "price-items", {"items": items}).get_json() == {"changed": 2}
    assert send("PUT", "price-lists/retail", RETAIL).status_code == 200
    prices = [
        {"sku": "TENT", "amount": "199.00", "from": "2026-01-01"},
        {"sku": "TENT", "amount": "189.50", "from": "2026-01-01", "min_quantity": "2"},
        {"sku": "GUIDE", "amount": "24.90", "from": "2026-01-01", "until": "2026-11-30"},
        {"sku": "GUIDE", "amount": "19.90", "from": "2026-12-01"},
    ]
    assert send("PUT", "price-lists/retail/prices", {"prices": prices}).get_json() == {"changed": 2}
    assert send("PUT", "promotions/tents-10", TENTS).status_code == 200
    return send


@pytest.mark.capability("PRC-1", "PRC-2", "PRC-3")
def test_a_quote_explains_each_amount(furnished: Callable[..., Any]) -> None:
    answer = furnished("POST", "quotes", BASKET)
    assert answer.status_code == 200, answer.get_json()
    body = answer.get_json()
    assert PriceQuoteSchema().validate(body) == {}
    tent, guide = body["lines"]
    # 2 x 189.50 = 379.00, 10 % of it 37.90; 341.10 / 1.19 = 286.6387
    assert (tent["list_amount"], tent["discount"], tent["gross"], tent["net"]) == (
        "379.00",
        "37.90",
        "341.10",
        "286.64",
    )
    assert [(one["stage"], one["rule"], one["amount"]) for one in tent["reasons"]] == [
        ("list_price", "retail", "379.00"),
        ("line_promotion", "tents-10", "-37.90"),
        ("tax", "DE USt 19 %", "54.46"),
    ]
    assert guide["taxes"] == [
        {"jurisdiction": "DE", "name": "USt 7 %", "percent": "7.000000", "amount": "1.63", "certificate": ""}
    ]
    assert (body["gross"], body["estimated"], body["tax_source"]) == ("370.90", False, "rate table")


@pytest.mark.capability("PRC-1")
def test_prices_are_read_back_in_the_zone_of_their_list(furnished: Callable[..., Any]) -> None:
    page = furnished("GET", "price-lists/retail/prices?sku=GUIDE").get_json()
    assert [(one["amount"], one["from"], one["until"]) for one in page["prices"]] == [
        ("24.90", "2026-01-01T00:00:00", "2026-12-01T00:00:00"),
        ("19.90", "2026-12-01T00:00:00", ""),
    ]
    again = [{name: one[name] for name in ("sku", "amount", "from", "until")} for one in page["prices"]]
    assert furnished("PUT", "price-lists/retail/prices", {"prices": again}).get_json() == {"changed": 0}
    (kept,) = furnished("GET", "price-lists").get_json()["price_lists"]
    assert (kept["code"], kept["changed_by"], kept["prices_include_tax"]) == ("retail", "key:a program", True)
    (promotion,) = furnished("GET", "promotions").get_json()["promotions"]
    assert (promotion["from"], promotion["categories"]) == ("2026-11-01T00:00:00", ["tents"])


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"lines": []}, "http.unprocessable_entity", "lines"),
        ({"currency": "euro"}, "http.unprocessable_entity", "currency"),
        ({"discount": "5"}, "http.unprocessable_entity", "discount"),
        ({"lines": [{"line_id": "1", "sku": "TENT", "quantity": "-1"}]}, "pricing.basket", "lines.0.quantity"),
        ({"lines": [{"line_id": "1", "sku": "TENT", "quantity": "1"}] * 2}, "pricing.basket", "lines.1.line_id"),
        ({"shipping": "-1"}, "pricing.basket", "shipping"),
    ],
)
def test_a_wrong_basket_is_told_what_is_wrong_with_it(
    furnished: Callable[..., Any], change: dict[str, Any], code: str, field: str
) -> None:
    answer = furnished("POST", "quotes", {**BASKET, **change})
    assert (answer.status_code, answer.get_json()["title"]) == (422, code)
    assert [one["field"] for one in answer.get_json()["errors"]] == [field]


def test_what_has_no_price_is_named(furnished: Callable[..., Any]) -> None:
    lines = [{"line_id": "1", "sku": "TENT", "quantity": "1", "unit": "box"}]
    answer = furnished("POST", "quotes", {**BASKET, "lines": lines})
    assert (answer.status_code, answer.get_json()["title"]) == (409, "pricing.no_price")
    assert "TENT in box" in answer.get_json()["detail"]


def test_a_key_that_may_only_read_changes_nothing(client: FlaskClient, key: Key) -> None:
    headers = key(READ)
    for path in ("price-lists/retail", "price-lists/retail/prices", "price-items", "promotions/x"):
        assert client.put(f"/api/v1/{path}", json={}, headers=headers).status_code == 403
    assert client.get("/api/v1/price-lists", headers=headers).get_json() == {"price_lists": [], "next": None}
    assert client.post("/api/v1/quotes", json={}, headers=key(WRITE)).status_code == 403


def test_a_key_of_one_channel_quotes_for_that_channel_alone(
    furnished: Callable[..., Any], client: FlaskClient, key: Key
) -> None:
    headers = key(READ, WRITE, connection="shop")
    unnamed = {name: value for name, value in BASKET.items() if name != "channel"}
    assert client.post("/api/v1/quotes", json=unnamed, headers=headers).get_json()["gross"] == "370.90"
    for answer in (
        client.post("/api/v1/quotes", json={**BASKET, "channel": "till"}, headers=headers),
        client.get("/api/v1/price-lists", headers=headers),
        client.put("/api/v1/price-lists/retail", json=RETAIL, headers=headers),
        client.put("/api/v1/promotions/tents-10", json=TENTS, headers=headers),
    ):
        assert (answer.status_code, answer.get_json()["title"]) == (403, "auth.other_connection")
