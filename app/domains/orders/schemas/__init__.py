"""Orders where strangers speak and listen: HTTP bodies. The only marshmallow in this domain."""

from __future__ import annotations

from app.domains.orders.schemas.answers import DetailSchema, FilterSchema, HitsSchema, PageSchema, TimelineSchema
from app.domains.orders.schemas.callbacks import (
    CALLBACKS,
    ErpInvoiceSchema,
    ErpOrderSchema,
    ErpShipmentSchema,
    Strict,
)

__all__ = [
    "CALLBACKS",
    "DetailSchema",
    "ErpInvoiceSchema",
    "ErpOrderSchema",
    "ErpShipmentSchema",
    "FilterSchema",
    "HitsSchema",
    "PageSchema",
    "Strict",
    "TimelineSchema",
]
