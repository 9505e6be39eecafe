"""Agreements: what was agreed when, as sales whose sum is what the order is worth now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.store import Store


def worth(line: Document, none: Pair) -> tuple[Pair, Pair, Pair]:
    """Return a line's (or shipping line's) net amount, its discount and its tax, for all its units."""
    discount = together((Pair.read(each["amount_set"]) for each in line["discount_allocations"]), none)
    tax = together((Pair.read(each["price_set"]) for each in line["tax_lines"]), none)
    return Pair.read(line["price_set"]) * int(line.get("quantity", 1)) - discount, discount, tax


def share(amount: Pair, done: int, more: int, units: int) -> Pair:
    """Return what `more` units after `done` of all `units` carry of an amount; the parts add up exactly."""
    return amount.part(Fraction(done + more, units)) - amount.part(Fraction(done, units))


def nothing(order: Document) -> Pair:
    """Return a zero in an order's currencies."""
    return Pair.read(order["total_price_set"]).none


def agreement(store: Store, order: Document, reason: str, sales: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Build an agreement; `reason` is ORDER, ORDER_EDIT, REFUND or RETURN."""
    return {
        "id": store.records.next_id(),
        "order_id": order["id"],
        "reason": reason,
        "happened_at": store.now(),
        "sales": list(sales),
    }


def placed(store: Store, order: Document) -> dict[str, Any]:
    """Build the agreement that an order begins with."""
    none = nothing(order)
    sales = []
    for line in order["line_items"]:
        net, discount, tax = worth(line, none)
        sales.append(line_sale(store, order, line, int(line["quantity"]), (net, discount, tax)))
    for line in order["shipping_lines"]:
        net, discount, tax = worth(line, none)
        sales.append(shipping_sale(store, order, line, 1, (net, discount, tax)))
    return agreement(store, order, "ORDER", sales)


def line_sale(
    store: Store, order: Document, line: Document, quantity: int, amounts: tuple[Pair, Pair, Pair]
) -> dict[str, Any]:
    """Build the sale of some units of a line, negative ones for a return; amounts are net, discount and tax."""
    kind = "GIFT_CARD" if line["gift_card"] else "TIP" if line.get("tip_payment_gateway") else "PRODUCT"
    return {**_sale(store, order, kind, quantity, amounts), "line_item_id": line["id"]}


def shipping_sale(
    store: Store, order: Document, line: Document, quantity: int, amounts: tuple[Pair, Pair, Pair]
) -> dict[str, Any]:
    """Build the sale of a shipping rate, or of its refund."""
    return {**_sale(store, order, "SHIPPING", quantity, amounts), "shipping_line_id": line["id"]}


def _sale(store: Store, order: Document, kind: str, quantity: int, amounts: tuple[Pair, Pair, Pair]) -> dict[str, Any]:
    net, discount, tax = amounts
    return {
        "id": store.records.next_id(),
        "action_type": "RETURN" if quantity < 0 else "ORDER",
        "line_type": kind,
        "quantity": quantity,
        "total_amount_set": (net if order["taxes_included"] else net + tax).set,
        "total_discount_amount_before_taxes_set": discount.set,
        "total_discount_amount_after_taxes_set": discount.set,
        "total_tax_amount_set": tax.set,
    }
