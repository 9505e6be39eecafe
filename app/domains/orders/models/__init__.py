"""Rows of schema `orders`. Only this domain touches them; hot paths use statements on the same tables."""

from __future__ import annotations

from app.domains.orders.models.cut_over import CutOver, CutOverView
from app.domains.orders.models.erp import ErpDocument, ErpLine, ErpPoll, InvoiceRow, PaymentRow
from app.domains.orders.models.orders import Finding, Hold, OrderMove, OrderRow, OrderVersion, OvertakenVersion
from app.domains.orders.models.shipments import PackageRow, ShipmentLine, ShipmentRow

__all__ = [
    "CutOver",
    "CutOverView",
    "ErpDocument",
    "ErpLine",
    "ErpPoll",
    "Finding",
    "Hold",
    "InvoiceRow",
    "OrderMove",
    "OrderRow",
    "OrderVersion",
    "OvertakenVersion",
    "PackageRow",
    "PaymentRow",
    "ShipmentLine",
    "ShipmentRow",
]
