"""Refunds: units and shipping given back, money paid back, and what is left of the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify import agreements, fulfillment_orders, payments, stock
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.refund_documents import (
    Given,
    PaidBack,
    Refunding,
    Returned,
    refund_document,
    shipping_left,
    shipping_tax,
    value,
)
from app.sandbox.shopify.store import Rejected, Store


def refund(store: Store, number: int, asked: Refunding) -> tuple[Document, Document]:
    """Refund an order and tell of it: (refund, order). Raises Rejected as the shop refuses."""
    with store.records.lock:
        order = store.order(number)
        document, after, changes = drawn_up(store, order, asked)
        store.records.write(changes)
        store.emit("refunds/create", document)
        store.emit("orders/updated", after)
        return document, after


def drawn_up(store: Store, order: Document, asked: Refunding) -> tuple[Document, Document, list[Change]]:
    """Work a refund out without keeping it: the refund, the order after it, and the changes that keep both."""
    transactions = store.records.of_order("transactions", order["id"])
    _check_money(asked, transactions)
    given = [_given(order, each) for each in asked.returned]
    back = [
        payments.transaction(store, order, "refund", each.amount, gateway=each.parent["gateway"], parent=each.parent)
        for each in asked.paid_back
    ]
    document = refund_document(store, order, asked, given, back)
    after = _after(store, order, asked, given)
    after = {
        **after,
        "refunds": [*order["refunds"], document],
        **payments.settled(after, [*transactions, *back]),
    }
    changes = [
        *changes_of("refunds", [document]),
        *changes_of("transactions", back),
        *changes_of("agreements", [_agreement(store, order, asked, given)]),
        *changes_of("orders", [after]),
        *_goods(store, order, asked),
    ]
    return document, after, changes


def worth_of(store: Store, order: Document, asked: Refunding) -> Pair:
    """Return what a refund's goods and shipping come to, tax included: the money that is owed for them."""
    none = agreements.nothing(order)
    goods = together((value(order, _given(order, each)) for each in asked.returned), none)
    tax = none if order["taxes_included"] else shipping_tax(order, asked.shipping)
    return goods + (asked.shipping or none) + tax


def whole(store: Store, order: Document, restock: str) -> Refunding:
    """Return the refund of everything that is left of an order, money included."""
    transactions = store.records.of_order("transactions", order["id"])
    paid = [
        PaidBack(parent=each, amount=payments.refundable(transactions, each))
        for each in transactions
        if each["kind"] in {"sale", "capture"} and each["status"] == "success"
    ]
    lines = tuple(
        Returned(line=line["id"], quantity=line["current_quantity"], restock=restock)
        for line in order["line_items"]
        if line["current_quantity"]
    )
    shipping = shipping_left(order)
    return Refunding(
        returned=lines,
        shipping=shipping or None,
        paid_back=tuple(each for each in paid if each.amount),
        note="Order canceled",
    )


def _given(order: Document, asked: Returned) -> Given:
    line = next((each for each in order["line_items"] if each["id"] == asked.line), None)
    if line is None:
        raise Rejected("Line item does not exist", "refundLineItems")
    if not 0 < asked.quantity <= line["current_quantity"]:
        raise Rejected("Refund quantity cannot refund more items than were purchased", "refundLineItems")
    shipped = line["quantity"] - line["fulfillable_quantity"] - (line["quantity"] - line["current_quantity"])
    if asked.restock == "return" and asked.quantity > shipped:
        raise Rejected("Only fulfilled items can be restocked as a return", "refundLineItems")
    done = line["quantity"] - line["current_quantity"]
    net, discount, tax = (
        agreements.share(amount, done, asked.quantity, line["quantity"])
        for amount in agreements.worth(line, agreements.nothing(order))
    )
    return Given(asked=asked, line=line, net=net, discount=discount, tax=tax)


def _check_money(asked: Refunding, transactions: Sequence[Document]) -> None:
    wanted: dict[int, Pair] = {}
    for each in asked.paid_back:
        number = int(each.parent["id"])
        wanted[number] = wanted.get(number, each.amount.none) + each.amount
        most = payments.refundable(transactions, each.parent)
        if each.amount.presentment.minor <= 0:
            raise Rejected("Refund amount must be greater than zero", "transactions")
        if wanted[number].presentment.minor > most.presentment.minor and not asked.over:
            raise Rejected(
                f"Refund amount {wanted[number].presentment.text} is greater than the maximum refundable amount "
                f"{most.presentment.text}",
                "transactions",
            )


def _after(store: Store, order: Document, asked: Refunding, given: Sequence[Given]) -> dict[str, Any]:
    """Return the order with less in it: its lines, its current totals, its instant."""
    none = agreements.nothing(order)
    shipping, tax = asked.shipping or none, shipping_tax(order, asked.shipping)
    net = together((each.net for each in given), none)
    taxes = together((each.tax for each in given), tax)
    lines = {each.line["id"]: each for each in given}
    after = {
        **order,
        "updated_at": store.now(),
        "line_items": [_left(line, lines.get(line["id"])) for line in order["line_items"]],
    }
    gone: Mapping[str, Pair] = {
        "current_subtotal_price": net,
        "current_total_discounts": together((each.discount for each in given), none),
        "current_total_tax": taxes,
        "current_total_price": net + shipping + (none if order["taxes_included"] else taxes),
    }
    for name, amount in gone.items():
        left = Pair.read(order[f"{name}_set"]) - amount
        after |= {name: left.text, f"{name}_set": left.set}
    return after


def _left(line: Document, given: Given | None) -> Document:
    if given is None:
        return line
    quantity = given.asked.quantity
    unshipped = 0 if given.asked.restock == "return" else min(quantity, line["fulfillable_quantity"])
    return {
        **line,
        "current_quantity": line["current_quantity"] - quantity,
        "fulfillable_quantity": line["fulfillable_quantity"] - unshipped,
    }


def _agreement(store: Store, order: Document, asked: Refunding, given: Sequence[Given]) -> dict[str, Any]:
    sales = [
        agreements.line_sale(store, order, each.line, -each.asked.quantity, (-each.net, -each.discount, -each.tax))
        for each in given
    ]
    if asked.shipping is not None and order["shipping_lines"]:
        tax = shipping_tax(order, asked.shipping)
        amounts = (-asked.shipping, asked.shipping.none, -tax)
        sales.append(agreements.shipping_sale(store, order, order["shipping_lines"][0], -1, amounts))
    return agreements.agreement(store, order, "REFUND", sales)


def _goods(store: Store, order: Document, asked: Refunding) -> list[Change]:
    """Return the changes of fulfilment orders and stock: what will not ship, and what is for sale again."""
    lines = {line["id"]: line for line in order["line_items"]}
    levels, unshipped = stock.Levels(store), {}
    for each in asked.returned:
        line = lines[each.line]
        if each.restock != "return":
            unshipped[each.line] = min(each.quantity, line["fulfillable_quantity"])
        place = each.location or fulfillment_orders.place_of(store, order, each.line)
        item = fulfillment_orders.inventory_item(store, line)
        if each.restock == "return":
            levels.move(item, place, available=each.quantity, on_hand=each.quantity)
        elif each.restock == "cancel":
            levels.move(item, place, available=each.quantity, committed=-each.quantity)
    return [*fulfillment_orders.without_units(store, order, unshipped), *levels.changes()]
