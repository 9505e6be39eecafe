"""Customers, addresses, metafields and discount applications as GraphQL shows them."""

from __future__ import annotations

from decimal import Decimal
from hashlib import md5
from typing import Any

from app.sandbox.shopify.order_fields import words
from app.sandbox.shopify.records import gid
from app.sandbox.shopify.views import Arguments, Fields, Query, View, always, identity, legacy, named


def _name(view: View, arguments: Arguments, query: Query) -> str:
    parts = (view.document.get("first_name"), view.document.get("last_name"))
    return " ".join(part for part in parts if part) or str(view.document.get("email") or "")


def _default_address(view: View, arguments: Arguments, query: Query) -> View | None:
    document = view.document.get("default_address")
    return View("MailingAddress", document) if document else None


def _lines(view: View, arguments: Arguments, query: Query) -> list[str]:
    names = ("name", "company", "address1", "address2", "city", "zip", "country")
    return [str(view.document[name]) for name in names if view.document.get(name)]


def _owner(view: View, arguments: Arguments, query: Query) -> View:
    return View("Order", query.store.order(view.document["owner_id"]))


def _digest(view: View, arguments: Arguments, query: Query) -> str:
    """Return a digest that changes with the value; nothing secret depends on it."""
    return md5(str(view.document["value"]).encode(), usedforsecurity=False).hexdigest()


def _value(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    """Return what a discount application takes off: a percentage, or an amount in the order's currency."""
    document = view.document
    if document["value_type"] == "percentage":
        return {"__typename": "PricingPercentageValue", "percentage": Decimal(document["value"])}
    return {"__typename": "MoneyV2", "amount": document["value"], "currency_code": view.order["currency"]}


def _terms(view: View, arguments: Arguments, query: Query) -> View | None:
    document = view.document.get("payment_terms")
    return View("PaymentTerms", {"id": view.document["id"], **document}, view.document) if document else None


def _schedules(view: View, arguments: Arguments, query: Query) -> list[View]:
    listed = view.document.get("payment_schedules") or ()
    return [View("PaymentSchedule", {"id": place, **each}, view.order) for place, each in enumerate(listed, start=1)]


def _owed(view: View, arguments: Arguments, query: Query) -> dict[str, Any]:
    return {"amount": str(view.document["amount"]), "currency_code": view.document["currency"]}


FIELDS: Fields = {
    ("Order", "paymentTerms"): _terms,
    ("PaymentTerms", "id"): identity,
    ("PaymentTerms", "due"): always(False),
    ("PaymentTerms", "overdue"): always(False),
    ("PaymentTerms", "translatedName"): named("payment_terms_name"),
    ("PaymentTerms", "paymentSchedules"): _schedules,
    ("PaymentSchedule", "id"): identity,
    ("PaymentSchedule", "balanceDue"): _owed,
    ("PaymentSchedule", "totalBalance"): _owed,
    ("PaymentSchedule", "due"): always(False),
    ("Customer", "id"): identity,
    ("Customer", "legacyResourceId"): legacy,
    ("Customer", "displayName"): _name,
    ("Customer", "locale"): lambda view, *_: view.order.get("customer_locale") or "en",
    ("Customer", "tags"): lambda view, *_: words(view.document.get("tags")),
    ("Customer", "defaultAddress"): _default_address,
    ("Customer", "defaultEmailAddress"): lambda view, *_: (
        {"email_address": view.document["email"]} if view.document.get("email") else None
    ),
    ("Customer", "defaultPhoneNumber"): lambda view, *_: (
        {"phone_number": view.document["phone"]} if view.document.get("phone") else None
    ),
    ("MailingAddress", "id"): lambda view, *_: f"{gid('MailingAddress', view.document['id'])}?model_name=Address",
    ("MailingAddress", "countryCode"): named("country_code"),
    ("MailingAddress", "countryCodeV2"): named("country_code"),
    ("MailingAddress", "coordinatesValidated"): always(False),
    ("MailingAddress", "formatted"): _lines,
    ("MailingAddress", "formattedArea"): lambda view, *_: ", ".join(
        str(view.document[name]) for name in ("city", "province_code", "country") if view.document.get(name)
    ),
    ("Metafield", "id"): identity,
    ("Metafield", "legacyResourceId"): legacy,
    ("Metafield", "owner"): _owner,
    ("Metafield", "ownerType"): named("owner_resource"),
    ("Metafield", "compareDigest"): _digest,
    ("MoneyV2", "currencyCode"): named("currency_code"),
    **{
        (kind, "value"): _value
        for kind in (
            "DiscountCodeApplication",
            "AutomaticDiscountApplication",
            "ManualDiscountApplication",
            "ScriptDiscountApplication",
        )
    },
}
