"""A buyer of a real shop, posted to a real ERP, shipped and told of: after the shop's redaction nothing names her."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.infra.windows import open_window
from tests.adapters.shopify.deliveries import signature
from tests.flows.test_privacy import TABLES
from tests.flows.test_real_adapters import Trade, trade

__all__ = ["trade"]


def ship(trade: Trade) -> dict[str, Any]:
    """An order goes all its way; returns what the shop placed."""
    placed: dict[str, Any] = trade.control("_shopify/orders")
    trade.until(lambda: trade.state() == "posted" and bool(trade.books("metafields")))
    (document,) = trade.books("salesOrders")
    trade.control("_business_central/release", {"number": document["number"]})
    trade.control("_business_central/ship", {"number": document["number"], "invoice": True})
    with trade.crank.uow() as uow:
        assert open_window(uow, "erp_poll", trade.crank.hub.clock.now())
    trade.until(lambda: trade.state() == "shipped" and bool(trade.books("fulfillments")))
    echoed = "SELECT count(*) FROM hub.delivery WHERE code = 'orders.fulfilment_echo' AND state = 'superseded'"
    trade.until(
        lambda: trade.crank.rows(echoed)[0][0] == 1 and not {"due", "running", "behind"} & {*trade.crank.states()}
    )
    return placed


def words(placed: dict[str, Any]) -> set[str]:
    """Whatever in the shop's own document tells who bought, in lower case."""
    person, found = placed["customer"], set()
    for party in (placed, person, placed["billing_address"], placed["shipping_address"]):
        found |= {str(party.get(name) or "") for name in ("email", "contact_email", "phone", "name", "address1")}
    found |= {f"{person['first_name']} {person['last_name']}", person["last_name"], str(person["id"])}
    return {word.lower() for word in found if len(word) > 3 and not word.startswith("#")}


def traces(trade: Trade, wanted: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for (table,) in trade.crank.rows(TABLES):
        body = "|| ' ' || encode(t.body, 'escape')" if ".notice_2" in table else ""
        for word in sorted(wanted):
            counted = f"SELECT count(*) FROM {table} t WHERE strpos(lower(t::text {body}), %(word)s) > 0"
            if trade.crank.rows(counted, word=word)[0][0]:
                found.setdefault(table, set()).add(word)
    return found


def redact(trade: Trade, placed: dict[str, Any]) -> int:
    (settings,) = trade.crank.rows("SELECT settings FROM hub.connection WHERE name = 'shop'")
    shop, person = settings[0]["shop"], placed["customer"]
    body = json.dumps({
        "shop_id": 1, "shop_domain": shop, "orders_to_redact": [placed["id"]],
        "customer": {"id": person["id"], "email": person["email"], "phone": person["phone"]},
    }).encode()  # fmt: skip
    headers = {
        "X-Shopify-Topic": "customers/redact", "X-Shopify-Shop-Domain": shop, "X-Shopify-Webhook-Id": "redaction",
        "X-Shopify-Hmac-Sha256": signature(body, "sandbox-shop-secret"), "X-Shopify-Api-Version": "2026-10",
    }  # fmt: skip
    address = f"{trade.hub}/webhooks/shop/customers/redact"
    return trade.http.request("POST", address, body=body, headers=headers).status


@pytest.mark.capability("CUS-2", "SEC-3")
def test_nothing_in_the_database_names_a_real_shops_buyer_after_her_redaction(trade: Trade) -> None:
    placed = ship(trade)
    wanted = words(placed)
    before = traces(trade, wanted)
    assert {"customers.account", "customers.address", "orders.order_version", "hub.binding"} <= set(before)
    assert set.union(*before.values()) == wanted

    assert redact(trade, placed) == 202
    trade.until(lambda: trade.crank.rows("SELECT state FROM customers.privacy_request") == [("answered",)])

    assert traces(trade, wanted) == {}
    (total,) = trade.crank.rows("SELECT total_minor, currency FROM orders.sales_order")
    assert f"{total[0] / 100:.2f} {total[1]}" == f"{placed['total_price']} {placed['currency']}"
