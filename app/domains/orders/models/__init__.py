"""Rows of schema `orders`. Only this domain touches them; hot paths use statements on the same tables."""

from __future__ import annotations

from app.domains.orders.models.erp import ErpDocument, ErpLine, ErpPoll, InvoiceRow, PaymentRow
from app.domains.orders.models.orders import Finding, Hold, OrderMove, OrderRow, OrderVersion
from app.domains.orders.models.shipments import PackageRow, ShipmentLine, ShipmentRow

__all__ = [
    "ErpDocument",
    "ErpLine",
    "ErpPoll",
    "Finding",
    "Hold",
    "InvoiceRow",
    "OrderMove",
    "OrderRow",
    "OrderVersion",
    "PackageRow",
    "PaymentRow",
    "ShipmentLine",
    "ShipmentRow",
]
