"""Payments in the books: a journal of its own for each, looked up before it is made and before it is posted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.business_central.client import Company, Document, literal, query
from app.adapters.business_central.mapping.buyers import hashed
from app.adapters.business_central.mapping.terms import Terms, external_number
from app.adapters.business_central.mapping.text import clean
from app.adapters.business_central.settings import ANY
from app.adapters.business_central.verdicts import AlreadyThere
from app.domains.orders.ports import Payment, PaymentReceipt
from app.infra.remote.client import Outbound
from app.kernel.errors import HubError, NeedsAttention, Transient

MONEY_MOVES = frozenset({"capture", "sale", "refund"})
GIFT_CARDS = frozenset({"gift_card", "shopify_store_credit", "store_credit"})
EXTERNAL = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One payment as Business Central books it: `code` names its journal, `document` its entries."""

    payment: Payment
    code: str  # at most 10 characters
    document: str  # at most 20
    account: str  # the clearing account's number
    applied: bool

    @property
    def journals(self) -> str:
        return "customerPaymentJournals" if self.applied else "journals"

    @property
    def lines(self) -> str:
        return "customerPayments" if self.applied else "journalLines"

    @property
    def owed(self) -> Decimal:
        """What the customer's account is moved by: a payment received is a credit."""
        return -self.payment.amount.amount


