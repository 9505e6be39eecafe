"""What each entity set does on POST, PATCH, DELETE and its actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from app.sandbox.business_central import corrections, documents, journals, masters, posting
from app.sandbox.business_central.company import Change, Row
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import Refusal, no_segment, not_allowed
from app.sandbox.business_central.kinds import INVOICE, KINDS, KINDS_BY_LINES, MEMO

_BATCHES = frozenset({journals.BATCHES, journals.PAYMENT_BATCHES})
_JOURNAL_LINES = frozenset({journals.LINES, journals.PAYMENTS})


def insert(change: Change, set_name: str, body: Any, parent: Row | None) -> Row:
    """Add a record; `parent` is what the address names before the set."""
    if set_name in KINDS:
        return documents.insert_document(change, KINDS[set_name], body)
    if set_name in KINDS_BY_LINES:
        return documents.insert_line(change, KINDS_BY_LINES[set_name], body, parent)
    if set_name in _BATCHES:
        return journals.insert_batch(change, set_name, body)
    if set_name in _JOURNAL_LINES:
        return journals.insert_line(change, set_name, body, parent)
    if set_name in masters.MASTERS:
        if set_name == "itemVariants" and parent is not None and isinstance(body, dict):
            body = {"itemId": parent["id"], **body}
        return masters.insert_master(change, set_name, body)
    raise not_allowed("POST", set_name)


def update(change: Change, set_name: str, row: Row, body: Any) -> Row:
    """Set values on a record."""
    if set_name in KINDS:
        return documents.change_document(change, KINDS[set_name], row, body)
    if set_name in KINDS_BY_LINES:
        return documents.change_line(change, KINDS_BY_LINES[set_name], row, body)
    if set_name in _BATCHES:
        return journals.change_batch(change, set_name, row, body)
    if set_name in _JOURNAL_LINES:
        return journals.change_line(change, set_name, row, body)
    if set_name in masters.MASTERS:
        return masters.change_master(change, set_name, row, body)
    raise not_allowed("PATCH", set_name)


def delete(change: Change, set_name: str, row: Row) -> None:
    """Delete a record."""
    if set_name in KINDS:
        documents.delete_document(change, KINDS[set_name], row)
    elif set_name in KINDS_BY_LINES:
        documents.delete_line(change, KINDS_BY_LINES[set_name], row)
    elif set_name in _BATCHES:
        journals.delete_batch(change, row)
    elif set_name in _JOURNAL_LINES:
        change.remove(set_name, row, "removed")
    elif set_name in masters.MASTERS - {"companyInformation"}:
        masters.delete_master(change, set_name, row)
    else:
        raise not_allowed("DELETE", set_name)


def act(change: Change, set_name: str, row: Row, action: str) -> tuple[str, Row]:
    """Run a bound action; return the set and the record that it leads to. Posting commits."""
    run = _ACTIONS.get((set_name, action))
    if run is None:
        raise no_segment(f"Microsoft.NAV.{action}")
    leads_to, made = run(change, row)
    change.commit()
    return leads_to, made


def check_match(row: Row, written: str | None, *, required: bool) -> None:
    """Compare If-Match with the record's version. Raises Refusal without one where it is required, and for another."""
    if not written:
        if required:
            raise Refusal(
                "BadRequest_InvalidToken",
                "Could not validate the client concurrency token required by the service."
                " Please provide a valid token in the client request.",
            )
        return
    if written != "*" and row["@odata.etag"] not in [each.strip() for each in written.split(",")]:
        raise Refusal("Request_EntityChanged", "Another user has already changed the record.", status=409)


def takes(set_name: str) -> bool:
    """Tell whether a set is served inside a company."""
    return set_name in ENTITIES and set_name not in {"companies", "subscriptions"}


def _post_journal(change: Change, row: Row) -> tuple[str, Row]:
    journals.post_batch(change, row)
    return journals.BATCHES, row


def _leading(set_name: str, run: Callable[[Change, Row], Row]) -> Callable[[Change, Row], tuple[str, Row]]:
    return lambda change, row: (set_name, run(change, row))


_ACTIONS: Mapping[tuple[str, str], Callable[[Change, Row], tuple[str, Row]]] = MappingProxyType(
    {
        ("salesOrders", "shipAndInvoice"): _leading(INVOICE.head, posting.ship_and_invoice),
        ("salesInvoices", "post"): _leading(
            INVOICE.head, lambda change, row: corrections.post_draft(change, INVOICE, row)
        ),
        ("salesInvoices", "cancel"): _leading(INVOICE.head, corrections.cancel_invoice),
        ("salesInvoices", "makeCorrectiveCreditMemo"): _leading(MEMO.head, corrections.corrective_memo),
        ("salesCreditMemos", "post"): _leading(
            MEMO.head, lambda change, row: corrections.post_draft(change, MEMO, row)
        ),
        ("salesCreditMemos", "cancel"): _leading(MEMO.head, corrections.cancel_memo),
        ("journals", "post"): _post_journal,
    }
)
