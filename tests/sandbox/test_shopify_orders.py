"""Orders of the shop add up, on both sides, whatever is in the cart and whatever happens to them afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from app.sandbox.shopify.buyers import BUYERS
from app.sandbox.shopify.carts import Cart, Delivery, Wanted
from app.sandbox.shopify.order_documents import compose
from app.sandbox.shopify.pricing import Discount, Tax
from app.sandbox.shopify.shop import Shop
from app.sandbox.shopify.store import Rejected
from tests.sandbox.shop_client import Merchant
from tests.sandbox.shop_sums import SIDES, check, check_refunds, minor

pytestmark = pytest.mark.capability("TRY-1")

PRICES = st.decimals("0.01", "900", places=2)
DISCOUNTS = st.builds(
    Discount,
    kind=st.sampled_from(["discount_code", "automatic", "manual"]),
    title=st.just("less"),
    value=st.decimals("0.01", "100", places=2),
    percentage=st.booleans(),
    target=st.sampled_from(["line_item", "line_item", "shipping_line"]),
    method=st.sampled_from(["across", "each", "one"]),
    rows=st.sampled_from([(), (0,)]),
)
CARTS = st.builds(
    Cart,
    lines=st.lists(
        st.builds(
            Wanted,
            title=st.just("thing"),
            price=PRICES,
            quantity=st.integers(1, 7),
            kind=st.sampled_from(["product", "product", "custom", "gift_card", "tip"]),
            taxable=st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ).map(tuple),
    buyer=st.just(BUYERS[0]),
    deliveries=st.lists(
        st.builds(Delivery, title=st.just("post"), price=PRICES, code=st.just("p"), taxable=st.booleans()), max_size=2
    ).map(tuple),
    discounts=st.lists(DISCOUNTS, max_size=3).map(tuple),
    taxes=st.lists(st.builds(Tax, title=st.uuids().map(str), rate=st.decimals("0", "0.27", places=4)), max_size=3).map(
        tuple
    ),
    taxes_included=st.booleans(),
    currency=st.sampled_from(["USD", "EUR"]),
    presentment=st.sampled_from(["USD", "EUR", "CAD", "JPY", "KWD"]),
    rate=st.decimals("0.2", "160", places=4),
)


@given(cart=CARTS)
@settings(max_examples=300)
def test_every_cart_becomes_an_order_that_adds_up_on_both_sides(cart: Cart) -> None:
    numbers = iter(range(1, 1000))
    check(compose(cart, 1001, lambda: next(numbers), "2026-11-21T09:00:00-07:00"))


@pytest.fixture
def shop() -> Iterator[Shop]:
    sandbox = create_sandbox(Settings())
    found = sandbox.vendors["shopify"]
    assert isinstance(found, Shop)
    yield found
    sandbox.stop()


def test_what_the_demo_sells_adds_up(shop: Shop) -> None:
    random, seen = Random(7), {"tips": 0, "gift cards": 0, "two currencies": 0, "discounts": 0, "taxes": 0}
    for _ in range(400):
        order = shop.place_order(random)
        check(order)
        seen["tips"] += order["total_tip_received"] != "0.00"
        seen["gift cards"] += any(line["gift_card"] for line in order["line_items"])
        seen["two currencies"] += order["currency"] != order["presentment_currency"]
        seen["discounts"] += order["total_discounts"] != "0.00"
        seen["taxes"] += order["total_tax"] != "0.00"
    assert min(seen.values()) > 5, seen


def happenings(shop: Shop, order: Mapping[str, Any], random: Random, *, edits: bool) -> None:
    """Let one thing happen to an order, as people let things happen; what the shop refuses does not happen."""
    line = random.choice(order["line_items"])
    {"id": line["id"], "quantity": line["quantity"]}
    acts: list[tuple[str, dict[str, Any]]] = [
        ("refund", {"lines": [{"id": line["id"], "quantity": 1}]}),
        (
            "refund",
            {"lines": [{"id": line["id"], "quantity": line["quantity"], "restock": "cancel"}], "shipping": True},
        ),
        ("refund", {"lines": [{"id": line["id"], "quantity": 1, "restock": "return"}], "amount": "1.00"}),
        ("pay", {}),
        ("pay", {"amount": "5.00"}),
    ]
    if edits:
        acts += [("edit", {"lines": [{"id": line["id"], "quantity": quantity}]}) for quantity in (0, 1, 2, 5)]
    act, wishes = random.choice(acts)
    try:
        shop._controls._do(["orders", str(order["id"]), act], wishes)
    except Rejected:
        return


@pytest.mark.parametrize("seed", range(25))
def test_refunds_leave_what_is_due_and_the_money_fits_the_goods(shop: Shop, seed: int) -> None:
    random = Random(seed)
    number = shop.place_order(random)["id"]
    for _ in range(8):
        happenings(shop, shop.store.order(number), random, edits=False)
        order = shop.store.order(number)
        check(order)
        check_refunds(order, shop.store.records.of_order("transactions", number))


@pytest.mark.parametrize("seed", range(25))
def test_what_was_agreed_is_always_what_the_order_is_worth(shop: Shop, seed: int) -> None:
    random = Random(1000 + seed)
    number = shop.place_order(random)["id"]
    for _ in range(8):
        happenings(shop, shop.store.order(number), random, edits=True)
        order = shop.store.order(number)
        check(order)
        sales = [sale for each in shop.store.records.of_order("agreements", number) for sale in each["sales"]]
        for side in SIDES:
            agreed = sum(minor(sale["total_amount_set"][side]) for sale in sales)
            assert agreed == minor(order["current_total_price_set"][side])


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


def test_an_orders_document_has_only_names_that_the_vendors_samples_have(contracts: Path, shop: Shop) -> None:
    known = {pair for order in samples(contracts, "order.json", "orders", "order") for pair in keys(order)}
    known |= {pair for order in samples(contracts, "customer.json", "orders", "order") for pair in keys(order)}
    # In the vendor's REST description, on tips alone; no sample has a tip.
    known |= {(".line_items[]", name) for name in ("tip_payment_gateway", "tip_payment_method")}
    known |= {(".fulfillments[].line_items[]", name) for name in ("tip_payment_gateway", "tip_payment_method")}
    random = Random(3)
    for _ in range(150):
        order = shop.place_order(random)
        for _ in range(3):
            happenings(shop, shop.store.order(order["id"]), random, edits=True)
        ours = set(keys(shop.store.order(order["id"])))
        ours = {(path.replace(".refund_line_items[].line_item", ".line_items[]"), name) for path, name in ours}
        known |= {(path.replace(".refund_line_items[].line_item", ".line_items[]"), name) for path, name in known}
        known |= {(f".refunds[]{path}", name) for path, name in known if path.startswith(".line_items[]")}
        strange = {pair for pair in ours if pair not in known and not pair[0].endswith((".receipt", "_set"))}
        assert not {pair for pair in strange if "_money" not in pair[0]}, strange


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


WORKED = {
    "lines": [
        {"title": "A", "price": "49.90", "quantity": 2},
        {"title": "B", "price": "25.00"},
    ],
    "discounts": [
        {"kind": "manual", "title": "line", "value": "10", "rows": [0]},
        {"title": "TEN", "value": "10", "percentage": True},
    ],
    "deliveries": [{"price": "4.90", "taxable": True}],
    "taxes": [{"title": "VAT", "rate": "0.19"}],
    "taxes_included": True,
    "currency": "EUR",
    "gift_card": "20",
    "country": "DE",
}


def test_the_worked_example_of_gross_prices_comes_to_108_22(shop: Shop) -> None:
    """A 2 x 49.90 less 10.00, B 25.00, 10 % of 114.80 off as 8.98 and 2.50, shipping 4.90; tax inside is 17.28."""
    order = shop.place_order(Random(1), WORKED)
    assert order["total_price"] == "108.22"
    off = [[each["amount"] for each in line["discount_allocations"]] for line in order["line_items"]]
    assert off == [["10.00", "8.98"], ["2.50"]]
    assert order["total_tax"] == "17.28"
    paid = {each["gateway"]: each["amount"] for each in shop.store.records.of_order("transactions", order["id"])}
    assert paid == {"gift_card": "20.00", "bogus": "88.22"}
    assert order["financial_status"] == "paid"
    assert order["payment_gateway_names"] == ["gift_card", "bogus"]


def test_tax_is_rounded_on_the_order_and_spread_over_its_rows(shop: Shop) -> None:
    """3 x 0.99 at 19 %: 0.5643 on the order is 0.56, which its rows bear as 0.19, 0.19 and 0.18."""
    lines = [{"title": name, "price": "0.99"} for name in "abc"]
    order = shop.place_order(Random(1), {"lines": lines, "taxes": [{"title": "VAT", "rate": "0.19"}]})
    assert order["total_tax"] == "0.56"
    assert [line["tax_lines"][0]["price"] for line in order["line_items"]] == ["0.19", "0.19", "0.18"]
    assert order["total_price"] == "3.53"


def test_a_second_currency_is_computed_by_itself(shop: Shop) -> None:
    """19.99 x 3 at 1.3725: a unit is 27.44, the line 82.32, 5 % of it 4.116, so 4.12 CAD; in USD 59.97 and 3.00."""
    wishes = {
        "lines": [{"title": "A", "price": "19.99", "quantity": 3}],
        "taxes": [{"title": "GST", "rate": "0.05"}],
        "presentment": "CAD",
        "rate": "1.3725",
    }
    order = shop.place_order(Random(1), wishes)
    total, tax = order["total_price_set"], order["total_tax_set"]
    assert (total["shop_money"]["amount"], tax["shop_money"]["amount"]) == ("62.97", "3.00")
    assert (total["presentment_money"]["amount"], tax["presentment_money"]["amount"]) == ("86.44", "4.12")
    assert order["presentment_currency"] == "CAD"
    money = shop.store.records.of_order("transactions", order["id"])[0]
    assert (money["amount"], money["currency"]) == ("86.44", "CAD")


def test_a_tip_is_a_line_and_is_stated_once_more_on_the_order(shop: Shop) -> None:
    order = shop.place_order(Random(1), {"lines": [{"title": "A", "price": "10"}], "tip": "2.50", "state": "CO"})
    tip = order["line_items"][-1]
    assert (tip["price"], tip["taxable"], tip["tip_payment_gateway"]) == ("2.50", False, "bogus")
    assert order["total_tip_received"] == "2.50"
    assert tip["tax_lines"] == []
    waiting = shop.store.records.of_order("fulfillmentOrders", order["id"])
    shipped = {line["line_item_id"] for each in waiting for line in each["line_items"]}
    assert tip["id"] not in shipped


def test_orders_claim_stock_and_cancelling_gives_it_back(shop: Shop) -> None:
    def available() -> list[int]:
        item = next(
            each["inventory_item_id"] for each in shop.store.records.all("variants") if each["sku"] == "MO-TENT-2P"
        )
        levels = shop.store.records.all("inventoryLevels")
        return [
            each[name] for each in levels if each["inventory_item_id"] == item for name in ("available", "committed")
        ]

    before = available()
    order = shop.place_order(Random(1), {"lines": [{"sku": "MO-TENT-2P", "quantity": 3}], "location": "WEST"})
    assert available() == [before[0], 0, before[2] - 3, 3, before[4], 0]
    shop._controls._do(["orders", str(order["id"]), "cancel"], {})
    assert available() == before


def test_an_order_is_put_into_the_shop_as_it_is_given(serve: Callable[..., Served], http: urllib3.PoolManager) -> None:
    merchant = Merchant(serve(), http)
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


def test_wishes_that_make_no_sense_are_refused_with_a_sentence(
    serve: Callable[..., Served], http: urllib3.PoolManager
) -> None:
    merchant = Merchant(serve(), http)
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
