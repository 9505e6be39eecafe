"""Orders as GraphQL shows them: the order itself, its customer, its addresses and its metafields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import payments
from app.sandbox.shopify.order_amounts import AMOUNTS
from app.sandbox.shopify.records import metafield_key
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, legacy, named

_AGREEMENTS = {
    "ORDER": "OrderAgreement",
    "ORDER_EDIT": "OrderEditAgreement",
    "REFUND": "RefundAgreement",
    "RETURN": "ReturnAgreement",
}
_SHIPPED = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}
APPLICATIONS = {
    "discount_code": "DiscountCodeApplication",
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
    "script": "ScriptDiscountApplication",
}


def application(order: Document, position: int) -> View:
    """Return the view of an order's discount application."""
    document = order["discount_applications"][position]
    return View(APPLICATIONS[document["type"]], {**document, "index": position}, order)


def attributes(listed: Any) -> list[dict[str, Any]]:
    """Return REST's named values as GraphQL attributes."""
    return [{"key": each["name"], "value": each["value"]} for each in listed or ()]


def words(listed: str | None) -> list[str]:
    """Return REST's comma-separated tags as a list."""
    return [word.strip() for word in (listed or "").split(",") if word.strip()]


def _of(kind: str, collection: str) -> Resolver:
    """Return the resolver of what belongs to an order, in a collection of its own."""

    def read(view: View, arguments: Arguments, query: Query) -> list[View]:
        found = query.store.records.of_order(collection, view.document["id"])
        return [View(kind, each, view.document) for each in found[: arguments.get("first")]]

    return read


def _listed(kind: str, key: str) -> Resolver:
    """Return the resolver of what an order's document lists."""

    def read(view: View, arguments: Arguments, query: Query) -> list[View]:
        return [View(kind, each, view.document) for each in view.document.get(key) or ()]

    return read


def _address(key: str) -> Resolver:
    def read(view: View, arguments: Arguments, query: Query) -> View | None:
        document = view.document.get(key)
        return View("MailingAddress", {"id": view.document["id"], **document}) if document else None

    return read


def _display_address(view: View, arguments: Arguments, query: Query) -> View | None:
    document = view.document.get("shipping_address") or view.document.get("billing_address")
    return View("MailingAddress", {"id": view.document["id"], **document}) if document else None


def _fulfillment_status(view: View, arguments: Arguments, query: Query) -> str:
    waiting = query.store.records.of_order("fulfillmentOrders", view.document["id"])
    if any(each["status"] == "on_hold" for each in waiting):
        return "ON_HOLD"
    return _SHIPPED.get(view.document["fulfillment_status"], "UNFULFILLED")


def _agreements(view: View, arguments: Arguments, query: Query) -> list[View]:
    found = query.store.records.of_order("agreements", view.document["id"])
    return [View(_AGREEMENTS[each["reason"]], each, view.document) for each in found]


def _edited(view: View, arguments: Arguments, query: Query) -> bool:
    found = query.store.records.of_order("agreements", view.document["id"])
    return any(each["reason"] == "ORDER_EDIT" for each in found)


def _fulfillable(view: View, arguments: Arguments, query: Query) -> bool:
    found = query.store.records.of_order("fulfillmentOrders", view.document["id"])
    return any(each["status"] in {"open", "in_progress"} for each in found)


def _units(key: str) -> Resolver:
    return lambda view, arguments, query: sum(line[key] for line in view.document["line_items"])


def _weight(key: str) -> Resolver:
    return lambda view, arguments, query: sum(line["grams"] * line[key] for line in view.document["line_items"])


def _count(collection: str) -> Resolver:
    return lambda view, arguments, query: {
        "count": len(query.store.records.of_order(collection, view.document["id"])),
        "precision": "EXACT",
    }


def _customer(view: View, arguments: Arguments, query: Query) -> View | None:
    document = view.document.get("customer")
    return View("Customer", document, view.document) if document else None


def _metafield(view: View, arguments: Arguments, query: Query) -> View | None:
    owner = identity(view, arguments, query)
    key = metafield_key(owner, arguments.get("namespace") or "custom", arguments["key"])
    document = query.store.records.read("metafields", key)
    return View("Metafield", document) if document else None


def _metafields(view: View, arguments: Arguments, query: Query) -> list[View]:
    """Return an order's metafields, of one namespace or all, of some `namespace.key` names or all."""
    space, names = arguments.get("namespace"), arguments.get("keys")
    return [
        View("Metafield", each)
        for each in query.store.records.of_order("metafields", view.document["id"])
        if space in {None, each["namespace"]} and (names is None or f"{each['namespace']}.{each['key']}" in names)
    ]


