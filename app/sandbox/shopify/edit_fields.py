"""An order being edited, as GraphQL shows it: the order as it would be, if the session were committed."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from app.sandbox.books import Document
from app.sandbox.shopify import agreements, editing
from app.sandbox.shopify.line_fields import variant_of
from app.sandbox.shopify.order_amounts import outstanding
from app.sandbox.shopify.order_fields import attributes
from app.sandbox.shopify.pairs import Pair
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, named


def _staged(view: View, query: Query) -> Document:
    """Return the order as it would be."""
    order = query.store.order(view.document["order_id"])
    quantities = {int(line): quantity for line, quantity in view.document["quantities"].items()}
    return editing.staged(query.store, order, editing.changed(order, quantities))[1]


def _lines(view: View, arguments: Arguments, query: Query) -> list[View]:
    before = query.store.order(view.document["order_id"])
    after = {line["id"]: line for line in _staged(view, query)["line_items"]}
    return [
        View("CalculatedLineItem", {**line, "edited": after[line["id"]]["current_quantity"]}, before)
        for line in before["line_items"]
    ]


def _amount(key: str) -> Resolver:
    return lambda view, arguments, query: _staged(view, query)[key]


def _net(view: View, units: int) -> Pair:
    net = agreements.worth(view.document, agreements.nothing(view.order))[0]
    return net.part(Fraction(units, view.document["quantity"]))


def _shipped(view: View) -> int:
    return int(view.document["current_quantity"] - view.document["fulfillable_quantity"])


_ORDER: Mapping[str, Resolver] = {
    "id": identity,
    "originalOrder": lambda view, arguments, query: View("Order", query.store.order(view.document["order_id"])),
    "lineItems": _lines,
    "addedLineItems": always(()),
    "subtotalLineItemsQuantity": lambda view, arguments, query: sum(
        line["current_quantity"] for line in _staged(view, query)["line_items"]
    ),
    "subtotalPriceSet": _amount("current_subtotal_price_set"),
    "totalPriceSet": _amount("current_total_price_set"),
    "totalOutstandingSet": lambda view, arguments, query: outstanding(View("Order", _staged(view, query)), query).set,
    "taxLines": _amount("tax_lines"),
}
_LINE: Mapping[str, Resolver] = {
    "id": identity,
    "quantity": named("edited"),
    "editableQuantity": lambda view, *_: view.document["edited"] - _shipped(view),
    "editableQuantityBeforeChanges": named("fulfillable_quantity"),
    "restockable": always(True),
    "restocking": always(True),
    "hasStagedLineItemDiscount": always(False),
    "originalUnitPriceSet": named("price_set"),
    "discountedUnitPriceSet": lambda view, *_: _net(view, 1).set,
    "editableSubtotalSet": lambda view, *_: _net(view, view.document["edited"] - _shipped(view)).set,
    "uneditableSubtotalSet": lambda view, *_: _net(view, _shipped(view)).set,
    "customAttributes": lambda view, *_: attributes(view.document["properties"]),
    "variant": variant_of,
}
FIELDS: Fields = {
    **{("CalculatedOrder", name): resolver for name, resolver in _ORDER.items()},
    **{("CalculatedLineItem", name): resolver for name, resolver in _LINE.items()},
    ("OrderEditSession", "id"): identity,
}
