"""What inventory tells. Values only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from app.domains.inventory.canonical import Gap, Held
from app.kernel.events import Fact, event


@event("inventory.stock_reserved", version=1, key="order_id")
class StockReserved(Fact):
    """Every line of an order has its stock; after an edit, what was added."""

    order_id: str
    held: tuple[Held, ...]


@event("inventory.stock_refused", version=1, key="order_id")
class StockRefused(Fact):
    """An order could not have all its lines and got none."""

    order_id: str
    gaps: tuple[Gap, ...]


@event("inventory.reservation_expired", version=1, key="order_id")
class ReservationExpired(Fact):
    """An order waited for its payment too long; its stock can be sold again."""

    order_id: str
    held: tuple[Held, ...]


@event("inventory.availability_changed", version=1, key="sku")
class AvailabilityChanged(Fact):
    """So many of a SKU can be sold now. `version` counts the changes of this SKU: the higher one is newer."""

    sku: str
    available: Decimal
    as_of: datetime | None
    version: int


@event("inventory.stock_oversold", version=1, key="sku")
class StockOversold(Fact):
    """A source's figure or a movement left less than is reserved: `missing` more are promised than lie there."""

    sku: str
    location: str
    missing: Decimal
