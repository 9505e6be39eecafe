"""Sales documents as wholes: insert with lines, change, delete, and compute after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.sandbox.business_central.amounts import Line, tax_lines
from app.sandbox.business_central.company import Change, Company, Row
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import Refusal, bad_request, dialog, same_key
from app.sandbox.business_central.heads import apply_head, check_released, draft_head, precision, released
from app.sandbox.business_central.kinds import ORDER, Kind
from app.sandbox.business_central.lines import LineDraft, locked_while_released
from app.sandbox.business_central.properties import BLANK_ID
from app.sandbox.business_central.values import read_body

Draft = dict[str, Any]
_ZERO = Decimal(0)
_STEP = 10000  # Business Central numbers lines by ten thousands where the caller gives no sequence


def insert_document(change: Change, kind: Kind, body: Any) -> Row:
    """Add a document with the lines of its body (deep insert): all of it or nothing."""
    company = change.company
    head = draft_head(company, kind, read_body(ENTITIES[kind.head], body, creating=True))
    head["number"] = company.next_number(kind.series, kind.head)
    row = change.insert(kind.head, head)
    bodies = body.get(kind.lines, [])
    if not isinstance(bodies, list):
        raise bad_request(f"'{kind.lines}' must be a collection.")
    drafts: list[Draft] = []
    for each in bodies:
        drafts.append(_draft_line(company, kind, row, each, [draft["sequence"] for draft in drafts]))
    return settle(change, kind, row, drafts) if drafts else row


def change_document(change: Change, kind: Kind, row: Row, body: Any) -> Row:
    """Set values on a head. Prices are rescaled when `pricesIncludeTax` moves under lines that exist."""
    _require_draft(kind, row)
    company = change.company
    settings = read_body(ENTITIES[kind.head], body, creating=False)
    check_released(row.document, settings)
    before = change.company.tables[kind.lines].where("documentId", row["id"])
    draft = dict(row.document)
    apply_head(company, draft, settings, lines=tuple(before))
    lines = [dict(line.document) for line in before]
    if draft["pricesIncludeTax"] != row["pricesIncludeTax"]:
        for line in lines:
            factor = 1 + line["_percent"] / 100
            price = line["unitPrice"] * factor if draft["pricesIncludeTax"] else line["unitPrice"] / factor
            _line_draft(company, kind, draft, line).apply({"unitPrice": price})
    return settle(change, kind, change.update(kind.head, row, draft), lines)


def delete_document(change: Change, kind: Kind, row: Row) -> None:
    """Delete a document that nothing was posted of; its number is never used again."""
    _require_draft(kind, row)
    lines = change.company.tables[kind.lines].where("documentId", row["id"])
    if kind is ORDER and any(line["shippedQuantity"] != line["invoicedQuantity"] for line in lines):
        raise dialog("You cannot delete the order line because it has been shipped and is not invoiced.")
    for line in lines:
        change.remove(kind.lines, line, "deleted")
    change.remove(kind.head, row, "deleted")


def insert_line(change: Change, kind: Kind, body: Any, head: Row | None) -> Row:
    """Add a line to a document, given by the address or by `documentId`. Raises Refusal without one."""
    entity = ENTITIES[kind.lines]
    if head is None:
        key = read_body(entity, body, creating=True).get("documentId", BLANK_ID)
        if key == BLANK_ID:
            raise dialog("You must specify a Document Id to create a line.")
        head = change.company.row(kind.head, key)
    _require_draft(kind, head)
    if head["status"] == "Open":
        raise released(head.document)
    before = change.company.tables[kind.lines].where("documentId", head["id"])
    draft = _draft_line(change.company, kind, head, body, [line["sequence"] for line in before])
    settle(change, kind, head, [*(dict(line.document) for line in before), draft])
    [added] = [line for line in change.company.tables[kind.lines].where("documentId", head["id"])
               if line["sequence"] == draft["sequence"]]  # fmt: skip
    return added


def change_line(change: Change, kind: Kind, row: Row, body: Any) -> Row:
    """Set values on a line."""
    head = change.company.row(kind.head, row["documentId"])
    _require_draft(kind, head)
    settings = read_body(ENTITIES[kind.lines], body, creating=False)
    if head["status"] == "Open" and locked_while_released(settings):
        raise released(head.document)
    drafts = [dict(line.document) for line in change.company.tables[kind.lines].where("documentId", head["id"])]
    [draft] = [each for each in drafts if each["id"] == row["id"]]
    _line_draft(change.company, kind, head.document, draft).apply(settings)
    settle(change, kind, head, drafts)
    return change.company.row(kind.lines, row["id"])


def delete_line(change: Change, kind: Kind, row: Row) -> None:
    """Take a line out of its document."""
    head = change.company.row(kind.head, row["documentId"])
    _require_draft(kind, head)
    if head["status"] == "Open":
        raise released(head.document)
    change.remove(kind.lines, row, "removed")
    lines = change.company.tables[kind.lines].where("documentId", head["id"])
    settle(change, kind, head, [dict(line.document) for line in lines])


def settle(change: Change, kind: Kind, head: Row, drafts: Sequence[Draft]) -> Row:
    """Compute a document from its lines and keep all of it; drafts without an id are new lines."""
    company = change.company
    compute_lines(company, kind, head.document, drafts)
    for draft in drafts:
        if draft.get("id", BLANK_ID) == BLANK_ID:
            change.insert(kind.lines, draft)
        else:
            change.update(kind.lines, company.row(kind.lines, draft["id"]), draft)
    return change.update(kind.head, head, totals(kind, drafts))


def compute_lines(company: Company, kind: Kind, head: Mapping[str, Any], drafts: Sequence[Draft]) -> None:
    """Write the computed amounts of a document into its lines."""
    unit = precision(company, head["currencyCode"])
    lines: list[Line] = []
    for draft in drafts:
        line = LineDraft(company, kind, head, draft, unit)
        draft["_amount"], draft["_percent"] = line.amount(), line.percent()
        discountable = draft["lineType"] != "Account"
        lines.append(
            Line(amount=draft["_amount"], group=draft["taxCode"], percent=draft["_percent"], discountable=discountable)
        )
    discount = Decimal(head["discountAmount"])
    includes_tax = head["pricesIncludeTax"]
    taxed = tax_lines(lines, includes_tax=includes_tax, invoice_discount=discount, precision=unit)
    before = taxed
    if discount:
        before = tax_lines(lines, includes_tax=includes_tax, invoice_discount=_ZERO, precision=unit)
    for draft, net, plain in zip(drafts, taxed, before, strict=True):
        draft.update(
            taxPercent=draft["_percent"],
            amountExcludingTax=plain.net,
            totalTaxAmount=plain.tax,
            amountIncludingTax=plain.gross,
            invoiceDiscountAllocation=net.invoice_discount,
            netAmount=net.net,
            netTaxAmount=net.tax,
            netAmountIncludingTax=net.gross,
            discountAppliedBeforeTax=not includes_tax,
        )


def totals(kind: Kind, drafts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a head says about its lines."""
    said: dict[str, Any] = {
        "totalAmountExcludingTax": sum((draft["netAmount"] for draft in drafts), _ZERO),
        "totalTaxAmount": sum((draft["netTaxAmount"] for draft in drafts), _ZERO),
        "totalAmountIncludingTax": sum((draft["netAmountIncludingTax"] for draft in drafts), _ZERO),
    }
    if kind is ORDER:
        moved = [draft for draft in drafts if draft["lineType"] != "Comment"]
        said["fullyShipped"] = bool(moved) and all(draft["quantity"] == draft["shippedQuantity"] for draft in moved)
    return said


