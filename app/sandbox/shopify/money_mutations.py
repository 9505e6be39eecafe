"""Mutations of money: capture, void and refund."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import payments, refunding
from app.sandbox.shopify.mutations import Mutations, Payload, both_sides, mutation, number, order_of, shown
from app.sandbox.shopify.pairs import Pair
from app.sandbox.shopify.records import changes_of, number_of
from app.sandbox.shopify.refund_documents import RESTOCKS, PaidBack, Refunding, Returned, shipping_left
from app.sandbox.shopify.store import Rejected, Store
from app.sandbox.shopify.views import Arguments, Query, View


def moved(store: Store, order: Document, transaction: Document) -> Document:
    """Keep a transaction and the order as it is after it, and tell of both."""
    transactions = [*store.records.of_order("transactions", order["id"]), transaction]
    after = {**order, **payments.settled(order, transactions), "updated_at": store.now()}
    store.records.write([*changes_of("transactions", [transaction]), *changes_of("orders", [after])])
    store.emit("order_transactions/create", {k: v for k, v in transaction.items() if k != "amount_set"})
    if after["financial_status"] == "paid" != order["financial_status"]:
        store.emit("orders/paid", after)
    store.emit("orders/updated", after)
    return after


def _capture(arguments: Arguments, query: Query) -> Payload:
    given = arguments["input"]
    with query.store.records.lock:
        order = order_of(query.store, given["id"], "input", "id")
        _check_currency(order, given.get("currency"), "currency")
        parent = payments.find(query.store, order, given["parentTransactionId"], "input", "parentTransactionId")
        still = _open(query.store, order, parent)
        if not still:
            raise Rejected("Transaction cannot be captured", "input", "parentTransactionId")
        amount = both_sides(shown(given["amount"], order, "amount"), still)
        if not 0 < amount.presentment.minor <= still.presentment.minor:
            raise Rejected("Amount must be between zero and the authorized amount", "input", "amount")
        captured = payments.transaction(query.store, order, "capture", amount, gateway=parent["gateway"], parent=parent)
        after = moved(query.store, order, captured)
        return {"transaction": View("OrderTransaction", captured, after)}


def _void(arguments: Arguments, query: Query) -> Payload:
    with query.store.records.lock:
        serial = number_of(arguments["parentTransactionId"], "OrderTransaction")
        parent = query.store.records.read("transactions", serial)
        if parent is None:
            message = "Transaction does not exist"
            raise Rejected(message, "parentTransactionId", code="TRANSACTION_NOT_FOUND")
        order = query.store.order(parent["order_id"])
        still = _open(query.store, order, parent)
        if not still:
            raise Rejected("Authorization is not voidable", "parentTransactionId", code="AUTH_NOT_VOIDABLE")
        void = payments.transaction(query.store, order, "void", still, gateway=parent["gateway"], parent=parent)
        after = moved(query.store, order, void)
        return {"transaction": View("OrderTransaction", void, after)}


def _open(store: Store, order: Document, parent: Document) -> Pair:
    if parent["kind"] != "authorization":
        return payments.amount_of(parent).none
    return payments.open_part(store.records.of_order("transactions", order["id"]), parent)


def _refund(arguments: Arguments, query: Query) -> Payload:
    given = arguments["input"]
    with query.store.records.lock:
        order = order_of(query.store, given["orderId"], "orderId")
        _check_currency(order, given.get("currency"), "currency")
        if given.get("refundDuties"):
            raise Rejected("Duty does not exist", "refundDuties")
        asked = Refunding(
            returned=tuple(_returned(each) for each in given.get("refundLineItems") or ()),
            shipping=_shipping(order, given.get("shipping") or {}),
            paid_back=_paid_back(query.store, order, given.get("transactions") or ()),
            note=given.get("note"),
            over="asked for" if given.get("allowOverRefunding") else "",
        )
        if not asked.returned and asked.shipping is None and not asked.paid_back:
            raise Rejected("Refund must have at least one line item, shipping amount or transaction", "input")
        refund, after = refunding.refund(query.store, order["id"], asked)
        return {"refund": View("Refund", refund, after), "order": View("Order", after)}


def _check_currency(order: Document, given: str | None, field: str) -> None:
    """Raise Rejected unless an amount is given in the currency that the customer was shown."""
    wanted = order["presentment_currency"]
    if given is None and wanted != order["currency"]:
        raise Rejected("Currency must be provided when the order's presentment currency differs", field)
    if given not in {None, wanted}:
        raise Rejected(f"Currency must match the order's presentment currency {wanted}", field)


def _returned(given: Mapping[str, Any]) -> Returned:
    place = given.get("locationId")
    restock = str(given.get("restockType") or "NO_RESTOCK").lower()
    if restock not in RESTOCKS:
        raise Rejected("Restock type is not supported", "refundLineItems", "restockType")
    return Returned(
        line=number(given["lineItemId"], "LineItem", "Line item does not exist", "refundLineItems", "lineItemId"),
        quantity=given["quantity"],
        restock=restock,
        location=number(place, "Location", "Location does not exist", "refundLineItems") if place else None,
    )


def _shipping(order: Document, given: Mapping[str, Any]) -> Pair | None:
    left = shipping_left(order)
    if given.get("fullRefund"):
        return left or None
    if given.get("amount") is None:
        return None
    amount = both_sides(shown(given["amount"], order, "shipping"), left)
    if amount.presentment.minor > left.presentment.minor:
        raise Rejected("Shipping refund amount is greater than the remaining shipping", "shipping")
    return amount


def _paid_back(store: Store, order: Document, given: Sequence[Mapping[str, Any]]) -> tuple[PaidBack, ...]:
    found = []
    for each in given:
        if each["kind"] != "REFUND":
            raise Rejected("Transaction kind must be refund", "transactions", "kind")
        parent = _parent(store, order, each)
        if parent["gateway"] != each["gateway"]:
            raise Rejected("Gateway must be the one of the parent transaction", "transactions", "gateway")
        amount = shown(each["amount"], order, "transactions", "amount")
        found.append(PaidBack(parent=parent, amount=both_sides(amount, payments.amount_of(parent))))
    return tuple(found)


def _parent(store: Store, order: Document, given: Mapping[str, Any]) -> Document:
    if given.get("parentId"):
        return payments.find(store, order, given["parentId"], "transactions", "parentId")
    transactions = store.records.of_order("transactions", order["id"])
    for each in transactions:
        if each["gateway"] == given["gateway"] and payments.refundable(transactions, each):
            return each
    raise Rejected("No transaction of this gateway can be refunded", "transactions", "gateway")


MUTATIONS: Mutations = {
    "orderCapture": mutation(_capture),
    "transactionVoid": mutation(_void),
    "refundCreate": mutation(_refund),
}
