"""Every entity the sandbox serves, by the name of its set."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.sandbox.business_central.entities_documents import DOCUMENTS
from app.sandbox.business_central.entities_finance import FINANCE
from app.sandbox.business_central.entities_masters import MASTERS
from app.sandbox.business_central.properties import Entity

ENTITIES: Mapping[str, Entity] = MappingProxyType({each.set_name: each for each in (*MASTERS, *DOCUMENTS, *FINANCE)})

# Sets whose rows are found by these properties, and so are indexed by them.
INDEXED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customers": ("number", "email"),
        "items": ("number", "gtin"),
        "itemVariants": ("itemId", "code"),
        "unitsOfMeasure": ("code",),
        "locations": ("code",),
        "currencies": ("code",),
        "taxGroups": ("code",),
        "taxAreas": ("code",),
        "paymentTerms": ("code",),
        "shipmentMethods": ("code",),
        "accounts": ("number",),
        "salesOrders": ("number", "externalDocumentNumber"),
        "salesOrderLines": ("documentId",),
        "salesShipments": ("number", "orderNumber", "externalDocumentNumber"),
        "salesShipmentLines": ("documentId",),
        "salesInvoices": ("number", "externalDocumentNumber", "orderNumber", "orderId"),
        "salesInvoiceLines": ("documentId",),
        "salesCreditMemos": ("number", "externalDocumentNumber", "invoiceNumber"),
        "salesCreditMemoLines": ("documentId",),
        "journals": ("code",),
        "journalLines": ("journalId",),
        "customerPayments": ("journalId",),
        "generalLedgerEntries": ("documentNumber",),
        "itemLedgerEntries": ("itemNumber", "documentNumber"),
    }
)

# Lines are served only inside their document: by its id or by their own.
LINES_OF: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "salesOrderLines": ("salesOrders", "documentId"),
        "salesShipmentLines": ("salesShipments", "documentId"),
        "salesInvoiceLines": ("salesInvoices", "documentId"),
        "salesCreditMemoLines": ("salesCreditMemos", "documentId"),
        "journalLines": ("journals", "journalId"),
        "customerPayments": ("customerPaymentJournals", "journalId"),
    }
)


def shelf(set_name: str) -> str:
    """Return the collection of the books that keeps a set: its own name, but for what the shop keeps under it."""
    return "erpLocations" if set_name == "locations" else set_name
