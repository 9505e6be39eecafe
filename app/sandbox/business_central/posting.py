"""Posting a sales order: shipment, invoice, and the order's end when all of it is invoiced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.sandbox.business_central.company import Change, Row
from app.sandbox.business_central.documents import compute_lines, totals
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import dialog, field
from app.sandbox.business_central.heads import precision
from app.sandbox.business_central.kinds import INVOICE, ORDER, SHIPMENT_SERIES
from app.sandbox.business_central.ledger import book, check_period, move_stock, owe, sales_postings
from app.sandbox.business_central.values import rounded

_ZERO = Decimal(0)


def release(change: Change, order: Row) -> Row:
    """Release an order: its lines are locked from now on."""
    if not change.company.tables[ORDER.lines].where("documentId", order["id"]):
        raise dialog("There is nothing to release for the document of type Order with the number " + order["number"])
    return change.update(ORDER.head, order, {"status": "Open"})


def ship_and_invoice(change: Change, order: Row) -> Row:
    """Post what the lines' shipQuantity and invoiceQuantity say; return the invoice."""
    lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
    if not lines:
        raise dialog("There is nothing to post because the document does not contain a quantity or amount.")
    for line in lines:
        if line["lineType"] != "Comment" and not line["quantity"]:
            raise dialog("One or more document lines do not have a value in the Quantity field.")
    shipped = {line["sequence"]: Decimal(line["shipQuantity"]) for line in lines}
    billed = {line["sequence"]: Decimal(line["invoiceQuantity"]) for line in lines}
    order, _ = post_shipment(change, order, shipped)
    return post_invoice(change, order, billed)


def post_shipment(change: Change, order: Row, quantities: Mapping[int, Decimal]) -> tuple[Row, Row | None]:
    """Ship quantities by sequence; return the order and the shipment, None when nothing was to ship."""
    check_postable(change, order, "Ship")
    lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
    moved = {line["sequence"]: quantities.get(line["sequence"], _ZERO) for line in lines}
    if not any(moved.values()):
        return order, None
    shipment = _insert_shipment(change, order)
    for line in lines:
        quantity = moved[line["sequence"]]
        if quantity or line["lineType"] == "Comment":
            insert_shipment_line(change, shipment, line, line["sequence"], quantity)
        if quantity:
            move_stock(change, {**order.document, "number": shipment["number"]}, line.document, -quantity,
                       "Sales Shipment")  # fmt: skip
        _count(change, line, shipped=quantity)
    return _refresh(change, order), shipment


def post_invoice(change: Change, order: Row, quantities: Mapping[int, Decimal]) -> Row:
    """Invoice quantities by sequence, which must be shipped; return the invoice. A finished order is gone."""
    check_postable(change, order, "Invoice")
    lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
    billed = {line["sequence"]: quantities.get(line["sequence"], _ZERO) for line in lines}
    if not any(billed.values()):
        raise dialog("There is nothing to post.")
    for line in lines:
        quantity = billed[line["sequence"]]
        if quantity and line["lineType"] == "Charge":
            raise dialog(f"You must assign item charge {line['lineObjectNumber']} if you want to invoice it.")
        most = line["shippedQuantity"] - line["invoicedQuantity"]
        if abs(quantity) > abs(most):
            raise dialog(f"You cannot invoice more than {most} units.")
    invoice = _insert_invoice(change, order, lines, billed)
    for line in lines:
        _count(change, line, invoiced=billed[line["sequence"]])
    _end_or_refresh(change, order)
    return invoice


def undo_shipment(change: Change, shipment: Row) -> Row:
    """Undo a shipment that is not invoiced: each of its lines gets a negative twin, the order is open again."""
    company = change.company
    order = company.first(ORDER.head, "number", shipment["orderNumber"])
    if shipment.document.get("_undone"):
        raise dialog(f"Shipment {shipment['number']} has already been undone.")
    if order is None:
        raise dialog("This shipment has already been invoiced. Undo Shipment can be applied only to posted shipments.")
    by_sequence = {line["sequence"]: line for line in company.tables[ORDER.lines].where("documentId", order["id"])}
    for line in company.tables["salesShipmentLines"].where("documentId", shipment["id"]):
        if not line["quantity"]:
            continue
        ordered = by_sequence[line["sequence"]]
        if ordered["shippedQuantity"] - ordered["invoicedQuantity"] < line["quantity"]:
            raise dialog("This shipment has already been invoiced.")
        insert_shipment_line(change, shipment, ordered, line["sequence"] + 500, -line["quantity"])
        document = {**order.document, "number": shipment["number"]}
        move_stock(change, document, ordered.document, line["quantity"], "Sales Shipment")
        _count(change, ordered, shipped=-line["quantity"])
    _refresh(change, order)
    return change.update("salesShipments", shipment, {"_undone": True})


def check_postable(change: Change, document: Row, doing: str) -> None:
    """Refuse to post for a blocked customer, one without posting groups, or outside the allowed dates."""
    customer = change.company.row("customers", document["billToCustomerId"])
    blocked = customer["blocked"]
    if blocked == "All" or blocked == doing:
        message = f"You cannot post this type of document when Customer {customer['number']} is blocked"
        raise dialog(f"{message} with type {blocked}")
    if not customer.document.get("_postingGroups", True):
        raise field(f"Customer Posting Group must have a value in Customer: No.={customer['number']}.")
    check_period(change, document["postingDate"], "Sales Header")
    for line in change.company.tables[ORDER.lines].where("documentId", document["id"]):
        item = change.company.tables["items"].rows.get(line["itemId"])
        if item is not None and item["blocked"]:
            raise field(f"Blocked must be equal to 'No'  in Item: No.={item['number']}. Current value is 'Yes'.")


