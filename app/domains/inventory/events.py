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


@event("inventory.reservation_lapsed", version=1, key="order_id")
class ReservationLapsed(Fact):
    """The time is up until which an order's stock was kept for its payment: what still waits goes back on the shelf."""

    order_id: str
    until: datetime


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


@event("inventory.offers_changed", version=1, key="channel")
class OffersChanged(Fact):
    """What the SKUs that match `pattern` are offered at may differ now; channel '' is every one.

    The stock did not change: a policy did, goods on their way in, or what a bundle is made of.
    """

    channel: str
    pattern: str


@event("inventory.stock_changed", version=1, key="house")
class StockChanged(Fact):
    """What can be sold of these SKUs changed, in one transaction. One key for all: who hears it hears much at once."""

    house: str
    skus: tuple[str, ...]


@event("inventory.levels_due", version=1, key="channel")
class LevelsDue(Fact):
    """Something that a channel is offered may differ from what it was told."""

    channel: str


@event("inventory.count_due", version=1, key="source")
class CountDue(Fact):
    """A source of stock is to be read: what moved since its `mark`, or everything; `after` goes on within a reading.

    `asked_at` is when the reading began.
    """

    source: str
    whole: bool = False
    mark: str = ""
    after: str = ""
    asked_at: datetime | None = None
    figures: int = 0


@event("inventory.oversell_ended", version=1, key="sku")
class OversellEnded(Fact):
    """A level has again what is promised of it."""

    sku: str
    location: str


@event("inventory.oversell_decided", version=1, key="sku")
class OversellDecided(Fact):
    """A person chose what becomes of the orders that a level cannot serve.

    `choice` is re_source, back_order, substitute or cancel_line.
    """

    sku: str
    location: str
    choice: str
    decided_by: str = ""


@event("inventory.recount_due", version=1, key="house")
class RecountDue(Fact):
    """Counters are to be added up again from the ledger, from the SKU after `after` on. `instant` is its window's."""

    house: str
    instant: datetime
    after: str = ""
    looked: int = 0
    found: int = 0
