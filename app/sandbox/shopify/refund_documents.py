"""Refunds as documents: what was asked for, what it comes to by line, and how REST writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import agreements
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.records import gid
from app.sandbox.shopify.store import Store

RESTOCKS = frozenset({"no_restock", "cancel", "return"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Units of a line that are given back; `restock` is no_restock, cancel or return."""

    line: int
    quantity: int
    restock: str = "no_restock"
    location: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBack:
    """Money that goes back to where a transaction took it from."""

    parent: Document
    amount: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunding:
    """A refund as asked for; `shipping` is the net shipping given back. Without `paid_back` no money moves."""

    returned: tuple[Returned, ...] = ()
    shipping: Pair | None = None
    paid_back: tuple[PaidBack, ...] = ()
    note: str | None = None
    over: str = ""  # why more may go back than came in; empty forbids it


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the units of one line come to."""

    asked: Returned
    line: Document
    net: Pair
    discount: Pair
    tax: Pair


def shipping_left(order: Document) -> Pair:
    """Return the net shipping that was not refunded yet."""
    none = agreements.nothing(order)
    sold = together((agreements.worth(line, none)[0] for line in order["shipping_lines"]), none)
    return sold - _shipping_done(order)


def _shipping_done(order: Document) -> Pair:
    none = agreements.nothing(order)
    return together(
        (
            -Pair.read(each["amount_set"])
            for refund in order["refunds"]
            for each in refund["order_adjustments"]
            if each["kind"] == "shipping_refund"
        ),
        none,
    )


def shipping_tax(order: Document, shipping: Pair | None) -> Pair:
    """Return the tax that goes with refunded shipping, in proportion to it."""
    none = agreements.nothing(order)
    worths = [agreements.worth(line, none) for line in order["shipping_lines"]]
    net = together((each[0] for each in worths), none)
    tax = together((each[2] for each in worths), none)
    if shipping is None or not net.shop.minor:
        return none
    done = _shipping_done(order)
    return agreements.share(tax, done.shop.minor, shipping.shop.minor, net.shop.minor)


def refund_document(
    store: Store, order: Document, asked: Refunding, given: Sequence[Given], back: Sequence[Document]
) -> dict[str, Any]:
    """Build a refund as a REST document; `back` are its transactions."""
    number, instant = store.records.next_id(), store.now()
    money = together((each.amount for each in asked.paid_back), agreements.nothing(order))
    return {
        "id": number,
        "admin_graphql_api_id": gid("Refund", number),
        "created_at": instant,
        "processed_at": instant,
        "note": asked.note,
        "order_id": order["id"],
        "restock": any(each.asked.restock != "no_restock" for each in given),
        "total_additional_fees_set": money.none.set,
        "total_duties_set": money.none.set,
        "user_id": None,
        "order_adjustments": _adjustments(store, order, asked, given, money, number),
        "transactions": [{name: value for name, value in each.items() if name != "amount_set"} for each in back],
        "refund_line_items": [_refund_line(store, each) for each in given],
        "duties": [],
        "additional_fees": [],
    }


def _refund_line(store: Store, given: Given) -> dict[str, Any]:
    return {
        "id": store.records.next_id(),
        "line_item_id": given.line["id"],
        "location_id": given.asked.location,
        "quantity": given.asked.quantity,
        "restock_type": given.asked.restock,
        "subtotal": given.net.shop.amount,
        "subtotal_set": given.net.set,
        "total_tax": given.tax.shop.amount,
        "total_tax_set": given.tax.set,
        "line_item": given.line,
    }


def _adjustments(
    store: Store, order: Document, asked: Refunding, given: Sequence[Given], money: Pair, refund: int
) -> list[dict[str, Any]]:
    """Return what lies between the goods and the money: shipping (negative), and a discrepancy where there is one."""
    found = []
    tax = shipping_tax(order, asked.shipping)
    goods = together((value(order, each) for each in given), money.none)
    if asked.shipping is not None:
        found.append(("shipping_refund", "Shipping refund", -asked.shipping, -tax))
        goods = goods + asked.shipping + (tax.none if order["taxes_included"] else tax)
    if goods - money:
        found.append(("refund_discrepancy", "Refund discrepancy", goods - money, money.none))
    return [
        {
            "id": store.records.next_id(),
            "amount": amount.text,
            "amount_set": amount.set,
            "kind": kind,
            "order_id": order["id"],
            "reason": reason,
            "refund_id": refund,
            "tax_amount": tax_amount.text,
            "tax_amount_set": tax_amount.set,
        }
        for kind, reason, amount, tax_amount in found
    ]


def value(order: Document, given: Given) -> Pair:
    """Return what is owed for units given back, tax included."""
    return given.net if order["taxes_included"] else given.net + given.tax
