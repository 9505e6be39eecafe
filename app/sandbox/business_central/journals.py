"""Journals and payment journals: one table of batches, one of lines, posted as a whole batch."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.sandbox import moment
from app.sandbox.business_central.company import Change, Company, Row
from app.sandbox.business_central.corrections import settle_invoice
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import dialog, field, same_key
from app.sandbox.business_central.ledger import RECEIVABLES, Posting, book, check_period, owe
from app.sandbox.business_central.lines import check_account
from app.sandbox.business_central.properties import BLANK_DATE, BLANK_ID
from app.sandbox.business_central.values import read_body

BATCHES = "journals"
LINES = "journalLines"
PAYMENT_BATCHES = "customerPaymentJournals"
PAYMENTS = "customerPayments"
_GENERAL, _CASH = "GENERAL", "CASHRCPT"
_STEP = 10000


def insert_batch(change: Change, set_name: str, body: Any) -> Row:
    """Add a journal; the two kinds are one table, so a payment journal answers as a journal by its id too."""
    company = change.company
    settings = read_body(ENTITIES[set_name], body, creating=True)
    code = settings.get("code", "")
    template = _GENERAL if set_name == BATCHES else _CASH
    if not code:
        raise field("Name must have a value in Gen. Journal Batch. It cannot be zero or empty.")
    if any(row["_template"] == template for row in company.tables[BATCHES].where("code", code)):
        fields = f"Journal Template Name='{template}',Name='{code}'"
        raise same_key("Gen. Journal Batch", fields)
    _balancing(company, settings)
    settings.setdefault("templateDisplayName", template)
    return change.insert(BATCHES, settings, _template=template)


def change_batch(change: Change, set_name: str, row: Row, body: Any) -> Row:
    """Set values on a journal."""
    settings = read_body(ENTITIES[set_name], body, creating=False)
    _balancing(change.company, settings)
    return change.update(BATCHES, row, settings)


def delete_batch(change: Change, row: Row) -> None:
    """Delete a journal with its lines."""
    for set_name in (LINES, PAYMENTS):
        for line in change.company.tables[set_name].where("journalId", row["id"]):
            change.remove(set_name, line, "deleted")
    change.remove(BATCHES, row, "deleted")


def insert_line(change: Change, set_name: str, body: Any, batch: Row | None) -> Row:
    """Add a line to the journal that the address names."""
    if batch is None:
        raise dialog("You must specify a journal batch ID or a journal ID to get a journal line.")
    settings = read_body(ENTITIES[set_name], body, creating=True)
    taken = [line["lineNumber"] for line in change.company.tables[set_name].where("journalId", batch["id"])]
    number = settings.get("lineNumber") or max(taken, default=0) + _STEP
    if number in taken:
        raise same_key("Gen. Journal Line", f"Journal Batch Name='{batch['code']}',Line No.='{number}'")
    settings["lineNumber"] = number
    if settings.get("postingDate", BLANK_DATE) == BLANK_DATE:
        settings["postingDate"] = moment.now().date().isoformat()
    _resolve(change.company, set_name, settings)
    own = {"journalId": batch["id"], "journalDisplayName": batch["code"]}
    return change.insert(set_name, {**settings, **own})


def change_line(change: Change, set_name: str, row: Row, body: Any) -> Row:
    """Set values on a journal line."""
    settings = read_body(ENTITIES[set_name], body, creating=False)
    merged = {**row.document, **settings}
    _resolve(change.company, set_name, merged, told=settings)
    return change.update(set_name, row, merged)


def post_batch(change: Change, batch: Row) -> None:
    """Post every line of a batch, whatever its kind; nothing is posted when one of them cannot be."""
    company = change.company
    lines = company.tables[LINES].where("journalId", batch["id"])
    payments = company.tables[PAYMENTS].where("journalId", batch["id"])
    if not lines and not payments:
        raise dialog("There is nothing to post.")
    _check_balance(batch, lines)
    for line in (*lines, *payments):
        check_period(change, line["postingDate"], f"Gen. Journal Line {line['lineNumber']}")
        if not line["documentNumber"]:
            raise field("Document No. must have a value in Gen. Journal Line. It cannot be zero or empty.")
    for line in lines:
        _post_line(change, batch, line)
        change.remove(LINES, line, "posted")
    for line in payments:
        _post_payment(change, batch, line)
        change.remove(PAYMENTS, line, "posted")


def _check_balance(batch: Row, lines: list[Row]) -> None:
    if batch["balancingAccountId"] != BLANK_ID:
        return
    sums: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        if line["balancingAccountId"] == BLANK_ID:
            key = (line["documentNumber"], line["postingDate"])
            sums[key] = sums.get(key, Decimal(0)) + line["amount"]
    for (number, _), total in sums.items():
        if total:
            raise dialog(f"Document No. {number} is out of balance by {total}.")


def _post_line(change: Change, batch: Row, line: Row) -> None:
    amount = Decimal(line["amount"])
    document = {"number": line["documentNumber"], "postingDate": line["postingDate"]}
    postings = [Posting(account=_account_of(change, line), amount=amount, description=line["description"])]
    balancing = line["balancingAccountId"]
    balancing = balancing if balancing != BLANK_ID else batch["balancingAccountId"]
    if balancing != BLANK_ID:
        account = change.company.row("accounts", balancing)
        postings.append(Posting(account=account["number"], amount=-amount, description=line["description"]))
    book(change, document, postings, " ")
    if line["accountType"] == "Customer":
        owe(change, line["accountId"], amount)


def _account_of(change: Change, line: Row) -> str:
    if line["accountType"] == "Customer":
        return RECEIVABLES
    account = change.company.tables["accounts"].rows.get(line["accountId"])
    if line["accountType"] != "G/L Account" or account is None:
        raise field(f"Account No. must have a value in Gen. Journal Line: Line No.={line['lineNumber']}.")
    check_account(account)
    return str(account["number"])


def _post_payment(change: Change, batch: Row, line: Row) -> None:
    if batch["balancingAccountId"] == BLANK_ID:
        raise dialog(f"Document No. {line['documentNumber']} is out of balance by {line['amount']}.")
    amount = Decimal(line["amount"])
    account = change.company.row("accounts", batch["balancingAccountId"])
    document = {"number": line["documentNumber"], "postingDate": line["postingDate"]}
    postings = [
        Posting(account=RECEIVABLES, amount=amount, description=line["description"]),
        Posting(account=account["number"], amount=-amount, description=line["description"]),
    ]
    book(change, document, postings, "Payment")
    owe(change, line["customerId"], amount)
    if line["appliesToInvoiceNumber"]:
        settle_invoice(change, line["appliesToInvoiceNumber"], -amount)


def _balancing(company: Company, settings: dict[str, Any]) -> None:
    key = settings.get("balancingAccountId", BLANK_ID)
    number = settings.get("balancingAccountNumber", "")
    if key == BLANK_ID and not number:
        return
    row = company.tables["accounts"].rows.get(key) if key != BLANK_ID else company.first("accounts", "number", number)
    if row is None:
        raise dialog('The "balancingAccountId" does not match to an Account.')
    settings.update(balancingAccountId=row["id"], balancingAccountNumber=row["number"])


def _resolve(company: Company, set_name: str, settings: dict[str, Any], told: Mapping[str, Any] | None = None) -> None:
    told = settings if told is None else told
    if set_name == PAYMENTS:
        _pair(company, settings, told, ("customers", "customerId", "customerNumber"), "Customer")
        _pair(company, settings, told, ("salesInvoices", "appliesToInvoiceId", "appliesToInvoiceNumber"), "Invoice")
        if settings.get("amount", 0) > 0:
            raise dialog('The "amount" should be a negative number.')
        return
    customer = settings.get("accountType", "G/L Account") == "Customer"
    _pair(company, settings, told, ("customers" if customer else "accounts", "accountId", "accountNumber"), "Account")
    if "balancingAccountId" in told or "balancingAccountNumber" in told:
        _balancing(company, settings)


def _pair(
    company: Company, settings: dict[str, Any], told: Mapping[str, Any], where: tuple[str, str, str], what: str
) -> None:
    """Fill id and number of one record from whichever was told."""
    set_name, key_name, number_name = where
    key, number = told.get(key_name, BLANK_ID), told.get(number_name, "")
    if key == BLANK_ID and not number:
        return
    row = company.tables[set_name].rows.get(key) if key != BLANK_ID else company.first(set_name, "number", number)
    name = key_name if key != BLANK_ID else number_name
    if row is None:
        raise dialog(f'The "{name}" does not match to an {what}.')
    settings[key_name], settings[number_name] = row["id"], row["number"]
