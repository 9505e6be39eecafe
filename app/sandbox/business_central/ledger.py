"""What posting leaves behind: general ledger entries, item entries with stock, and what customers owe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.sandbox.business_central.company import Change, Row
from app.sandbox.business_central.errors import field
from app.sandbox.business_central.properties import BLANK_DATE

RECEIVABLES = "1200"
SALES = "4000"
SALES_TAX = "2300"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One amount on an account, debit positive, in the company's currency."""

    account: str
    amount: Decimal
    description: str = ""


def check_period(change: Change, posting_date: str, where: str) -> None:
    """Refuse a posting date that the general ledger set-up or a closed period does not allow."""
    [setup] = change.company.tables["generalLedgerSetup"].rows.values()
    first, last = setup["allowPostingFrom"], setup["allowPostingTo"]
    closed = any(
        period["dateLocked"] and period["startingDate"][:7] == posting_date[:7]
        for period in change.company.tables["accountingPeriods"].rows.values()
    )
    if closed or (first != BLANK_DATE and posting_date < first) or (last != BLANK_DATE and posting_date > last):
        raise field(f"Posting Date is not within your range of allowed posting dates in {where}.")


def book(change: Change, document: Mapping[str, Any], postings: Iterable[Posting], document_type: str) -> None:
    """Write general ledger entries. `document` gives number and posting date."""
    for posting in postings:
        if not posting.amount:
            continue
        [account] = change.company.tables["accounts"].where("number", posting.account)
        change.update("accounts", account, {"netChange": account["netChange"] + posting.amount})
        change.insert(
            "generalLedgerEntries",
            {
                "entryNumber": change.company.next_entry("generalLedgerEntries"),
                "postingDate": document["postingDate"],
                "documentNumber": document["number"],
                "documentType": document_type,
                "accountId": account["id"],
                "accountNumber": posting.account,
                "description": posting.description,
                "debitAmount": max(posting.amount, Decimal(0)),
                "creditAmount": max(-posting.amount, Decimal(0)),
            },
        )


def owe(change: Change, customer_id: str, amount: Decimal, sales: Decimal = Decimal(0)) -> None:
    """Add to what a customer owes, and to the sales without tax made to him."""
    row = change.company.row("customerFinancialDetails", customer_id)
    settings = {"balance": row["balance"] + amount, "totalSalesExcludingTax": row["totalSalesExcludingTax"] + sales}
    change.update("customerFinancialDetails", row, settings)


def move_stock(change: Change, document: Mapping[str, Any], line: Mapping[str, Any], moved: Decimal, what: str) -> None:
    """Move an item's stock by `moved` and write its entry; other lines and items without stock move nothing."""
    if line["lineType"] != "Item" or not moved:
        return
    item: Row = change.company.row("items", line["itemId"])
    change.insert(
        "itemLedgerEntries",
        {
            "entryNumber": change.company.next_entry("itemLedgerEntries"),
            "itemNumber": item["number"],
            "postingDate": document["postingDate"],
            "entryType": "Sale",
            "sourceNumber": document["customerNumber"],
            "sourceType": "Customer",
            "documentNumber": document["number"],
            "documentType": what,
            "description": line["description"],
            "quantity": moved,
        },
    )
    if item["type"] == "Inventory":
        change.update("items", item, {"inventory": item["inventory"] + moved})


def adjust_stock(change: Change, item: Row, moved: Decimal) -> Row:
    """Post what a count found of an item, and write its entry; nothing where the count agrees."""
    if not moved:
        return item
    change.insert(
        "itemLedgerEntries",
        {
            "entryNumber": change.company.next_entry("itemLedgerEntries"),
            "itemNumber": item["number"],
            "entryType": "Positive Adjmt." if moved > 0 else "Negative Adjmt.",
            "sourceNumber": item["number"],
            "sourceType": "Item",
            "description": item["displayName"],
            "quantity": moved,
        },
    )
    return change.update("items", item, {"inventory": item["inventory"] + moved})


def sales_postings(document: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], sign: int) -> list[Posting]:
    """Return the postings of an invoice (sign 1) or a credit memo (sign -1)."""
    postings = [Posting(account=RECEIVABLES, amount=sign * document["totalAmountIncludingTax"])]
    for line in lines:
        account = line["lineObjectNumber"] if line["lineType"] == "Account" else SALES
        postings.append(
            Posting(account=account, amount=-sign * Decimal(line["netAmount"]), description=line["description"])
        )
    postings.append(Posting(account=SALES_TAX, amount=-sign * document["totalTaxAmount"], description="Tax"))
    return postings
