"""What Business Central holds under one external document number: an order, its invoices, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.business_central.client import Company, Document, literal, query
from app.kernel.errors import NeedsAttention


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A document of ours. A fully invoiced order is gone and lives on as its invoices."""

    order: Document | None
    invoices: tuple[Document, ...]

    @property
    def status(self) -> str:
        return str(self.order["status"]) if self.order is not None else "Invoiced"

    @property
    def is_draft(self) -> bool:
        return self.status == "Draft"

    @property
    def external_id(self) -> str:
        if self.order is not None:
            return str(self.order["id"])
        first = self.invoices[0]
        return str(first["orderId"] if first["orderNumber"] else first["id"])

    @property
    def number(self) -> str:
        if self.order is not None:
            return str(self.order["number"])
        return str(self.invoices[0]["orderNumber"] or self.invoices[0]["number"])

    @property
    def document(self) -> Document:
        """The order as it stands, or as its invoices add up to it."""
        return self.order if self.order is not None else _sum_of(self.invoices)


def paths(external_number: str) -> list[str]:
    """The two look-ups. Externally numbers are stored upper case and are not unique."""
    wanted = f"externalDocumentNumber eq {literal(external_number)}"
    return [
        "salesOrders" + query(filter=wanted, expand="salesOrderLines"),
        "salesInvoices" + query(filter=wanted, expand="salesInvoiceLines"),
    ]


def held_of(answers: Sequence[Sequence[Document]], external_number: str) -> Held | None:
    """Read the two look-ups; None where there is nothing. Several documents are a case."""
    orders, invoices = answers
    numbers = {str(order["number"]) for order in orders}
    numbers |= {str(invoice["orderNumber"] or invoice["number"]) for invoice in invoices}
    if not numbers:
        return None
    if len(numbers) > 1:
        raise NeedsAttention(
            "erp.several_documents",
            f"Business Central has {len(numbers)} documents with external number {external_number}: "
            f"{', '.join(sorted(numbers))}; keep one and change the number of the others",
            about=external_number,
            numbers=sorted(numbers),
        )
    return Held(order=orders[0] if orders else None, invoices=tuple(invoices))


def look(company: Company, external_number: str) -> Held | None:
    return held_of(company.read_together(paths(external_number)), external_number)


def _sum_of(invoices: Sequence[Document]) -> dict[str, Any]:
    """The head of the first invoice, totals and lines added up by sequence."""
    lines: dict[int, dict[str, Any]] = {}
    for invoice in invoices:
        for line in invoice["salesInvoiceLines"]:
            whole = lines.setdefault(line["sequence"], {**line, "quantity": Decimal(0), "discountAmount": Decimal(0)})
            whole["quantity"] += Decimal(line["quantity"])
            whole["discountAmount"] += Decimal(line["discountAmount"])
            whole["shippedQuantity"] = whole["quantity"]
    totals = {
        name: sum((Decimal(invoice[name]) for invoice in invoices), Decimal(0))
        for name in ("totalAmountIncludingTax", "totalTaxAmount", "discountAmount")
    }
    return {**invoices[0], **totals, "salesOrderLines": [lines[sequence] for sequence in sorted(lines)]}
