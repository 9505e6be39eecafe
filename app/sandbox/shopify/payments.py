"""Money that moves: transactions of an order, and what they make of its financial status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.records import gid, number_of
from app.sandbox.shopify.store import Rejected, Store

CARD = "bogus"  # Shopify's own test gateway
GIFT_CARD = "gift_card"
_INTO = frozenset({"sale", "capture"})


def transaction(
    store: Store,
    order: Document,
    kind: str,
    amount: Pair,
    *,
    gateway: str = CARD,
    parent: Document | None = None,
) -> dict[str, Any]:
    """Build a successful transaction of an order, as REST does, with its amount on both sides beside it."""
    number, instant = store.records.next_id(), store.now()
    card = {"gift_card_id": number, "gift_card_last_characters": f"{number % 10000:04d}"}
    return {
        "id": number,
        "admin_graphql_api_id": gid("OrderTransaction", number),
        "order_id": order["id"],
        "kind": kind,
        "gateway": gateway,
        "status": "success",
        "message": "Bogus Gateway: Forced success" if gateway == CARD else None,
        "created_at": instant,
        "processed_at": instant,
        "test": bool(order["test"]),
        "authorization": f"auth-{number}" if gateway == CARD else None,
        "location_id": None,
        "user_id": None,
        "parent_id": parent["id"] if parent else None,
        "device_id": None,
        "error_code": None,
        "source_name": order["source_name"],
        "amount": amount.presentment.text,
        "currency": amount.presentment.currency,
        "amount_set": amount.set,
        "payment_id": f"{order['name']}.{number % 1000}",
        "receipt": card if gateway == GIFT_CARD else {},
    }


def amount_of(document: Document) -> Pair:
    """Return a transaction's amount."""
    return Pair.read(document["amount_set"])


def moved(transactions: Iterable[Document], kinds: Iterable[str], none: Pair) -> Pair:
    """Add up what transactions of these kinds moved."""
    wanted = frozenset(kinds)
    return together(
        (amount_of(each) for each in transactions if each["kind"] in wanted and each["status"] == "success"), none
    )


def received(transactions: Iterable[Document], none: Pair) -> Pair:
    """Return what came in: sales and captures."""
    return moved(transactions, _INTO, none)


def open_part(transactions: Sequence[Document], authorization: Document) -> Pair:
    """Return what of an authorisation is neither captured nor voided."""
    none = amount_of(authorization).none
    children = [each for each in transactions if each["parent_id"] == authorization["id"]]
    if any(each["kind"] == "void" for each in children):
        return none
    return amount_of(authorization) - moved(children, ("capture",), none)


def capturable(transactions: Sequence[Document], none: Pair) -> Pair:
    """Return what may still be captured."""
    return together((open_part(transactions, each) for each in transactions if each["kind"] == "authorization"), none)


def refundable(transactions: Sequence[Document], paid: Document) -> Pair:
    """Return what of a sale or capture was not refunded yet: its maximum refundable."""
    none = amount_of(paid).none
    if paid["kind"] not in _INTO:
        return none
    children = [each for each in transactions if each["parent_id"] == paid["id"]]
    return amount_of(paid) - moved(children, ("refund",), none)


def outstanding(order: Document, transactions: Sequence[Document]) -> Pair:
    """Return what is still to be paid of an order as it is now."""
    owed = Pair.read(order["current_total_price_set"])
    return owed - received(transactions, owed.none) + moved(transactions, ("refund",), owed.none)


def settled(order: Document, transactions: Sequence[Document]) -> dict[str, Any]:
    """Return what an order's transactions make of its status, its gateways and what is outstanding."""
    owed = Pair.read(order["current_total_price_set"])
    came, went = received(transactions, owed.none), moved(transactions, ("refund",), owed.none)
    return {
        "financial_status": _status(owed, came, went, transactions),
        "payment_gateway_names": list(dict.fromkeys(each["gateway"] for each in transactions)),
        "total_outstanding": outstanding(order, transactions).text,
    }


def find(store: Store, order: Document, identity: str | None, *field: str) -> Document:
    """Return an order's transaction by its global id. Raises Rejected when there is none."""
    number = number_of(identity or "", "OrderTransaction")
    for each in store.records.of_order("transactions", order["id"]):
        if each["id"] == number:
            return each
    raise Rejected("Transaction does not exist", *field, code="TRANSACTION_NOT_FOUND")


def _status(owed: Pair, came: Pair, went: Pair, transactions: Sequence[Document]) -> str:
    if went:
        return "refunded" if went.shop.minor >= came.shop.minor else "partially_refunded"
    if came:
        return "paid" if came.shop.minor >= owed.shop.minor else "partially_paid"
    if any(each["kind"] == "void" for each in transactions):
        return "voided"
    if not owed and not transactions:
        return "paid"
    return "authorized" if capturable(transactions, owed.none) else "pending"