@dataclass(frozen=True, slots=True)
class BusinessCentralPayments:
    """The PaymentSink of one company, by its `payment_booking`: payment_journal (applied), journal or none.

    A refund is booked by a plain journal whatever the policy: customerPayments takes received money only. Amounts are
    local currency, because neither journal has a currency field.
    """

    company: Company
    terms: Terms
    policy: str
    accounts: Mapping[str, str]

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralPayments:
        return cls(
            Company.of(remote, settings), Terms.of(settings), settings["payment_booking"], settings["payment_accounts"]
        )

    def book(self, payment: Payment) -> PaymentReceipt:
        if self.policy == "none" or payment.kind not in MONEY_MOVES or not payment.amount:
            return PaymentReceipt(external_id="", number="", repeated=False, booked=False)
        try:
            return self._book(self._booking(payment))
        except HubError as error:
            error.about = error.about or f"payment {payment.transaction_id} of order {payment.order_name}"
            raise

    def _booking(self, payment: Payment) -> Booking:
        currency = payment.amount.currency
        if currency != self.terms.local_currency:
            raise NeedsAttention(
                "erp.payment_currency",
                f"the payment is in {currency}, journals of API v2.0 take {self.terms.local_currency} only; book it "
                "there with the rate of its settlement and dismiss",
                about=f"currency {currency}",
            )
        name = hashed(payment.payment_id, 19)
        return Booking(
            payment=payment,
            code=f"P{name[:9]}",
            document=f"P{name}",
            account=self._account(payment.gateway),
            applied=self.policy == "payment_journal" and payment.amount.minor > 0,
        )

    def _account(self, gateway: str) -> str:
        if gateway in GIFT_CARDS and gateway not in self.accounts:
            return self.terms.account("gift_card_liability")
        number = self.accounts.get(gateway) or self.accounts.get(ANY)
        if not number:
            raise NeedsAttention(
                "erp.payment_account_missing",
                f'no clearing account for gateway {gateway}; set payment_accounts["{gateway}"] of the connection',
                about=f"gateway {gateway}",
            )
        return number

    def _book(self, booking: Booking) -> PaymentReceipt:
        entries, journals, orders, invoices = self.company.read_together(self._look_ups(booking))
        if entries:
            return self._booked(booking, entries)
        customer, invoice = _owner(booking, orders, invoices)
        journal = journals[0] if journals else self._journal(booking)
        self._fill(booking, journal, customer, invoice)
        # The two journals are one table: a payment journal has no action of its own and is posted by the other's page.
        self.company.act(f"journals({journal['id']})", "post")
        wanted = f"documentNumber eq {literal(booking.document)}"
        posted = self.company.rows("generalLedgerEntries" + query(filter=wanted))
        return self._booked(booking, posted, repeated=False)

    def _look_ups(self, booking: Booking) -> list[str]:
        number = external_number(self.terms, booking.payment.order_key)
        ours = f"externalDocumentNumber eq {literal(number)}"
        return [
            "generalLedgerEntries" + query(filter=f"documentNumber eq {literal(booking.document)}"),
            booking.journals + query(filter=f"code eq {literal(booking.code)}", expand=booking.lines),
            "salesOrders" + query(filter=ours, select="id,customerNumber"),
            "salesInvoices" + query(filter=ours, select="id,number,customerNumber,status"),
        ]

    def _journal(self, booking: Booking) -> Document:
        body: dict[str, Any] = {"code": booking.code, "displayName": f"Payment {booking.payment.order_name}"}
        if booking.applied:
            body["balancingAccountNumber"] = booking.account
        try:
            made: dict[str, Any] = self.company.post(booking.journals, body)
        except AlreadyThere as taken:
            wanted = query(filter=f"code eq {literal(booking.code)}", expand=booking.lines)
            rows = self.company.rows(booking.journals + wanted)
            if not rows:
                raise Transient("business_central.journal_hidden", "the journal is there and is not shown") from taken
            return rows[0]
        return {**made, booking.lines: []}

    def _fill(self, booking: Booking, journal: Document, customer: str, invoice: str) -> None:
        """Add the lines that the journal lacks; their numbers are fixed, so a repeat collides."""
        held = {line["lineNumber"] for line in journal[booking.lines]}
        bodies = self._applied_lines(booking, customer, invoice) if booking.applied else self._lines(booking, customer)
        for body in bodies:
            if body["lineNumber"] not in held:
                self.company.post(f"{booking.journals}({journal['id']})/{booking.lines}", body)

    def _lines(self, booking: Booking, customer: str) -> list[dict[str, Any]]:
        common = _common(booking)
        return [
            {
                "lineNumber": 10000, "accountType": "Customer", "accountNumber": customer, **common,
                "amount": booking.owed,
            },
            {
                "lineNumber": 20000, "accountType": "G/L Account", "accountNumber": booking.account, **common,
                "amount": -booking.owed,
            },
        ]  # fmt: skip

    def _applied_lines(self, booking: Booking, customer: str, invoice: str) -> list[dict[str, Any]]:
        line = {"lineNumber": 10000, "customerNumber": customer, **_common(booking), "amount": booking.owed}
        return [line | ({"appliesToInvoiceNumber": invoice} if invoice else {})]

    def _booked(self, booking: Booking, entries: list[Document], *, repeated: bool = True) -> PaymentReceipt:
        """Prove the entries: debits and credits are the payment, each on its account."""
        debited = sum((Decimal(entry["debitAmount"]) for entry in entries), Decimal(0))
        credited = sum((Decimal(entry["creditAmount"]) for entry in entries), Decimal(0))
        amount = abs(booking.payment.amount.amount)
        if not debited == credited == amount:
            raise NeedsAttention(
                "erp.payment_differs",
                f"document {booking.document} has debits {debited} and credits {credited}, the payment is {amount}; "
                "reverse it in Business Central and replay",
                about=booking.document,
            )
        return PaymentReceipt(
            external_id=str(entries[0]["id"]), number=booking.document, repeated=repeated, booked=True
        )  # fmt: skip


def _common(booking: Booking) -> dict[str, Any]:
    payment = booking.payment
    return {
        "postingDate": payment.occurred_on.isoformat(),
        "documentNumber": booking.document,
        "externalDocumentNumber": payment.transaction_id.upper()[:EXTERNAL],
        "description": clean(f"{payment.kind.capitalize()} {payment.gateway} {payment.order_name}")[:100],
    }


def _owner(booking: Booking, orders: list[Document], invoices: list[Document]) -> tuple[str, str]:
    """The customer that the order was booked to, and the one open invoice of it that the payment settles."""
    found = [*orders, *invoices]
    if not found:
        raise NeedsAttention(
            "erp.document_missing",
            f"Business Central has no document of order {booking.payment.order_name} that the payment belongs to",
            about=f"order {booking.payment.order_name}",
        )
    is_open = [str(invoice["number"]) for invoice in invoices if invoice["status"] == "Open"]
    return str(found[0]["customerNumber"]), is_open[0] if len(is_open) == 1 else ""