def _draft_line(company: Company, kind: Kind, head: Row, body: Any, taken: Sequence[int]) -> Draft:
    entity = ENTITIES[kind.lines]
    settings = read_body(entity, body, creating=True)
    sequence = settings.pop("sequence", 0) or max(taken, default=0) + _STEP
    if sequence in taken:
        fields = f"Document Type='{kind.word}',Document No.='{head['number']}',Line No.='{sequence}'"
        raise same_key("Sales Line", fields)
    if settings.pop("documentId", head["id"]) not in {head["id"], BLANK_ID}:
        raise Refusal("BadRequest", "The documentId of the line is not the document's.")
    draft: Draft = {**entity.blank(), "documentId": head["id"], "sequence": sequence, "lineType": "Comment"}
    draft["_amount"] = draft["_percent"] = _ZERO
    _line_draft(company, kind, head.document, draft).apply(settings)
    return draft


def _line_draft(company: Company, kind: Kind, head: Mapping[str, Any], draft: Draft) -> LineDraft:
    return LineDraft(company, kind, head, draft, precision(company, head["currencyCode"]))


def _require_draft(kind: Kind, head: Row) -> None:
    if kind is not ORDER and head["status"] not in {"Draft", "In Review"}:
        raise dialog("A posted document cannot be changed.")
