"""Lines, shipping lines, their discounts and taxes, and the sales of agreements, as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import agreements
from app.sandbox.shopify.order_fields import application, attributes
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.refund_documents import shipping_left
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, named

_SALES = {"PRODUCT": "ProductSale", "GIFT_CARD": "GiftCardSale", "TIP": "TipSale", "SHIPPING": "ShippingLineSale"}


def line_of(order: Document, number: int) -> View:
    """Return the view of an order's line."""
    return View("LineItem", next(line for line in order["line_items"] if line["id"] == number), order)


def product_of(view: View, arguments: Arguments, query: Query) -> View | None:
    """Return the product of a line or variant, None where the shop has none."""
    document = query.store.records.read("products", view.document.get("product_id"))
    return View("Product", document) if document else None


def variant_of(view: View, arguments: Arguments, query: Query) -> View | None:
    """Return the variant of a line, None where the shop has none."""
    document = query.store.records.read("variants", view.document.get("variant_id"))
    return View("ProductVariant", document) if document else None


def _off(view: View, *, everything: bool) -> Pair:
    """Return what discounts take off a line: all of them, or only those on lines."""
    order, none = view.order, agreements.nothing(view.order)
    return together(
        (
            Pair.read(each["amount_set"])
            for each in view.document["discount_allocations"]
            if everything
            or order["discount_applications"][each["discount_application_index"]]["target_selection"] != "all"
        ),
        none,
    )


def _gross(view: View) -> Pair:
    return Pair.read(view.document["price_set"]) * int(view.document["quantity"])


def _net(view: View) -> Pair:
    return _gross(view) - _off(view, everything=False)


def _open(of: Callable[[View], Pair]) -> Resolver:
    """Return the resolver of an amount's part that falls on units not fulfilled yet."""

    def read(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
        return of(view).part(Fraction(view.document["fulfillable_quantity"], view.document["quantity"])).set

    return read


def _one(of: Callable[[View], Pair]) -> Resolver:
    return lambda view, *_: of(view).part(Fraction(1, view.document["quantity"])).set


def _allocations(view: View, arguments: Arguments, query: Query) -> list[View]:
    return [View("DiscountAllocation", each, view.order) for each in view.document["discount_allocations"]]


def _taxes(view: View, arguments: Arguments, query: Query) -> list[Document]:
    taxes: list[Document] = view.document["tax_lines"]
    return taxes[: arguments.get("first")]


def _unfulfillable(view: View, arguments: Arguments, query: Query) -> int:
    return int(view.document["quantity"]) if view.document.get("tip_payment_gateway") else 0


def _sales(view: View, arguments: Arguments, query: Query) -> list[View]:
    return [View(_SALES[each["line_type"]], each, view.order) for each in view.document["sales"]]


def _refund_of(view: View, arguments: Arguments, query: Query) -> View:
    """Return the refund that an agreement is about: the one of the same place among its order's."""
    found = [
        each for each in query.store.records.of_order("agreements", view.order["id"]) if each["reason"] == "REFUND"
    ]
    place = [each["id"] for each in found].index(view.document["id"])
    return View("Refund", view.order["refunds"][place], view.order)


def _shipping_of(view: View, arguments: Arguments, query: Query) -> View:
    number = view.document["shipping_line_id"]
    return View("ShippingLine", next(each for each in view.order["shipping_lines"] if each["id"] == number), view.order)


_LINE: Mapping[str, Resolver] = {
    "id": identity,
    "unfulfilledQuantity": named("fulfillable_quantity"),
    "nonFulfillableQuantity": _unfulfillable,
    "refundableQuantity": named("current_quantity"),
    "fulfillmentStatus": lambda view, *_: view.document["fulfillment_status"] or "unfulfilled",
    "isGiftCard": named("gift_card"),
    "restockable": lambda view, *_: view.document["current_quantity"] > 0,
    "merchantEditable": lambda view, *_: view.document["fulfillable_quantity"] > 0,
    "customAttributes": lambda view, *_: attributes(view.document["properties"]),
    "discountAllocations": _allocations,
    "taxLines": _taxes,
    "product": product_of,
    "variant": variant_of,
    "lineItemGroup": always(None),
    "sellingPlan": always(None),
    "weight": lambda view, *_: {"value": view.document["grams"], "unit": "GRAMS"},
    "originalUnitPriceSet": named("price_set"),
    "originalTotalSet": lambda view, *_: _gross(view).set,
    "discountedUnitPriceSet": _one(_net),
    "discountedUnitPriceAfterAllDiscountsSet": _one(lambda view: _gross(view) - _off(view, everything=True)),
    "discountedTotalSet": lambda view, arguments, query: (
        (_gross(view) - _off(view, everything=bool(arguments.get("withCodeDiscounts")))).set
    ),
    "totalDiscountSet": lambda view, *_: _off(view, everything=False).set,
    "unfulfilledOriginalTotalSet": _open(_gross),
    "unfulfilledDiscountedTotalSet": _open(_net),
}
_SHIPPING: Mapping[str, Resolver] = {
    "id": identity,
    "custom": always(False),
    "originalPriceSet": named("price_set"),
    "currentDiscountedPriceSet": lambda view, *_: shipping_left(view.order).set,
    "discountAllocations": _allocations,
    "taxLines": _taxes,
}
_SALE: Mapping[str, Resolver] = {
    "id": identity,
    "taxes": always(()),
    "totalAmount": named("total_amount_set"),
    "totalDiscountAmountAfterTaxes": named("total_discount_amount_after_taxes_set"),
    "totalDiscountAmountBeforeTaxes": named("total_discount_amount_before_taxes_set"),
    "totalTaxAmount": named("total_tax_amount_set"),
}
_AGREEMENT: Mapping[str, Resolver] = {
    "id": lambda view, arguments, query: identity(View("SalesAgreement", view.document), arguments, query),
    "app": always(None),
    "sales": _sales,
}
FIELDS: Fields = {
    **{("LineItem", name): resolver for name, resolver in _LINE.items()},
    **{("ShippingLine", name): resolver for name, resolver in _SHIPPING.items()},
    **{(kind, name): resolver for kind in _SALES.values() for name, resolver in _SALE.items()},
    **{
        (kind, name): resolver
        for kind in ("OrderAgreement", "OrderEditAgreement", "RefundAgreement")
        for name, resolver in _AGREEMENT.items()
    },
    **{
        (kind, "lineItem"): lambda view, *_: line_of(view.order, view.document["line_item_id"])
        for kind in ("ProductSale", "GiftCardSale", "TipSale")
    },
    ("ShippingLineSale", "shippingLine"): _shipping_of,
    ("OrderAgreement", "order"): lambda view, *_: View("Order", view.order),
    ("RefundAgreement", "refund"): _refund_of,
    ("DiscountAllocation", "allocatedAmountSet"): named("amount_set"),
    ("DiscountAllocation", "allocatedAmount"): lambda view, *_: view.document["amount_set"]["shop_money"],
    ("DiscountAllocation", "discountApplication"): lambda view, *_: application(
        view.order, view.document["discount_application_index"]
    ),
    ("TaxLine", "ratePercentage"): lambda tax, *_: tax["rate"] * 100,
    ("TaxLine", "source"): always("Shopify"),
}
