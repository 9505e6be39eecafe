"""Placing: a cart becomes an order with its payments, its fulfilment orders and its claim on stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.kernel.money import Money
from app.sandbox.books import Document
from app.sandbox.shopify import agreements, fulfillment_orders, payments, stock
from app.sandbox.shopify.carts import Cart
from app.sandbox.shopify.order_documents import compose
from app.sandbox.shopify.pairs import Pair
from app.sandbox.shopify.records import changes_of, gid
from app.sandbox.shopify.store import Rejected, Store


def place(store: Store, cart: Cart) -> Document:
    """Place a cart's order and tell of it."""
    with store.records.lock:
        records = store.records
        order = compose(cart, records.next_order_number(), records.next_id, store.now())
        money = _pay(store, order, cart)
        order = {**order, **payments.settled(order, money)}
        return _keep(store, order, money, cart.location)


def adopt(store: Store, document: Mapping[str, Any]) -> Document:
    """Put an order into the shop as it is given, with what the shop would have beside it; tell of it.

    What the document lacks is filled in: ids, number, instants, and a transaction where it says it was paid.
    """
    with store.records.lock:
        instant = store.now()
        number = int(document.get("id") or store.records.next_id())
        if store.records.read("orders", number) is not None:
            raise Rejected(f"Order {number} is in the shop already.", "id")
        shown = document.get("order_number") or store.records.next_order_number()
        order = {
            **_BLANK,
            "created_at": instant,
            "processed_at": instant,
            "updated_at": instant,
            "order_number": shown,
            "name": f"#{shown}",
            **document,
            "id": number,
            "admin_graphql_api_id": gid("Order", number),
        }
        order["line_items"] = [_line(store, line) for line in order["line_items"]]
        _with_sets(order)
        money = []
        if order["financial_status"] in {"paid", "authorized"}:
            kind = "sale" if order["financial_status"] == "paid" else "authorization"
            money.append(payments.transaction(store, order, kind, Pair.read(order["total_price_set"])))
        return _keep(store, order, money, None)


_BLANK: Mapping[str, Any] = {
    "billing_address": None,
    "cancelled_at": None,
    "cancel_reason": None,
    "closed_at": None,
    "confirmed": True,
    "currency": "USD",
    "customer": None,
    "discount_applications": [],
    "discount_codes": [],
    "duties_included": False,
    "email": "",
    "financial_status": "pending",
    "fulfillment_status": None,
    "fulfillments": [],
    "line_items": [],
    "note": None,
    "note_attributes": [],
    "payment_gateway_names": [],
    "presentment_currency": None,
    "refunds": [],
    "shipping_address": None,
    "shipping_lines": [],
    "source_name": "web",
    "tags": "",
    "tax_lines": [],
    "taxes_included": False,
    "test": False,
    "total_outstanding": "0.00",
    "total_tip_received": "0.00",
}
_SUMS = (
    ("total_price", "0.00"),
    ("current_total_price", None),
    ("subtotal_price", "0.00"),
    ("current_subtotal_price", None),
    ("total_tax", "0.00"),
    ("current_total_tax", None),
    ("total_discounts", "0.00"),
    ("current_total_discounts", None),
    ("total_line_items_price", "0.00"),
)


def _with_sets(order: dict[str, Any]) -> None:
    """Give an order that was written by hand the totals on both sides that every change reads."""
    currency = order["currency"]
    order["presentment_currency"] = order["presentment_currency"] or currency
    for name, default in _SUMS:
        order.setdefault(name, order[name.removeprefix("current_")] if default is None else default)
        of = name if f"{name}_set" in order or default is not None else name.removeprefix("current_")
        if f"{name}_set" not in order:
            order[f"{name}_set"] = order.get(f"{of}_set") or _set(order[name], currency)
    order.setdefault("total_shipping_price_set", _set("0.00", currency))


def _set(amount: object, currency: str) -> dict[str, dict[str, str]]:
    money = Money.parse(str(amount), currency)
    return Pair(money, money).set


def _line(store: Store, given: Mapping[str, Any]) -> dict[str, Any]:
    quantity = int(given.get("quantity", 1))
    line: dict[str, Any] = {
        "id": given.get("id") or store.records.next_id(),
        "current_quantity": quantity,
        "discount_allocations": [],
        "duties": [],
        "fulfillable_quantity": quantity,
        "fulfillment_status": None,
        "gift_card": False,
        "grams": 0,
        "properties": [],
        "quantity": quantity,
        "requires_shipping": True,
        "product_id": None,
        "sku": None,
        "tax_lines": [],
        "taxable": True,
        "title": "",
        "variant_id": None,
        "variant_title": None,
        "vendor": None,
        **given,
    }
    return {"name": line["title"], "admin_graphql_api_id": gid("LineItem", line["id"]), **line}


def _pay(store: Store, order: Document, cart: Cart) -> list[Document]:
    """Return the transactions that pay an order: a gift card first, a card for the rest."""
    due = Pair.read(order["total_price_set"])
    money: list[Document] = []
    if cart.gift_card:
        amount = Pair(
            min(due.shop, Money.rounded(cart.gift_card, cart.currency)),
            min(due.presentment, Money.rounded(cart.gift_card * cart.rate, cart.presentment)),
        )
        money.append(payments.transaction(store, order, "sale", amount, gateway=payments.GIFT_CARD))
        due = due - amount
    if due and cart.payment != "pending":
        kind = "sale" if cart.payment == "paid" else "authorization"
        money.append(payments.transaction(store, order, kind, due))
    return money


def _keep(store: Store, order: Document, money: Sequence[Document], code: str | None) -> Document:
    shipping = _route(store, order, code)
    levels = stock.Levels(store)
    stock.commit(levels, shipping)
    store.records.write(
        [
            *changes_of("orders", [order]),
            *changes_of("transactions", money),
            *changes_of("fulfillmentOrders", shipping),
            *changes_of("agreements", [agreements.placed(store, order)]),
            *levels.changes(),
        ]
    )
    store.emit("orders/create", order)
    return order


def _route(store: Store, order: Document, code: str | None) -> list[Document]:
    """Return an order's fulfilment orders: one for each place that ships some of it, one for what needs no shipping."""
    places = store.records.all("locations")
    if not places:
        return []
    by_place: dict[int, list[tuple[Document, int]]] = {}
    digital: list[tuple[Document, int]] = []
    for line in order["line_items"]:
        quantity = int(line["fulfillable_quantity"])
        if not quantity:
            continue
        if not line["requires_shipping"]:
            digital.append((line, quantity))
            continue
        by_place.setdefault(_position(store, line, quantity, places, code), []).append((line, quantity))
    made: list[Document] = [
        fulfillment_orders.new_order(store, order, places[position], units, "shipping")
        for position, units in sorted(by_place.items())
    ]
    if digital:
        made.append(fulfillment_orders.new_order(store, order, places[0], digital, "none"))
    return made


def _position(store: Store, line: Document, quantity: int, places: list[Document], code: str | None) -> int:
    """Return the first place that has a line's units, or the one asked for."""
    if code is not None:
        return next((n for n, each in enumerate(places) if each["code"] == code), 0)
    item = fulfillment_orders.inventory_item(store, line)
    for position, each in enumerate(places):
        level = stock.level(store, item, each["id"]) if item is not None else None
        if level is not None and level["available"] >= quantity:
            return position
    return 0
