"""Whom an order is booked to, and the customer to create where it is the shopper's own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from app.adapters.business_central.mapping.plan import Buyer
from app.adapters.business_central.mapping.terms import Mode, Terms
from app.adapters.business_central.mapping.text import Cuts
from app.domains.orders.canonical import Address, Order
from app.domains.orders.ports import Posting

NUMBER = 20  # Code[20]


def buyer_of(posting: Posting, terms: Terms, cuts: Cuts) -> Buyer:
    """The customer of an order, by the connection's `order_customer`.

    The tax area comes from the bill-to customer only, so a collecting customer stands for one tax area, chosen by the
    country the goods go to.
    """
    order = posting.order
    country = country_of(order)
    if terms.order_customer != "own":
        return Buyer(number=terms.collecting_customer(country))
    number = customer_number(posting, terms)
    fields = _fields(order, terms, cuts, posting.known.get("country", {}))
    if terms.customer_numbers == "computed":
        fields = {"number": number} | fields
    if area := terms.tax_areas.get(country):
        fields["taxAreaId"] = area
    key = posting.account_id or number
    return Buyer(key=key, number=number, fields=fields, payment_method=_payment_method(posting, key))


def country_of(order: Order) -> str:
    """Where the goods go, else where the bill goes."""
    for address in (order.ship_to, order.bill_to):
        if address and address.country_code:
            return address.country_code
    return ""


def customer_number(posting: Posting, terms: Terms) -> str:
    """The number of the shopper's own customer, the same for every order of his, at most 20 characters.

    The channel's id where it has one; a company by its own; a guest by the hub's account, shortened by a hash.
    """
    order = posting.order
    if order.company:
        readable = f"{terms.customer_prefix}C{order.company.external_id}"
    elif order.customer and order.customer.external_id:
        readable = f"{terms.customer_prefix}{order.customer.external_id}"
    else:
        return f"{terms.customer_prefix}G{hashed(posting.account_id or posting.key, 13)}".upper()
    if len(readable) <= NUMBER:
        return readable.upper()
    return f"{terms.customer_prefix}H{hashed(readable, 13)}".upper()


def hashed(text: str, length: int) -> str:
    """A short name for a long one: letters and digits 2 to 7, five bits each."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


def _payment_method(posting: Posting, key: str) -> str:
    """The gateway of a new customer's first order, where the value map has a payment method for it."""
    gateway = next(iter(posting.order.gateways), "")
    known = key in posting.known.get("customer", {})
    return gateway if not known and gateway in posting.known.get("payment_method", {}) else ""


def _fields(order: Order, terms: Terms, cuts: Cuts, countries: Mapping[str, str]) -> dict[str, Any]:
    address = order.bill_to or order.ship_to or Address()
    company = order.company
    person = order.customer
    name = company.name if company else address.name or (f"{person.first_name} {person.last_name}" if person else "")
    fields: dict[str, Any] = cuts.fitted(
        {
            "displayName": name.strip() or order.email or "Guest",
            "addressLine1": address.line1,
            "addressLine2": address.line2,
            "city": address.city,
            "state": address.province_code or address.province,
            "country": countries.get(address.country_code, address.country_code),
            "postalCode": address.postal_code,
            "phoneNumber": address.phone or order.phone,
            "email": order.email or (person.email if person else ""),
        }
    )
    fields["type"] = "Company" if company or address.company else "Person"
    if terms.tax_mode in (Mode.TAX_LINES, Mode.ERP_TAX):
        fields["taxLiable"] = terms.tax_mode is Mode.ERP_TAX
    return fields
