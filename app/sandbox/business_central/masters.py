"""Masters: what a new customer, item or variant must fulfil, and what is filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from app.sandbox.business_central.company import Change, Company, Row
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import Refusal, dialog, no_relation, same_key
from app.sandbox.business_central.heads import set_currency
from app.sandbox.business_central.properties import BLANK_ID
from app.sandbox.business_central.values import read_body

Settings = dict[str, Any]

# What identifies a record of a set, and what its table is called in messages.
_KEYS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "customers": ("number", "Customer"),
        "items": ("number", "Item"),
        "unitsOfMeasure": ("code", "Unit of Measure"),
        "locations": ("code", "Location"),
        "currencies": ("code", "Currency"),
        "taxGroups": ("code", "Tax Group"),
        "taxAreas": ("code", "Tax Area"),
        "paymentMethods": ("code", "Payment Method"),
        "paymentTerms": ("code", "Payment Terms"),
        "shipmentMethods": ("code", "Shipment Method"),
    }
)
MASTERS = frozenset({*_KEYS, "itemVariants", "companyInformation"})


def insert_master(change: Change, set_name: str, body: Any) -> Row:
    """Add a master record."""
    company = change.company
    settings = read_body(ENTITIES[set_name], body, creating=True)
    if set_name == "companyInformation":
        raise Refusal("BadRequest_MethodNotAllowed", "'POST' requests for 'companyInformation' are not allowed.",
                      status=405)  # fmt: skip
    private: dict[str, Any] = {}
    if set_name == "customers":
        _new_customer(company, settings)
        private["_postingGroups"] = company.spec.customer_template
    elif set_name == "itemVariants":
        _new_variant(company, settings)
    elif set_name == "items" and not settings.get("number"):
        settings["number"] = company.next_number("ITEM", "items")
    _follow(company, set_name, settings)
    _check_key(company, set_name, settings)
    row = change.insert(set_name, settings, **private)
    if set_name == "customers":
        change.insert("customerFinancialDetails", {"id": row["id"], "number": row["number"]})
    return row


def change_master(change: Change, set_name: str, row: Row, body: Any) -> Row:
    """Set values on a master record."""
    settings = read_body(ENTITIES[set_name], body, creating=False)
    _follow(change.company, set_name, settings)
    name = _KEYS[set_name][0] if set_name in _KEYS else ""
    if name in settings and settings[name] != row[name]:
        _check_key(change.company, set_name, settings)
    return change.update(set_name, row, settings)


def delete_master(change: Change, set_name: str, row: Row) -> None:
    """Delete a master record that no open document names."""
    used = {"customers": "customerId", "items": "itemId"}.get(set_name)
    where = "salesOrders" if set_name == "customers" else "salesOrderLines"
    if used is not None and change.company.tables[where].where(used, row["id"]):
        what = _KEYS[set_name][1]
        raise dialog(
            f"You cannot delete {what} {row['number']} because there is at least one outstanding Sales Order"
            f" that includes this {what.lower()}."
        )
    change.remove(set_name, row, "deleted")


def _new_customer(company: Company, settings: Settings) -> None:
    if settings.get("number"):
        if not company.spec.manual_numbers:
            raise dialog(
                "You may not enter numbers manually. If you want to enter numbers manually,"
                " please activate Manual Nos. in No. Series CUST."
            )
    else:
        settings["number"] = company.next_number("C", "customers")
    if company.spec.default_area and "taxAreaId" not in settings:
        area = company.first("taxAreas", "code", company.spec.default_area)
        settings["taxAreaId"] = area["id"] if area else BLANK_ID


def _new_variant(company: Company, settings: Settings) -> None:
    key, number = settings.get("itemId", BLANK_ID), settings.get("itemNumber", "")
    item = company.tables["items"].rows.get(key) if key != BLANK_ID else company.first("items", "number", number)
    if item is None:
        raise dialog("Item does not exist.")
    settings.update(itemId=item["id"], itemNumber=item["number"])
    if any(row["code"] == settings.get("code") for row in company.tables["itemVariants"].where("itemId", item["id"])):
        raise same_key("Item Variant", f"Item No.='{item['number']}',Code='{settings.get('code')}'")


def _check_key(company: Company, set_name: str, settings: Settings) -> None:
    if set_name not in _KEYS:
        return
    name, what = _KEYS[set_name]
    value = settings.get(name, "")
    if not value:
        raise Refusal("BadRequest_RequiredParamNotProvided", f"Field '{name}' must not be blank or empty.")
    if company.first(set_name, name, value) is not None:
        raise same_key(what, f"{'No.' if name == 'number' else 'Code'}='{value}'")


def _follow(company: Company, set_name: str, settings: Settings) -> None:
    """Fill what goes with an id or a code, and refuse one that names nothing."""
    for follow in _FOLLOWING.get(set_name, ()):
        follow(company, settings)


def _pair(related: str, key_name: str, code_name: str, table: str) -> Callable[[Company, Settings], None]:
    def follow(company: Company, settings: Settings) -> None:
        if settings.get(key_name, BLANK_ID) != BLANK_ID:
            row = company.tables[related].rows.get(settings[key_name])
            value = settings[key_name]
        elif settings.get(code_name):
            row = company.first(related, "code", settings[code_name])
            value = settings[code_name]
        else:
            return
        if row is None:
            raise no_relation(code_name, "the record", value, table)
        settings[key_name] = row["id"]
        if code_name != key_name:
            settings[code_name] = row["code"]

    return follow


def _area(company: Company, settings: Settings) -> None:
    if "taxAreaId" in settings:
        row = company.tables["taxAreas"].rows.get(settings["taxAreaId"])
        if row is None and settings["taxAreaId"] != BLANK_ID:
            raise no_relation("Tax Area", "Customer", settings["taxAreaId"], "Tax Area")
        settings["taxAreaDisplayName"] = row["displayName"] if row else ""


def _currency(company: Company, settings: Settings) -> None:
    if "currencyCode" in settings:
        set_currency(company, settings, settings["currencyCode"])


_FOLLOWING: Mapping[str, tuple[Callable[[Company, Settings], None], ...]] = MappingProxyType(
    {
        "customers": (
            _area,
            _currency,
            _pair("paymentTerms", "paymentTermsId", "paymentTermsId", "Payment Terms"),
            _pair("shipmentMethods", "shipmentMethodId", "shipmentMethodId", "Shipment Method"),
            _pair("paymentMethods", "paymentMethodId", "paymentMethodId", "Payment Method"),
        ),
        "items": (
            _pair("unitsOfMeasure", "baseUnitOfMeasureId", "baseUnitOfMeasureCode", "Unit of Measure"),
            _pair("taxGroups", "taxGroupId", "taxGroupCode", "Tax Group"),
        ),
    }
)