def _first_shipping(view: View, arguments: Arguments, query: Query) -> View | None:
    lines = view.document["shipping_lines"]
    return View("ShippingLine", lines[0], view.document) if lines else None


def _transactions(view: View, arguments: Arguments, query: Query) -> list[View]:
    found = query.store.records.of_order("transactions", view.document["id"])
    if arguments.get("capturable"):
        found = [each for each in found if each["kind"] == "authorization" and payments.open_part(found, each)]
    return [View("OrderTransaction", each, view.document) for each in found[: arguments.get("first")]]


def _applications(view: View, arguments: Arguments, query: Query) -> list[View]:
    return [application(view.document, n) for n in range(len(view.document["discount_applications"]))]


def _refunds(view: View, arguments: Arguments, query: Query) -> list[View]:
    return [View("Refund", each, view.document) for each in view.document["refunds"][: arguments.get("first")]]


def _fulfillments(view: View, arguments: Arguments, query: Query) -> list[View]:
    listed = view.document["fulfillments"]
    return [View("Fulfillment", each, view.document) for each in listed[: arguments.get("first")]]


_ORDER: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "number": named("order_number"),
    "tags": lambda view, *_: words(view.document["tags"]),
    "email": lambda view, *_: view.document["email"] or None,
    "closed": lambda view, *_: view.document["closed_at"] is not None,
    "cancellation": lambda view, *_: {"staff_note": None} if view.document["cancelled_at"] else None,
    "app": always(None),
    "clientIp": named("browser_ip"),
    "currencyCode": named("currency"),
    "presentmentCurrencyCode": named("presentment_currency"),
    "customer": _customer,
    "purchasingEntity": _customer,
    "customAttributes": lambda view, *_: attributes(view.document["note_attributes"]),
    "billingAddress": _address("billing_address"),
    "shippingAddress": _address("shipping_address"),
    "displayAddress": _display_address,
    "billingAddressMatchesShippingAddress": lambda view, *_: (
        view.document["billing_address"] == view.document["shipping_address"]
    ),
    "discountApplications": _applications,
    "discountCode": lambda view, *_: next((each["code"] for each in view.document["discount_codes"]), None),
    "discountCodes": lambda view, *_: [each["code"] for each in view.document["discount_codes"]],
    "displayFinancialStatus": named("financial_status"),
    "displayFulfillmentStatus": _fulfillment_status,
    "edited": _edited,
    "estimatedTaxes": lambda view, *_: bool(view.document.get("estimated_taxes")),
    "taxExempt": lambda view, *_: bool(view.document.get("tax_exempt")),
    "agreements": _agreements,
    "additionalFees": always(()),
    "lineItems": _listed("LineItem", "line_items"),
    "nonFulfillableLineItems": lambda view, *_: [
        View("LineItem", line, view.document) for line in view.document["line_items"] if line.get("tip_payment_gateway")
    ],
    "shippingLine": _first_shipping,
    "shippingLines": _listed("ShippingLine", "shipping_lines"),
    "fulfillmentOrders": _of("FulfillmentOrder", "fulfillmentOrders"),
    "fulfillments": _fulfillments,
    "fulfillmentsCount": _count("fulfillments"),
    "fulfillable": _fulfillable,
    "restockable": lambda view, *_: any(line["current_quantity"] for line in view.document["line_items"]),
    "requiresShipping": lambda view, *_: any(line["requires_shipping"] for line in view.document["line_items"]),
    "merchantEditable": lambda view, *_: view.document["cancelled_at"] is None,
    "merchantEditableErrors": always(()),
    "metafield": _metafield,
    "metafields": _metafields,
    "localizedFields": always(()),
    "transactions": _transactions,
    "transactionsCount": _count("transactions"),
    "refunds": _refunds,
    "returns": always(()),
    "returnStatus": always("NO_RETURN"),
    "retailLocation": always(None),
    "risk": always({"recommendation": "NONE"}),
    "subtotalLineItemsQuantity": _units("quantity"),
    "currentSubtotalLineItemsQuantity": _units("current_quantity"),
    "totalWeight": _weight("quantity"),
    "currentTotalWeight": _weight("current_quantity"),
    **AMOUNTS,
}
FIELDS: Fields = {("Order", name): resolver for name, resolver in _ORDER.items()}
