"""Cancelling: the whole order, by the merchant or by the API, with its goods and its money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify import agreements, fulfillment_orders, payments, refunding, stock
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.store import Rejected, Store

REASONS = frozenset({"customer", "declined", "fraud", "inventory", "staff", "other"})


def check(store: Store, order: Document) -> None:
    """Raise Rejected when an order cannot be cancelled: it is already, or goods are on their way."""
    if order["cancelled_at"] is not None:
        raise Rejected("Order has already been cancelled", "orderId", code="INVALID")
    if any(each["status"] == "success" for each in order["fulfillments"]):
        raise Rejected("Cannot cancel an order with outstanding fulfillments", "orderId", code="INVALID")
    if any(each["status"] == "pending" for each in store.records.of_order("transactions", order["id"])):
        raise Rejected("Cannot cancel an order with pending payments", "orderId", code="INVALID")


def cancel(store: Store, number: int, *, reason: str, restock: str, pay_back: str = "original") -> Document:
    """Cancel an order and tell of it. `restock` is cancel or no_restock, `pay_back` original or none."""
    with store.records.lock:
        order = store.order(number)
        check(store, order)
        refund, after, changes = _given_back(store, order, restock, pay_back)
        after = {
            **after,
            "cancelled_at": store.now(),
            "cancel_reason": reason,
            "closed_at": store.now(),
            "updated_at": store.now(),
        }
        store.records.write([*changes, *changes_of("orders", [after])])
        if refund is not None:
            store.emit("refunds/create", refund)
        store.emit("orders/cancelled", after)
        store.emit("orders/updated", after)
        return after


def _given_back(
    store: Store, order: Document, restock: str, pay_back: str
) -> tuple[Document | None, Document, list[Change]]:
    """Give back what was paid, or void what was only authorised; nothing ships any more."""
    transactions = store.records.of_order("transactions", order["id"])
    whole = refunding.whole(store, order, restock)
    if whole.paid_back:
        asked = whole if pay_back == "original" else replace(whole, paid_back=())
        return refunding.drawn_up(store, order, asked)
    voids = [
        payments.transaction(store, order, "void", payments.open_part(transactions, each), parent=each)
        for each in transactions
        if each["kind"] == "authorization" and payments.open_part(transactions, each)
    ]
    units = {line["id"]: int(line["fulfillable_quantity"]) for line in order["line_items"]}
    changes = [*changes_of("transactions", voids), *fulfillment_orders.without_units(store, order, units)]
    if restock == "cancel":
        levels = stock.Levels(store)
        stock.release(store, levels, order, units)
        changes += levels.changes()
    return None, _unsold(order, [*transactions, *voids]), changes


def _unsold(order: Document, transactions: list[Document]) -> dict[str, Any]:
    """Return an order of which nothing was paid, with nothing left in it; its totals stay as they were, as the shop's.

    The vendor's own samples of cancelled orders keep `current_total_price` with every line at 0.
    """
    lines = [{**line, "current_quantity": 0, "fulfillable_quantity": 0} for line in order["line_items"]]
    none = agreements.nothing(order)
    settled = payments.settled({**order, "current_total_price_set": none.set}, transactions)
    return {**order, "line_items": lines, **settled}
