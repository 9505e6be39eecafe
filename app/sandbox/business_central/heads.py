"""Heads of sales documents: who buys, who pays, where it goes, in which currency and with which terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from app.kernel.money import exponent
from app.sandbox import moment
from app.sandbox.business_central.company import Company, Row
from app.sandbox.business_central.errors import dialog, field
from app.sandbox.business_central.kinds import MEMO, ORDER, Kind
from app.sandbox.business_central.properties import BLANK_ID

Draft = dict[str, Any]

_ADDRESS = (
    ("AddressLine1", "addressLine1"), ("AddressLine2", "addressLine2"), ("City", "city"), ("Country", "country"),
    ("State", "state"), ("PostCode", "postalCode"),
)  # fmt: skip


def draft_head(company: Company, kind: Kind, settings: Mapping[str, Any]) -> Draft:
    """Return a new head: the customer's own values, then what was set. Raises Refusal."""
    customer = _customer(company, settings, "customer", "sell-to")
    if customer is None:
        raise dialog('A "customerNumber" or a "customerId" must be provided.')
    today = moment.now().date().isoformat()
    draft: Draft = {kind.dated: today, "postingDate": today, "status": "Draft", "_liable": False, "_area": ""}
    if kind is not ORDER:
        draft["dueDate"] = today
    _sell_to(draft, customer, ship_to=kind is not MEMO)
    _bill_to(company, draft, customer)
    set_currency(company, draft, customer["currencyCode"])
    for name in ("paymentTermsId", "shipmentMethodId"):
        draft[name] = customer[name]
    if kind is ORDER:
        draft["partialShipping"] = True
    draft["discountAppliedBeforeTax"] = True
    apply_head(company, draft, settings, lines=())
    return draft


def apply_head(company: Company, draft: Draft, settings: Mapping[str, Any], *, lines: tuple[Row, ...]) -> None:
    """Set values on a head, each with what follows from it. Raises Refusal."""
    bill_to = _customer(company, settings, "billToCustomer", "bill-to")
    if bill_to is not None:
        _bill_to(company, draft, bill_to)
    for name, value in settings.items():
        setter = _SETTERS.get(name)
        if setter is None:
            draft[name] = value
        else:
            setter(company, draft, value, lines)


