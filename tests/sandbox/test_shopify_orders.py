"""Orders of the shop add up, on both sides, whatever is in the cart and whatever happens to them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sandbox.assembly import create_sandbox
from app.sandbox.settings import Settings
from app.sandbox.shopify.buyers import BUYERS
from app.sandbox.shopify.carts import Cart, Delivery, Wanted
from app.sandbox.shopify.order_documents import compose
from app.sandbox.shopify.pricing import Discount, Tax
from app.sandbox.shopify.shop import Shop
from tests.sandbox.shop_client import happenings
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
