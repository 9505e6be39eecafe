"""What shipped and what was invoiced, read by order number: Business Central sends no bell for a shipment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from app.adapters.business_central.client import Company, Document, literal, query
from app.adapters.business_central.mapping.plan import SHIPPED_BELOW
from app.adapters.business_central.mapping.terms import Terms
from app.domains.orders.canonical import DocumentChanged
from app.domains.orders.ports import ErpInvoice, ErpProgress, ErpShipment, InvoicedLine, ShippedLine
from app.infra.remote.client import Outbound
from app.kernel.money import Money

UNPOSTED = frozenset({"Draft", "In Review"})


@dataclass(frozen=True, slots=True)
class BusinessCentralShipments:
    """The ShipmentSource of one company. Tracking is not in API v2.0: it comes by the ERP's callback."""

    company: Company
    terms: Terms

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralShipments:
        return cls(Company.of(remote, settings), Terms.of(settings))

    def progress(self, order_number: str) -> ErpProgress:
        """Shipments with their goods, posted invoices, and the order's own status word.

        Status is Invoiced where only invoices are left of the order, Gone where nothing is.
        """
        wanted = literal(order_number)
        orders, shipments, invoices = self.company.read_together(
            [
                "salesOrders" + query(filter=f"number eq {wanted}", select="id,number,status"),
                "salesShipments" + query(filter=f"orderNumber eq {wanted}", expand="salesShipmentLines"),
                "salesInvoices" + query(filter=f"orderNumber eq {wanted}", expand="salesInvoiceLines"),
            ]
        )
        posted = [invoice for invoice in invoices if invoice["status"] not in UNPOSTED]
        status = str(orders[0]["status"]) if orders else "Invoiced" if posted else "Gone"
        return ErpProgress(
            order_number=order_number,
            status=status,
            shipments=tuple(_shipment(shipment, order_number) for shipment in shipments),
            invoices=tuple(self._invoice(invoice, order_number) for invoice in posted),
        )

    def number_of(self, changed: DocumentChanged) -> str:
        """The order number of a document by its id; one request, two where the order is gone already."""
        if changed.number and changed.kind == "sales_order":
            return changed.number
        if not changed.external_id:
            return ""
        if changed.kind == "sales_invoice":
            return self._first("salesInvoices", f"id eq {changed.external_id}", "orderNumber")
        if changed.kind == "shipment":
            return self._first("salesShipments", f"id eq {changed.external_id}", "orderNumber")
        return self._first("salesOrders", f"id eq {changed.external_id}", "number") or self._first(
            "salesInvoices", f"orderId eq {changed.external_id}", "orderNumber"
        )

    def changed_since(self, since: datetime) -> tuple[str, ...]:
        """Numbers of the hub's orders that moved since then, or had an invoice or shipment that did; each once."""
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ours = f"startswith(externalDocumentNumber,{literal(f'{self.terms.prefix}-'.upper())})"
        wanted = f"lastModifiedDateTime ge {moment} and {ours}"
        orders, invoices, shipments = self.company.read_together(
            [
                "salesOrders" + query(filter=wanted, select="id,number"),
                "salesInvoices" + query(filter=wanted, select="id,orderNumber"),
                "salesShipments" + query(filter=wanted, select="id,orderNumber"),
            ]
        )
        numbers = [*_all(orders, "number"), *_all(invoices, "orderNumber"), *_all(shipments, "orderNumber")]
        return tuple(dict.fromkeys(number for number in numbers if number))

    def _first(self, collection: str, wanted: str, name: str) -> str:
        rows = self.company.rows(collection + query(filter=wanted, select=f"id,{name}"))
        return str(rows[0][name]) if rows else ""

    def _invoice(self, invoice: Document, order_number: str) -> ErpInvoice:
        currency = str(invoice["currencyCode"] or self.terms.local_currency)
        return ErpInvoice(
            number=str(invoice["number"]),
            order_number=order_number,
            invoiced_on=date.fromisoformat(invoice["postingDate"]),
            total=Money.rounded(Decimal(invoice["totalAmountIncludingTax"]), currency),
            lines=tuple(
                InvoicedLine(
                    sequence=line["sequence"],
                    quantity=Decimal(line["quantity"]),
                    amount=Money.rounded(Decimal(line["amountIncludingTax"]), currency),
                )
                for line in invoice["salesInvoiceLines"]
                if line["lineType"] != "Comment"
            ),
        )


def _shipment(shipment: Document, order_number: str) -> ErpShipment:
    return ErpShipment(
        number=str(shipment["number"]),
        order_number=order_number,
        shipped_at=_moment(shipment),
        lines=tuple(
            ShippedLine(
                sequence=line["sequence"],
                quantity=Decimal(line["quantity"]),
                sku=str(line["lineObjectNumber"]) if line["lineType"] == "Item" else "",
            )
            for line in shipment["salesShipmentLines"]
            if line["sequence"] < SHIPPED_BELOW and Decimal(line["quantity"])
        ),
    )


def _moment(shipment: Document) -> datetime:
    """When the shipment was posted: the document knows a date only, its record the instant."""
    modified = str(shipment.get("lastModifiedDateTime") or "")
    if modified and not modified.startswith("0001"):
        return datetime.fromisoformat(modified).astimezone(UTC)
    return datetime.combine(date.fromisoformat(shipment["postingDate"]), time(), tzinfo=UTC)


def _all(rows: Iterable[Document], name: str) -> list[str]:
    return [str(row[name] or "") for row in rows]