def check_released(draft: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse what cannot be changed once Business Central's people have released an order."""
    locked = {"customerId", "customerNumber", "billToCustomerId", "billToCustomerNumber", "currencyId", "currencyCode",
              "pricesIncludeTax", "discountAmount"}  # fmt: skip
    if draft["status"] == "Open" and locked & set(settings):
        raise released(draft)


def released(head: Mapping[str, Any]) -> Exception:
    """The refusal of a change to a released order."""
    return field(
        f"Status must be equal to 'Open'  in Sales Header: Document Type=Order, No.={head['number']}."
        " Current value is 'Released'."
    )


def precision(company: Company, currency: str) -> Decimal:
    """Return what amounts in a currency are rounded to; the local one's by ISO 4217."""
    row = company.first("currencies", "code", currency)
    return Decimal(row["amountRoundingPrecision"]) if row else Decimal(1).scaleb(-exponent(currency))


def set_currency(company: Company, draft: Draft, code: str) -> None:
    """Set a head's currency; the local one is written as its own code and has a blank id."""
    if code in {"", company.spec.currency}:
        draft["currencyId"], draft["currencyCode"] = BLANK_ID, company.spec.currency
        return
    row = company.first("currencies", "code", code)
    if row is None:
        raise dialog('The "currencyCode" does not match to a Currency.')
    draft["currencyId"], draft["currencyCode"] = row["id"], code


def _customer(company: Company, settings: Mapping[str, Any], name: str, role: str) -> Row | None:
    key, number = settings.get(f"{name}Id", BLANK_ID), settings.get(f"{name}Number", "")
    if key == BLANK_ID and not number:
        return None
    if key != BLANK_ID:
        row = company.tables["customers"].rows.get(key)
        if row is not None and number and row["number"] != number:
            raise dialog(f"The {role} customer values do not match to a specific Customer.")
    else:
        row = company.first("customers", "number", number)
    if row is None:
        raise dialog(f"The {role} customer cannot be found.")
    if row["blocked"] == "All":
        raise dialog(f"You cannot create this type of document when Customer {row['number']} is blocked with type All")
    return row


def _sell_to(draft: Draft, customer: Row, *, ship_to: bool) -> None:
    draft["customerId"], draft["customerNumber"] = customer["id"], customer["number"]
    draft["customerName"] = customer["displayName"]
    draft["phoneNumber"], draft["email"] = customer["phoneNumber"], customer["email"]
    for part, name in _ADDRESS:
        draft[f"sellTo{part}"] = customer[name]
        if ship_to:
            draft[f"shipTo{part}"] = customer[name]
    if ship_to:
        draft["shipToName"] = customer["displayName"]


def _bill_to(company: Company, draft: Draft, customer: Row) -> None:
    draft["billToCustomerId"], draft["billToCustomerNumber"] = customer["id"], customer["number"]
    draft["billToName"] = customer["displayName"]
    for part, name in _ADDRESS:
        draft[f"billTo{part}"] = customer[name]
    area = company.tables["taxAreas"].rows.get(customer["taxAreaId"])
    draft["_area"] = area["code"] if area else ""
    draft["_liable"] = customer["taxLiable"]


def _currency_by_id(company: Company, draft: Draft, value: str, lines: tuple[Row, ...]) -> None:
    row = company.tables["currencies"].rows.get(value)
    if row is None and value != BLANK_ID:
        raise dialog('The "currencyId" does not match to a Currency.')
    set_currency(company, draft, row["code"] if row else "")


def _currency_by_code(company: Company, draft: Draft, value: str, lines: tuple[Row, ...]) -> None:
    set_currency(company, draft, value)


def _known(set_name: str, name: str, what: str) -> Callable[[Company, Draft, str, tuple[Row, ...]], None]:
    def setter(company: Company, draft: Draft, value: str, lines: tuple[Row, ...]) -> None:
        if value != BLANK_ID and value not in company.tables[set_name].rows:
            raise dialog(f'The "{name}" does not match to a {what}.')
        draft[name] = value

    return setter


def _prices_include_tax(company: Company, draft: Draft, value: bool, lines: tuple[Row, ...]) -> None:
    if value and company.spec.sales_tax:
        raise dialog('The "pricesIncludeTax" cannot be set to true if VAT Calculation Type is Sales Tax.')
    draft["pricesIncludeTax"] = value
    draft["discountAppliedBeforeTax"] = not value


def _discount(company: Company, draft: Draft, value: Decimal, lines: tuple[Row, ...]) -> None:
    base = sum((Decimal(line["_amount"]) for line in lines if line["lineType"] != "Account"), Decimal(0))
    if value and not base:
        raise dialog(f"Cannot apply an invoice discount of {value} because the base amount is zero.")
    if value > base and value:
        raise dialog(f"Invoice Discount Amount must not be more than {base}.")
    draft["discountAmount"] = value


def _nothing(company: Company, draft: Draft, value: object, lines: tuple[Row, ...]) -> None:
    """The customers are set before everything else."""


_SETTERS: Mapping[str, Callable[[Company, Draft, Any, tuple[Row, ...]], None]] = MappingProxyType(
    {
        "customerId": _nothing,
        "customerNumber": _nothing,
        "billToCustomerId": _nothing,
        "billToCustomerNumber": _nothing,
        "currencyId": _currency_by_id,
        "currencyCode": _currency_by_code,
        "paymentTermsId": _known("paymentTerms", "paymentTermsId", "Payment Terms"),
        "shipmentMethodId": _known("shipmentMethods", "shipmentMethodId", "Shipment Method"),
        "pricesIncludeTax": _prices_include_tax,
        "discountAmount": _discount,
    }
)
