"""Lines of sales documents: each value is validated in the order of the body, as Business Central notes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from app.sandbox.business_central.amounts import line_amount
from app.sandbox.business_central.company import Company, Row
from app.sandbox.business_central.errors import dialog, field, no_relation, not_found
from app.sandbox.business_central.kinds import ORDER, Kind
from app.sandbox.business_central.properties import BLANK_ID
from app.sandbox.business_central.values import rounded

Draft = dict[str, Any]

# What may still be set on a line of a released order: how much of it goes out next.
_WHILE_RELEASED = frozenset({"shipQuantity", "invoiceQuantity"})


class LineDraft:
    """A line while values are set on it. `document` is the line, with `_amount` and `_percent` beside it."""

    def __init__(self, company: Company, kind: Kind, head: Mapping[str, Any], document: Draft, unit: Decimal) -> None:
        self.company = company
        self.kind = kind
        self.head = head
        self.document = document
        self.unit = unit

    def apply(self, settings: Mapping[str, Any]) -> None:
        """Set values in their order, each with what follows from it. Raises Refusal."""
        for name, value in settings.items():
            setter = _SETTERS.get(name)
            if setter is None:
                self.document[name] = value
            else:
                setter(self, value)

    def amount(self) -> Decimal:
        """Return the line's amount after its own discount."""
        document = self.document
        return line_amount(Decimal(document["quantity"]), document["unitPrice"], document["discountAmount"], self.unit)

    def percent(self) -> Decimal:
        """Return the tax percent of a tax code for this document's customer. Raises Refusal without a set-up."""
        spec, key = self.company.spec, (self.head["_area"], self.document["taxCode"])
        if spec.sales_tax:
            return spec.rates.get(key, Decimal(0)) if self.head["_liable"] else Decimal(0)
        if key not in spec.rates and self.document["lineType"] in {"Item", "Account"}:
            raise not_found("VAT Posting Setup", f"VAT Bus. Posting Group={key[0]},VAT Prod. Posting Group={key[1]}")
        return spec.rates.get(key, Decimal(0))


def _item(line: LineDraft, key: str) -> None:
    if key == BLANK_ID:
        return
    row = line.company.tables["items"].rows.get(key)
    if row is None:
        raise dialog("Item does not exist.")
    if line.document["accountId"] != BLANK_ID:
        raise dialog('Both "itemId" and "accountId" are specified. Specify only one of them.')
    if row["blocked"]:
        raise field(f"Blocked must be equal to 'No'  in Item: No.={row['number']}. Current value is 'Yes'.")
    _become(line, "Item", row, row["taxGroupCode"])
    unit = row["baseUnitOfMeasureCode"]
    line.document.update(itemId=key, unitOfMeasureCode=unit, unitOfMeasureId=row["baseUnitOfMeasureId"])
    line.document["unitPrice"] = _list_price(line, row)
    line.document["discountPercent"] = row.document.get("_lineDiscountPercent", Decimal(0))


def _account(line: LineDraft, key: str) -> None:
    if key == BLANK_ID:
        return
    row = line.company.tables["accounts"].rows.get(key)
    if row is None:
        raise dialog("Account does not exist.")
    if line.document["itemId"] != BLANK_ID:
        raise dialog('Both "itemId" and "accountId" are specified. Specify only one of them.')
    check_account(row)
    _become(line, "Account", row, row.document.get("_taxCode", ""))
    line.document["accountId"] = key


def check_account(row: Row) -> None:
    """Refuse an account that nothing can be posted to directly."""
    where = f"in G/L Account: No.={row['number']}."
    if row["accountType"] != "Posting":
        raise field(f"Account Type must be equal to 'Posting'  {where} Current value is '{row['accountType']}'.")
    if row["blocked"]:
        raise field(f"Blocked must be equal to 'No'  {where} Current value is 'Yes'.")
    if not row["directPosting"]:
        raise field(f"Direct Posting must be equal to 'Yes'  {where} Current value is 'No'.")


def _become(line: LineDraft, kind: str, row: Row, tax_code: str) -> None:
    zero = "NONTAXABLE" if line.company.spec.sales_tax else "ZERO"
    line.document.update(
        lineType=kind, lineObjectNumber=row["number"], description=row["displayName"], taxCode=tax_code or zero
    )


def _list_price(line: LineDraft, item: Row) -> Decimal:
    price = Decimal(item["unitPrice"])
    if line.head["pricesIncludeTax"] and not item["priceIncludesTax"]:
        return rounded(price * (1 + line.percent() / 100))
    return price


def _line_type(line: LineDraft, value: str) -> None:
    if line.document["lineObjectNumber"] and value != line.document["lineType"]:
        raise dialog('The value for "lineType" cannot be modified.')
    line.document["lineType"] = value


def _object_number(line: LineDraft, number: str) -> None:
    document = line.document
    if document["lineObjectNumber"] not in {"", number}:
        raise dialog('The value for "lineObjectNumber" cannot be modified.')
    if document["lineType"] in {"Item", "Account"} and not document["lineObjectNumber"]:
        item = document["lineType"] == "Item"
        row = line.company.first("items" if item else "accounts", "number", number)
        if row is None:
            raise dialog(f"{document['lineType']} does not exist.")
        (_item if item else _account)(line, row["id"])
    document["lineObjectNumber"] = number


def _variant(line: LineDraft, key: str) -> None:
    row = line.company.tables["itemVariants"].rows.get(key)
    if key != BLANK_ID and (row is None or row["itemId"] != line.document["itemId"]):
        raise no_relation("Variant Code", "Sales Line", key, "Item Variant")
    line.document["itemVariantId"] = key
    if row is not None:
        line.document["description"] = row["description"]


