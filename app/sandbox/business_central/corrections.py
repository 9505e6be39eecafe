"""Invoices and credit memos: posting drafts, cancelling, correcting, and what pays what."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.sandbox.business_central.company import Change, Row
from app.sandbox.business_central.documents import settle
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import dialog
from app.sandbox.business_central.kinds import INVOICE, MEMO, Kind
from app.sandbox.business_central.ledger import book, move_stock, owe, sales_postings
from app.sandbox.business_central.posting import check_postable


def post_draft(change: Change, kind: Kind, row: Row) -> Row:
    """Post a draft invoice or credit memo: it keeps its id and takes a number of the posted series."""
    if row["status"] != "Draft":
        raise dialog(f"The action can be applied to a draft {kind.word.lower()} only.")
    check_postable(change, row, "Invoice")
    lines = change.company.tables[kind.lines].where("documentId", row["id"])
    if not any(line["quantity"] for line in lines):
        raise dialog("There is nothing to post because the document does not contain a quantity or amount.")
    for line in lines:
        if line["lineType"] == "Charge":
            raise dialog(f"You must assign item charge {line['lineObjectNumber']} if you want to invoice it.")
    sign = 1 if kind is INVOICE else -1
    settings: dict[str, Any] = {
        "number": change.company.next_number(kind.posted_series, kind.head),
        "status": "Open",
    }
    if kind is INVOICE:
        settings["remainingAmount"] = row["totalAmountIncludingTax"]
    posted = change.update(kind.head, row, settings)
    what = "Sales Shipment" if kind is INVOICE else "Sales Credit Memo"
    for line in lines:
        move_stock(change, posted.document, line.document, -sign * Decimal(line["quantity"]), what)
    book(change, posted.document, sales_postings(posted.document, [line.document for line in lines], sign), kind.word)
    total = posted["totalAmountIncludingTax"]
    owe(change, posted["billToCustomerId"], sign * total, sign * posted["totalAmountExcludingTax"])
    if kind is MEMO and posted["invoiceNumber"]:
        settle_invoice(change, posted["invoiceNumber"], total)
    return posted


def settle_invoice(change: Change, number: str, amount: Decimal) -> None:
    """Apply a payment or a credit to an invoice; with nothing left to pay it is paid."""
    invoice = change.company.first(INVOICE.head, "number", number)
    if invoice is None:
        raise dialog(f"The Cust. Ledger Entry does not exist for Document No. {number}.")
    remaining = invoice["remainingAmount"] - amount
    if remaining < 0:
        raise dialog(f"The amount {amount} is more than the remaining amount of invoice {number}.")
    settings = {"remainingAmount": remaining, "status": "Open" if remaining else "Paid"}
    change.update(INVOICE.head, invoice, settings)


def cancel_invoice(change: Change, row: Row) -> Row:
    """Cancel a posted invoice by a posted credit memo. Refused once it is paid, even in part, or cancelled."""
    if row["status"] == "Draft":
        raise dialog("The action can be applied to a posted invoice only.")
    if row["status"] == "Canceled":
        raise dialog("The invoice cannot be canceled because it has already been canceled.")
    if row["remainingAmount"] != row["totalAmountIncludingTax"]:
        raise dialog(
            "You cannot correct this posted sales invoice because it is fully or partially paid."
            " To reverse a paid sales invoice, you must manually create a sales credit memo."
        )
    memo = post_draft(change, MEMO, _corrective(change, row))
    change.update(MEMO.head, memo, {"status": "Corrective"})
    return change.update(INVOICE.head, change.company.row(INVOICE.head, row["id"]),
                         {"status": "Canceled", "remainingAmount": Decimal(0)})  # fmt: skip


def corrective_memo(change: Change, row: Row) -> Row:
    """Make a draft credit memo of a posted invoice; it copies the price mode, which the API cannot set."""
    if row["status"] == "Draft":
        raise dialog("The action can be applied to a posted invoice only.")
    if row["status"] == "Canceled":
        raise dialog("The invoice cannot be canceled because it has already been canceled.")
    return _corrective(change, row)


def cancel_memo(change: Change, row: Row) -> Row:
    """Cancel a posted credit memo by a posted invoice of the same lines."""
    if row["status"] not in {"Open", "Corrective"}:
        raise dialog("The action can be applied to a posted credit memo only.")
    invoice = _copy(change, MEMO, INVOICE, row, {})
    posted = post_draft(change, INVOICE, invoice)
    change.update(INVOICE.head, posted, {"status": "Corrective"})
    return change.update(MEMO.head, row, {"status": "Canceled"})


def _corrective(change: Change, invoice: Row) -> Row:
    return _copy(change, INVOICE, MEMO, invoice, {"invoiceId": invoice["id"], "invoiceNumber": invoice["number"]})


def _copy(change: Change, source: Kind, target: Kind, row: Row, settings: dict[str, Any]) -> Row:
    own = {"id", "number", "status", "lastModifiedDateTime", "externalDocumentNumber"}
    names = (set(ENTITIES[source.head].properties) & set(ENTITIES[target.head].properties)) - own
    head = {name: row[name] for name in names}
    made = change.insert(
        target.head,
        {
            **head,
            target.dated: row[source.dated],
            "externalDocumentNumber": row["externalDocumentNumber"],
            "number": change.company.next_number(target.series, target.head),
            "status": "Draft",
            **settings,
        },
        _area=row["_area"],
        _liable=row["_liable"],
    )
    drafts: list[dict[str, Any]] = []
    for line in change.company.tables[source.lines].where("documentId", row["id"]):
        copied = {name: value for name, value in line.document.items() if name not in {"id", "@odata.etag"}}
        drafts.append({**copied, "documentId": made["id"]})
    return settle(change, target, made, drafts)
