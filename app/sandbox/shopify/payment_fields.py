"""Transactions and refunds as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app.sandbox import moment
from app.sandbox.books import Document
from app.sandbox.shopify import agreements, payments
from app.sandbox.shopify.catalogue_fields import location
from app.sandbox.shopify.line_fields import line_of
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, legacy, named
from app.sandbox.web import encode

_AUTHORIZED_FOR = timedelta(days=7)  # what cards usually allow


def _all(view: View, query: Query) -> list[Document]:
    return query.store.records.of_order("transactions", view.document["order_id"])


def _open(view: View, query: Query) -> Pair:
    document = view.document
    if document["kind"] != "authorization":
        return payments.amount_of(document).none
    return payments.open_part(_all(view, query), document)


def _refundable(view: View, arguments: Arguments, query: Query) -> Any:
    return payments.refundable(_all(view, query), view.document).set["presentment_money"]


def _parent(view: View, arguments: Arguments, query: Query) -> View | None:
    found = [each for each in _all(view, query) if each["id"] == view.document["parent_id"]]
    return View("OrderTransaction", found[0], view.order) if found else None


def _expiry(view: View, arguments: Arguments, query: Query) -> str | None:
    if view.document["kind"] != "authorization":
        return None
    return moment.text(moment.parse(view.document["created_at"]) + _AUTHORIZED_FOR)


def _card(view: View, arguments: Arguments, query: Query) -> View | None:
    if view.document["gateway"] != payments.CARD:
        return None
    return View("CardPaymentDetails", {"company": "Bogus", "number": "•••• •••• •••• 1", "bin": "1"})


def _refund_lines(view: View, arguments: Arguments, query: Query) -> list[View]:
    return [View("RefundLineItem", each, view.order) for each in view.document["refund_line_items"]]


def _adjustments(kind: str) -> Resolver:
    shown = "OrderAdjustment" if kind == "refund_discrepancy" else "RefundShippingLine"
    return lambda view, *_: [
        View(shown, each, view.order) for each in view.document["order_adjustments"] if each["kind"] == kind
    ]


def _transactions(view: View, arguments: Arguments, query: Query) -> list[View]:
    numbers = {each["id"] for each in view.document["transactions"]}
    found = query.store.records.of_order("transactions", view.document["order_id"])
    return [View("OrderTransaction", each, view.order) for each in found if each["id"] in numbers]


def _refunded(view: View, arguments: Arguments, query: Query) -> Any:
    found = _transactions(view, arguments, query)
    return together((payments.amount_of(each.document) for each in found), agreements.nothing(view.order)).set


def _negated(key: str) -> Resolver:
    return lambda view, *_: (-Pair.read(view.document[key])).set


_TRANSACTION: Mapping[str, Resolver] = {
    "id": identity,
    "formattedGateway": lambda view, *_: str(view.document["gateway"]).replace("_", " ").title(),
    "authorizationExpiresAt": _expiry,
    "fees": always(()),
    "manualPaymentGateway": always(False),
    "manuallyCapturable": lambda view, arguments, query: bool(_open(view, query)),
    "multiCapturable": always(False),
    "maximumRefundableV2": _refundable,
    "order": lambda view, *_: View("Order", view.order),
    "parentTransaction": _parent,
    "paymentDetails": _card,
    "receiptJson": lambda view, *_: encode(view.document["receipt"]),
    "totalUnsettledSet": lambda view, arguments, query: _open(view, query).set,
}
_REFUND: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "updatedAt": named("processed_at"),
    "order": lambda view, *_: View("Order", view.order),
    "duties": always(()),
    "refundLineItems": _refund_lines,
    "refundShippingLines": _adjustments("shipping_refund"),
    "orderAdjustments": _adjustments("refund_discrepancy"),
    "totalRefundedSet": _refunded,
    "transactions": _transactions,
    "return": always(None),
}
_REFUND_LINE: Mapping[str, Resolver] = {
    "id": identity,
    "lineItem": lambda view, *_: line_of(view.order, view.document["line_item_id"]),
    "location": lambda view, arguments, query: location(query, view.document["location_id"]),
    "priceSet": lambda view, *_: view.document["line_item"]["price_set"],
    "restocked": lambda view, *_: view.document["restock_type"] != "no_restock",
}
FIELDS: Fields = {
    **{("OrderTransaction", name): resolver for name, resolver in _TRANSACTION.items()},
    **{("Refund", name): resolver for name, resolver in _REFUND.items()},
    **{("RefundLineItem", name): resolver for name, resolver in _REFUND_LINE.items()},
    ("RefundShippingLine", "id"): identity,
    ("RefundShippingLine", "shippingLine"): lambda view, *_: View(
        "ShippingLine", view.order["shipping_lines"][0], view.order
    ),
    ("RefundShippingLine", "subtotalAmountSet"): _negated("amount_set"),
    ("RefundShippingLine", "taxAmountSet"): _negated("tax_amount_set"),
    ("OrderAdjustment", "id"): identity,
    ("OrderAdjustment", "reason"): named("kind"),
    ("OrderAdjustment", "taxAmountSet"): named("tax_amount_set"),
}