def _location(line: LineDraft, key: str) -> None:
    if key != BLANK_ID and key not in line.company.tables["locations"].rows:
        raise no_relation("Location Code", "Sales Line", key, "Location")
    line.document["locationId"] = key


def _unit_by_code(line: LineDraft, code: str) -> None:
    row = line.company.first("unitsOfMeasure", "code", code)
    if row is None and code:
        raise no_relation("Unit of Measure Code", "Sales Line", code, "Item Unit of Measure")
    line.document.update(unitOfMeasureCode=code, unitOfMeasureId=row["id"] if row else BLANK_ID)


def _unit_by_id(line: LineDraft, key: str) -> None:
    row = line.company.tables["unitsOfMeasure"].rows.get(key)
    if row is None:
        raise no_relation("Unit of Measure Id", "Sales Line", key, "Unit of Measure")
    line.document.update(unitOfMeasureCode=row["code"], unitOfMeasureId=key)


def _tax_code(line: LineDraft, code: str) -> None:
    if line.company.first("taxGroups", "code", code) is None:
        table = "Tax Group" if line.company.spec.sales_tax else "VAT Product Posting Group"
        raise no_relation(f"{table} Code", "Sales Line", code, table)
    before = line.percent() if line.document["taxCode"] else Decimal(0)
    line.document["taxCode"] = code
    after = line.percent()
    if line.head["pricesIncludeTax"] and line.document["lineType"] == "Item" and before != after:
        # Business Central keeps the net price, and so the price with tax moves.
        line.document["unitPrice"] = rounded(line.document["unitPrice"] * (1 + after / 100) / (1 + before / 100))
        _discount_from_percent(line)


def _quantity(line: LineDraft, value: Decimal) -> None:
    document = line.document
    value = rounded(value)
    if line.kind is ORDER:
        shipped, invoiced = Decimal(document["shippedQuantity"]), Decimal(document["invoicedQuantity"])
        if abs(value) < abs(shipped) or value * shipped < 0:
            raise field(f"Quantity must not be less than Quantity Shipped ({shipped}) in Sales Line.")
        document["shipQuantity"] = value - shipped
        document["invoiceQuantity"] = value - invoiced
    document["quantity"] = value
    if document["lineType"] == "Item":
        # The price is found again, by the price lists for this quantity: here the item's own.
        document["unitPrice"] = _list_price(line, line.company.tables["items"].rows[document["itemId"]])
    _discount_from_percent(line)


def _unit_price(line: LineDraft, value: Decimal) -> None:
    line.document["unitPrice"] = rounded(value)
    _discount_from_percent(line)


def _discount_amount(line: LineDraft, value: Decimal) -> None:
    document = line.document
    gross = rounded(Decimal(document["quantity"]) * document["unitPrice"], line.unit)
    document["discountAmount"] = rounded(value, line.unit)
    document["discountPercent"] = rounded(document["discountAmount"] / gross * 100) if gross else Decimal(0)


def _discount_percent(line: LineDraft, value: Decimal) -> None:
    if not 0 <= value <= 100:
        raise field("Line Discount % must be between 0 and 100 in Sales Line.")
    line.document["discountPercent"] = rounded(value)
    _discount_from_percent(line)


def _discount_from_percent(line: LineDraft) -> None:
    document = line.document
    percent = document["discountPercent"]
    gross = rounded(Decimal(document["quantity"]) * document["unitPrice"], line.unit) if percent else Decimal(0)
    document["discountAmount"] = rounded(gross * percent / 100, line.unit) if percent else Decimal(0)


def _ship_quantity(line: LineDraft, value: Decimal) -> None:
    document = line.document
    outstanding = document["quantity"] - Decimal(document["shippedQuantity"])
    if abs(value) > abs(outstanding) or value * outstanding < 0:
        raise dialog(f"You cannot ship more than {outstanding} units.")
    document["shipQuantity"] = value
    document["invoiceQuantity"] = document["shippedQuantity"] + value - document["invoicedQuantity"]


def _invoice_quantity(line: LineDraft, value: Decimal) -> None:
    document = line.document
    most = document["shippedQuantity"] + document["shipQuantity"] - document["invoicedQuantity"]
    if abs(value) > abs(most) or value * most < 0:
        raise dialog(f"You cannot invoice more than {most} units.")
    document["invoiceQuantity"] = value


def _fixed(name: str, message: str) -> Callable[[LineDraft, Any], None]:
    def setter(line: LineDraft, value: object) -> None:
        if line.document[name] != value:
            raise dialog(message)

    return setter


def locked_while_released(settings: Mapping[str, Any]) -> bool:
    """Tell whether these settings change what a released order has fixed."""
    return not set(settings) <= _WHILE_RELEASED


_SETTERS: Mapping[str, Callable[[LineDraft, Any], None]] = MappingProxyType(
    {
        "documentId": _fixed("documentId", 'The value for "documentId" cannot be modified.'),
        "sequence": _fixed("sequence", "The value for sequence cannot be modified. Delete and insert the line again."),
        "itemId": _item,
        "accountId": _account,
        "lineType": _line_type,
        "lineObjectNumber": _object_number,
        "itemVariantId": _variant,
        "locationId": _location,
        "unitOfMeasureCode": _unit_by_code,
        "unitOfMeasureId": _unit_by_id,
        "taxCode": _tax_code,
        "quantity": _quantity,
        "unitPrice": _unit_price,
        "discountAmount": _discount_amount,
        "discountPercent": _discount_percent,
        "shipQuantity": _ship_quantity,
        "invoiceQuantity": _invoice_quantity,
    }
)
