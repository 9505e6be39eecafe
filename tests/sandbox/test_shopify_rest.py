"""Documents of the shop are REST documents of Shopify, taken in as given, and kept over a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.sandbox.assembly import create_sandbox
from app.sandbox.settings import Settings
from app.sandbox.shopify.shop import Shop
from tests.sandbox.shop_client import Merchant, happenings
from tests.sandbox.shop_sums import SIDES, check

pytestmark = pytest.mark.capability("TRY-1")


@pytest.fixture
def shop() -> Iterator[Shop]:
    sandbox = create_sandbox(Settings())
    found = sandbox.vendors["shopify"]
    assert isinstance(found, Shop)
    yield found
    sandbox.stop()


def keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield path, name
            yield from keys(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from keys(each, f"{path}[]")


def samples(contracts: Path, name: str, plural: str, singular: str) -> Iterator[Mapping[str, Any]]:
    for exchange in json.loads((contracts / "shopify" / "rest-2026-07" / name).read_text("utf-8")):
        answer = exchange["response"]
        if isinstance(answer, Mapping):
            listed = answer.get(plural) or []
            yield from listed if isinstance(listed, list) else []
            if isinstance(answer.get(singular), Mapping):
                yield answer[singular]


def names(order: Mapping[str, Any]) -> set[tuple[str, str]]:
    """All names in an order by where they stand; a line is a line wherever it is shown."""
    found = set()
    for path, name in keys(order):
        for shown in (".refunds[].refund_line_items[].line_item", ".fulfillments[].line_items[]"):
            path = path.replace(shown, ".line_items[]")
        found.add((path, name))
    return found


def test_an_orders_document_has_only_names_that_the_vendors_samples_have(contracts: Path, shop: Shop) -> None:
    known: set[tuple[str, str]] = set()
    for file in ("order.json", "customer.json"):
        for order in samples(contracts, file, "orders", "order"):
            known |= names(order)
    # In the vendor's REST description, on tips alone; no sample has a tip.
    known |= {(".line_items[]", name) for name in ("tip_payment_gateway", "tip_payment_method")}
    random = Random(3)
    for _ in range(100):
        number = shop.place_order(random)["id"]
        for _ in range(3):
            happenings(shop, shop.store.order(number), random, edits=True)
        strange = names(shop.store.order(number)) - known
        assert {(path, name) for path, name in strange if not path.endswith((".receipt", "_money", "_set"))} == set()


def test_fulfilment_documents_have_only_the_vendors_names(contracts: Path, shop: Shop) -> None:
    {pair for each in samples(contracts, "fulfillment.json", "fulfillments", "fulfillment") for pair in keys(each)}
    held = {
        pair
        for each in samples(contracts, "fulfillment_order.json", "fulfillment_orders", "fulfillment_order")
        for pair in keys(each)
    }
    order = shop.place_order(Random(1), {"lines": [{"sku": "MO-TENT-2P"}]})
    wanted = shop.store.records.of_order("fulfillmentOrders", order["id"])[0]
    assert {name for path, name in keys(wanted) if not path} <= {name for path, name in held if not path}
    assert {name for path, name in keys(wanted) if path == ".line_items[]"} <= {
        name for path, name in held if path == ".line_items[]"
    }


def test_an_order_is_put_into_the_shop_as_it_is_given(merchant: Merchant) -> None:
    document = {
        "id": 450789469,
        "order_number": 1001,
        "total_price": "20.00",
        "financial_status": "paid",
        "line_items": [{"id": 466157049, "sku": "X-1", "title": "X", "price": "10.00", "quantity": 2,
                        "price_set": {side: {"amount": "10.00", "currency_code": "USD"} for side in SIDES}}],
    }  # fmt: skip
    merchant.control("orders", {"order": document})
    found = merchant.data(
        """
        { order(id: "gid://shopify/Order/450789469") {
            name displayFinancialStatus totalPriceSet { shopMoney { amount } }
            fulfillmentOrders(first: 2) {
                nodes { lineItems(first: 2) { nodes { remainingQuantity lineItem { id } } } }
            }
        } }
        """
    )
    assert found["name"] == "#1001"
    assert found["displayFinancialStatus"] == "PAID"
    assert Decimal(found["totalPriceSet"]["shopMoney"]["amount"]) == 20
    line = found["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"][0]
    assert line == {"remainingQuantity": 2, "lineItem": {"id": "gid://shopify/LineItem/466157049"}}
    assert merchant.refused("orders", {"order": document}) == (422, "Order 450789469 is in the shop already.")


def test_wishes_that_make_no_sense_are_refused_with_a_sentence(merchant: Merchant) -> None:
    assert merchant.refused("orders", {"colour": "red"})[0] == 400
    status, sentence = merchant.refused("orders", {"lines": [{"sku": "NO-SUCH"}]})
    assert (status, "NO-SUCH" in sentence) == (400, True)
    assert merchant.refused("orders/1/cancel") == (422, "Order does not exist")
    assert merchant.refused("nothing")[0] == 400


def test_the_books_survive_a_restart_and_new_orders_get_new_ids(tmp_path: Path) -> None:
    first = create_sandbox(Settings(store=tmp_path))
    shop = first.vendors["shopify"]
    assert isinstance(shop, Shop)
    before = shop.place_order(Random(1))
    first.stop()
    second = create_sandbox(Settings(store=tmp_path))
    shop = second.vendors["shopify"]
    assert isinstance(shop, Shop)
    kept = shop.store.order(before["id"])
    check(kept)
    assert kept["total_price"] == before["total_price"]
    assert len(shop.store.records.of_order("fulfillmentOrders", before["id"])) >= 1
    after = shop.place_order(Random(2))
    assert (after["order_number"], after["id"] > before["id"]) == (before["order_number"] + 1, True)
    second.stop()


def test_payment_terms_that_an_order_was_given_are_shown(merchant: Merchant) -> None:
    schedule = {"amount": "20.00", "currency": "USD", "due_at": "2026-12-21T00:00:00-07:00", "issued_at": None}
    terms = {
        "payment_terms_name": "Net 30",
        "payment_terms_type": "net",
        "due_in_days": 30,
        "payment_schedules": [schedule],
    }
    merchant.control("orders", {"order": {"id": 7, "total_price": "20.00", "payment_terms": terms}})
    found = merchant.data(
        """
        { order(id: "gid://shopify/Order/7") { paymentTerms {
            paymentTermsName paymentTermsType dueInDays
            paymentSchedules(first: 1) { nodes { dueAt balanceDue { amount currencyCode } } }
        } } }
        """
    )["paymentTerms"]
    assert found["paymentSchedules"]["nodes"] == [
        {"dueAt": "2026-12-21T07:00:00Z", "balanceDue": {"amount": "20.0", "currencyCode": "USD"}}
    ]
    assert (found["paymentTermsName"], found["paymentTermsType"], found["dueInDays"]) == ("Net 30", "NET", 30)
