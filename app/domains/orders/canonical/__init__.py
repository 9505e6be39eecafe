"""`order.v1`: the order as every other part of the hub sees it. Values only: no rows, no vendors.

Every amount is a pair of shop and presentment money. Taxes are taken from the source and never recomputed; discount
amounts come from allocations only. What is not named here stays in the raw notice.
"""

from __future__ import annotations

from app.domains.orders.canonical.after_sales import (
    Adjustment,
    Edit,
    Refund,
    RefundLine,
    RefundShipping,
    RestockKind,
    Sale,
)
from app.domains.orders.canonical.amounts import Allocation, Amount, Application, Duty, Liable, Side, Tax
from app.domains.orders.canonical.lines import Fee, Line, LineKind, Shipping
from app.domains.orders.canonical.order import Order, Totals
from app.domains.orders.canonical.parties import Address, Channel, Company, Party, PaymentTerms, Property
from app.domains.orders.canonical.payments import Transaction, TransactionFee, TransactionKind, TransactionStatus
from app.domains.orders.canonical.reports import (
    Bell,
    Deleted,
    DocumentChanged,
    FulfilmentReported,
    ReportedLine,
    Tracking,
    Uninstalled,
)

__all__ = [
    "Address",
    "Adjustment",
    "Allocation",
    "Amount",
    "Application",
    "Bell",
    "Channel",
    "Company",
    "Deleted",
    "DocumentChanged",
    "Duty",
    "Edit",
    "Fee",
    "FulfilmentReported",
    "Liable",
    "Line",
    "LineKind",
    "Order",
    "Party",
    "PaymentTerms",
    "Property",
    "Refund",
    "RefundLine",
    "RefundShipping",
    "ReportedLine",
    "RestockKind",
    "Sale",
    "Shipping",
    "Side",
    "Tax",
    "Totals",
    "Tracking",
    "Transaction",
    "TransactionFee",
    "TransactionKind",
    "TransactionStatus",
    "Uninstalled",
]