def insert_shipment_line(change: Change, shipment: Row, line: Row, sequence: int, quantity: Decimal) -> None:
    """Add a line to a shipment, with the order line's own sequence or, when it undoes one, between two."""
    copied = ("lineType", "lineObjectNumber", "description", "description2", "unitOfMeasureCode", "unitPrice",
              "discountPercent", "taxPercent")  # fmt: skip
    change.insert(
        "salesShipmentLines",
        {
            "documentId": shipment["id"],
            "documentNo": shipment["number"],
            "sequence": sequence,
            **{name: line[name] for name in copied},
            "quantity": quantity,
            "shipmentDate": shipment["postingDate"],
        },
    )


def _insert_shipment(change: Change, order: Row) -> Row:
    shared = _shared(order, "salesShipments")
    terms = change.company.tables["paymentTerms"].rows.get(order["paymentTermsId"])
    method = change.company.tables["shipmentMethods"].rows.get(order["shipmentMethodId"])
    return change.insert(
        "salesShipments",
        {
            **shared,
            "number": change.company.next_number(SHIPMENT_SERIES, "salesShipments"),
            "orderNumber": order["number"],
            "invoiceDate": order["orderDate"],
            "dueDate": order["postingDate"],
            "paymentTermsCode": terms["code"] if terms else "",
            "shipmentMethodCode": method["code"] if method else "",
        },
    )


def _insert_invoice(change: Change, order: Row, lines: Sequence[Row], billed: Mapping[int, Decimal]) -> Row:
    company = change.company
    unit = precision(company, order["currencyCode"])
    drafts = [
        _invoiced_part(line, billed[line["sequence"]], unit)
        for line in lines
        if billed[line["sequence"]] or line["lineType"] == "Comment"
    ]
    head = {
        **_shared(order, INVOICE.head),
        "number": company.next_number(INVOICE.posted_series, INVOICE.head),
        "invoiceDate": order["orderDate"],
        "dueDate": order["postingDate"],
        "orderId": order["id"],
        "orderNumber": order["number"],
        "status": "Open",
        "discountAmount": sum((draft["invoiceDiscountAllocation"] for draft in drafts), _ZERO),
    }
    compute_lines(company, INVOICE, {**head, **_private(order)}, drafts)
    said = totals(INVOICE, drafts)
    return insert_posted(change, {**head, **said, "remainingAmount": said["totalAmountIncludingTax"]}, drafts, order)


def insert_posted(change: Change, head: Mapping[str, Any], drafts: Sequence[dict[str, Any]], source: Row) -> Row:
    """Add a posted invoice with its lines, book it and add it to what the customer owes."""
    row = change.insert(INVOICE.head, head, **_private(source))
    for draft in drafts:
        change.insert(INVOICE.lines, {**draft, "documentId": row["id"]})
    book(change, row.document, sales_postings(row.document, drafts, 1), "Invoice")
    owe(change, row["billToCustomerId"], row["totalAmountIncludingTax"], row["totalAmountExcludingTax"])
    return row


def _invoiced_part(line: Row, quantity: Decimal, unit: Decimal) -> dict[str, Any]:
    """Return the invoice line for a part of an order line: its discounts in proportion, each part rounded by itself."""
    part = {name: line[name] for name in ENTITIES[INVOICE.lines].properties if name not in {"id", "documentId"}}
    whole = Decimal(line["quantity"])
    if quantity != whole and whole:
        part["discountAmount"] = rounded(line["discountAmount"] * quantity / whole, unit)
        part["invoiceDiscountAllocation"] = rounded(line["invoiceDiscountAllocation"] * quantity / whole, unit)
    part["quantity"] = quantity
    return part


def _count(change: Change, line: Row, *, shipped: Decimal = _ZERO, invoiced: Decimal = _ZERO) -> None:
    """Count what was posted of a line; what remains is what goes out next unless somebody says otherwise."""
    done, billed = line["shippedQuantity"] + shipped, line["invoicedQuantity"] + invoiced
    change.update(
        ORDER.lines,
        line,
        {
            "shippedQuantity": done,
            "invoicedQuantity": billed,
            "shipQuantity": line["quantity"] - done,
            "invoiceQuantity": line["quantity"] - billed,
        },
    )


def _refresh(change: Change, order: Row) -> Row:
    """Say anew what the head says about its lines; posting has released the order."""
    lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
    said = totals(ORDER, [line.document for line in lines])
    return change.update(ORDER.head, order, {"fullyShipped": said["fullyShipped"], "status": "Open"})


def _end_or_refresh(change: Change, order: Row) -> None:
    lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
    if any(line["quantity"] != line["invoicedQuantity"] for line in lines):
        _refresh(change, order)
        return
    for line in lines:
        change.remove(ORDER.lines, line, "invoiced")
    change.remove(ORDER.head, order, "invoiced")


def _shared(order: Row, set_name: str) -> dict[str, Any]:
    """Return the values that an order and what is posted of it have in common."""
    own = {"id", "number", "status", "lastModifiedDateTime"}
    names = set(ENTITIES[set_name].properties) - own
    return {name: order[name] for name in order.document if name in names}


def _private(order: Row) -> dict[str, Any]:
    return {"_area": order["_area"], "_liable": order["_liable"]}
