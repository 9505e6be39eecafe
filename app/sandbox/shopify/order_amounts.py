"""An order's amounts as GraphQL shows them: what it was worth, is worth, and what was paid of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import agreements, payments
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.views import Arguments, Query, Resolver, View


def _money(view: View, query: Query) -> list[Document]:
    return query.store.records.of_order("transactions", view.document["id"])


def _sum(of: Callable[[Sequence[Document], Pair], Pair]) -> Resolver:
    """Return the resolver of an amount that an order's transactions add up to."""

    def read(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
        return of(_money(view, query), agreements.nothing(view.document)).set

    return read


def _refunded(transactions: Sequence[Document], none: Pair) -> Pair:
    return payments.moved(transactions, ("refund",), none)


def _net(transactions: Sequence[Document], none: Pair) -> Pair:
    return payments.received(transactions, none) - _refunded(transactions, none)


def outstanding(view: View, query: Query) -> Pair:
    return payments.outstanding(view.document, _money(view, query))


def _adjusted(order: Document, kind: str) -> Pair:
    return together(
        (
            Pair.read(each["amount_set"])
            for refund in order["refunds"]
            for each in refund["order_adjustments"]
            if each["kind"] == kind
        ),
        agreements.nothing(order),
    )


def _cart_discount(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    """Return what discounts on the whole order took off its lines."""
    order = view.document
    whole = {n for n, each in enumerate(order["discount_applications"]) if each["target_selection"] == "all"}
    return together(
        (
            Pair.read(each["amount_set"])
            for line in order["line_items"]
            for each in line["discount_allocations"]
            if each["discount_application_index"] in whole
        ),
        agreements.nothing(order),
    ).set


def _original_total(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    first = next(iter(query.store.records.of_order("agreements", view.document["id"])), None)
    none = agreements.nothing(view.document)
    sales = first["sales"] if first else ()
    return together((Pair.read(sale["total_amount_set"]) for sale in sales), none).set


def _tips(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    order = view.document
    tips = (line for line in order["line_items"] if line.get("tip_payment_gateway"))
    return together((Pair.read(line["price_set"]) * line["quantity"] for line in tips), agreements.nothing(order)).set


def _current_taxes(view: View, arguments: Arguments, query: Query) -> list[dict[str, Any]]:
    """Return the order's taxes without those of units that are gone, and of refunded shipping."""
    order, none = view.document, agreements.nothing(view.document)
    left = []
    for tax in order["tax_lines"]:
        gone = none
        for line in order["line_items"]:
            missing = line["quantity"] - line["current_quantity"]
            for each in line["tax_lines"] if missing else ():
                if (each["title"], each["rate"]) == (tax["title"], tax["rate"]):
                    gone = gone + agreements.share(Pair.read(each["price_set"]), 0, missing, line["quantity"])
        amount = Pair.read(tax["price_set"]) - gone
        left.append({**tax, "price": amount.text, "price_set": amount.set})
    return left


def _rounding(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    none = agreements.nothing(view.document).set
    name = "total_cash_rounding_{}_adjustment_set"
    return {f"{kind}_set": view.document.get(name.format(kind)) or none for kind in ("payment", "refund")}


AMOUNTS: Mapping[str, Resolver] = {
    "currentTaxLines": _current_taxes,
    "fullyPaid": lambda view, arguments, query: outstanding(view, query).shop.minor <= 0,
    "unpaid": lambda view, arguments, query: not _net(_money(view, query), agreements.nothing(view.document)),
    "capturable": lambda view, arguments, query: bool(
        payments.capturable(_money(view, query), agreements.nothing(view.document))
    ),
    "refundable": lambda view, arguments, query: bool(_net(_money(view, query), agreements.nothing(view.document))),
    "cartDiscountAmountSet": _cart_discount,
    "currentCartDiscountAmountSet": _cart_discount,
    "currentShippingPriceSet": lambda view, *_: (
        (Pair.read(view.document["total_shipping_price_set"]) + _adjusted(view.document, "shipping_refund")).set
    ),
    "originalTotalPriceSet": _original_total,
    "netPaymentSet": _sum(_net),
    "refundDiscrepancySet": lambda view, *_: _adjusted(view.document, "refund_discrepancy").set,
    "totalCapturableSet": _sum(payments.capturable),
    "totalCashRoundingAdjustment": _rounding,
    "totalOutstandingSet": lambda view, arguments, query: outstanding(view, query).set,
    "totalReceivedSet": _sum(payments.received),
    "totalRefundedSet": _sum(_refunded),
    "totalRefundedShippingSet": lambda view, *_: (-_adjusted(view.document, "shipping_refund")).set,
    "totalTipReceivedSet": _tips,
}
