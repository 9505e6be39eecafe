"""Tax rates and the prices of channels over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domains.pricing.canonical.promotions import Kind, Promotion, Targets
from app.domains.pricing.policy.channel_prices import ChannelRule, Shown
from app.domains.pricing.service import channel_prices
from app.domains.pricing.service.promotions import keep_promotion
from app.infra.connecting import add_connection
from app.infra.hub import Hub
from app.kernel.money import Money

Key = Callable[..., dict[str, str]]
READ, WRITE = "prices:read", "prices:write"
GERMANY: dict[str, Any] = {
    "title": "Germany", "zone": "Europe/Berlin", "country": "DE",
    "rates": [
        {"name": "USt", "percent": "16", "tax_code": "standard", "effective_from": "2020-07-01",
         "effective_to": "2020-12-31"},
        {"name": "USt", "percent": "19", "tax_code": "standard", "effective_from": "2021-01-01"},
    ],
}  # fmt: skip


@pytest.fixture
def send(client: FlaskClient, key: Key) -> Callable[..., Any]:
    headers = key(READ, WRITE)

    def ask(method: str, path: str, body: object = None, **more: str) -> Any:
        return client.open(f"/api/v1/{path}", method=method, json=body, headers={**headers, **more})

    return ask


@pytest.mark.capability("PRC-3")
def test_tax_rates_are_set_read_page_by_page_and_removed(send: Callable[..., Any]) -> None:
    kept = send("PUT", "tax-jurisdictions/DE", GERMANY)
    assert kept.status_code == 200, kept.get_json()
    assert [(one["percent"], one["effective_from"]) for one in kept.get_json()["rates"]] == [
        ("16", "2020-07-01"), ("19", "2021-01-01")
    ]  # fmt: skip
    assert send("PUT", "tax-jurisdictions/FR", {**GERMANY, "title": "France", "country": "FR"}).status_code == 200
    page = send("GET", "tax-jurisdictions?country=DE").get_json()
    assert ([one["code"] for one in page["jurisdictions"]], page["next"]) == (["DE"], None)
    assert [one["code"] for one in send("GET", "tax-jurisdictions?after=DE").get_json()["jurisdictions"]] == ["FR"]
    again = {name: value for name, value in kept.get_json().items() if name != "code"}
    assert send("PUT", "tax-jurisdictions/DE", again).get_json() == kept.get_json()
    assert send("DELETE", "tax-jurisdictions/DE?reason=moved").status_code == 204
    gone = send("GET", "tax-jurisdictions/DE")
    assert (gone.status_code, gone.get_json()["title"]) == (404, "pricing.unknown_jurisdiction")


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"zone": "Mars"}, 422, "zone"),
        ({"country": "Germany"}, 422, "country"),
        ({"rates": []}, 422, "rates"),
        ({"rates": [{**GERMANY["rates"][0], "percent": "-1"}]}, 422, "percent"),
        ({"rates": [{**GERMANY["rates"][0], "percent": "19.0000001"}]}, 422, "percent"),
        ({"postal_from": "80331", "country": ""}, 422, "country"),
        ({"postal_from": "9", "postal_to": "8"}, 422, "postal_to"),
        ({"rates": [GERMANY["rates"][1], {**GERMANY["rates"][1], "effective_from": "2022-01-01"}]}, 409, "overlap"),
    ],
)
def test_a_wrong_rate_is_named_and_changes_nothing(
    send: Callable[..., Any], changes: dict[str, Any], status: int, said: str
) -> None:
    assert send("PUT", "tax-jurisdictions/DE", GERMANY).status_code == 200
    refused = send("PUT", "tax-jurisdictions/DE", {**GERMANY, **changes})
    assert (refused.status_code, said in refused.text) == (status, True), refused.text
    assert len(send("GET", "tax-jurisdictions/DE").get_json()["rates"]) == 2


@pytest.mark.capability("PRC-4")
def test_a_channels_prices_say_what_was_told_and_what_comes(hub: Hub, send: Callable[..., Any], key: Key) -> None:
    listed = {"currency": "USD", "prices_include_tax": False, "zone": "UTC"}
    assert send("PUT", "price-lists/retail", listed).status_code == 200
    prices = [{"sku": sku, "amount": amount, "from": "2026-01-01"} for sku, amount in (("PEG", "2.5"), ("TENT", "200"))]
    assert send("PUT", "price-lists/retail/prices", {"prices": prices}).status_code == 200
    start = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    rule = ChannelRule(channel="shop", currency="USD", includes_tax=False)
    with hub.unit_of_work() as uow:
        add_connection(uow, name="shop", adapter="shopify", who="anna", settings={
            "shop": "a.myshopify.com", "access_token": "t", "webhook_secret": "s"})  # fmt: skip
        channel_prices.set_channel_rule(uow, rule, "anna")
        told = Shown(amount=Money.parse("200.00", "USD"), price_list="retail")
        channel_prices.stand(uow, rule, {"TENT": (1, told)}, {})
        keep_promotion(
            uow,
            Promotion(
                code="sale", kind=Kind.PERCENTAGE, value=Decimal(20), targets=Targets(skus=frozenset({"TENT"})),
                from_at=start,
            ),
            "anna",
        )  # fmt: skip
    peg, tent = send("GET", "channel-prices/shop").get_json()["prices"]
    assert (peg["state"], peg["amount"], peg["coming"]) == ("waiting", None, None)
    assert (tent["state"], tent["amount"], tent["price_list"], tent["promotions"]) == ("level", "200.00", "retail", [])
    assert (datetime.fromisoformat(tent["coming"]["at"]), tent["coming"]["amount"], tent["coming"]["compare_at"]) == (
        start, "160.00", "200.00"
    )  # fmt: skip
    assert [one["sku"] for one in send("GET", "channel-prices/shop?sku=PEG").get_json()["prices"]] == ["PEG"]
    (channel,) = send("GET", "channel-prices").get_json()["channels"]
    assert (channel["channel"], channel["skus"], channel["waiting"], channel["currency"]) == ("shop", 2, 1, "USD")
    assert send("GET", "channel-prices/nowhere").status_code == 404
    assert send("GET", "channel-prices/shop", **key(READ, connection="erp")).status_code == 403
