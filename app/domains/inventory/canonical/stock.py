"""What lies where, what moves it and who has it reserved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.kernel.errors import Invalid
from app.kernel.quantity import PLACES


class Reports(StrEnum):
    """What a source's figure means: goods that are there, or goods that nobody has ordered there."""

    PHYSICAL = "physical"
    AVAILABLE = "available"


class MovementKind(StrEnum):
    """Why stock changed. `count` is written by the hub: what a snapshot found and no movement explains."""

    RECEIPT = "receipt"
    SALE = "sale"
    PICK = "pick"
    SHIPMENT = "shipment"
    TRANSFER = "transfer"
    RETURN = "return"
    ADJUSTMENT = "adjustment"
    COUNT = "count"


def exact(quantity: Decimal, field: str) -> Decimal:
    """The quantity itself. Raises Invalid `inventory.not_exact` unless it is finite with at most five decimals."""
    if not quantity.is_finite() or -int(quantity.as_tuple().exponent) > PLACES:
        raise Invalid("inventory.not_exact", f"{field} is {quantity}: give a number with at most {PLACES} decimals")
    return quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """So many of a SKU for one order line; one of the line is `per` of the SKU, which is 1 but for a bundle's parts.

    Raises Invalid for a blank SKU and for a quantity that is not above zero.
    """

    line_id: str
    sku: str
    quantity: Decimal
    per: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not self.sku:
            raise Invalid("inventory.no_sku", f"line {self.line_id} names no SKU: map its product first")
        if exact(self.quantity, "quantity") <= 0:
            raise Invalid(
                "inventory.not_positive", f"quantity of line {self.line_id} is {self.quantity}: give one above zero"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one order line got, and where it lies; `back_ordered` of it is awaited there."""

    line_id: str
    sku: str
    location: str
    quantity: Decimal
    back_ordered: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Every line got all of its quantity. Lines of SKUs that a company does not track have no entry."""

    order_id: str
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """How many of a SKU a channel lets buyers wait for, and the location where the goods are awaited."""

    location: str
    limit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One SKU that could not be had: `reason` is `short`, or `unknown_sku` where no source ever reported it."""

    sku: str
    wanted: Decimal
    available: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """Not every line could be had, so nothing was changed."""

    order_id: str
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """What can be sold of a SKU over all locations. `as_of` is its oldest snapshot; None means never counted."""

    sku: str
    quantity: Decimal
    as_of: datetime | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One part of a line's life: this quantity of it is in this state. `order_line` is the line's id at its order."""

    row_id: int
    order_id: str
    order_line: str
    sku: str
    location: str
    quantity: Decimal
    state: str
    contained: bool  # the source's figure has already been lowered by it
    ended_by: str  # the shipment that took it, the report that it is missing
    accepted_at: datetime | None
    expires_at: datetime | None
    per: Decimal = Decimal(1)
    back_ordered: Decimal = Decimal(0)

    def held(self) -> Held:
        """The part as its order is told of it."""
        return Held(
            line_id=self.order_line, sku=self.sku, location=self.location, quantity=self.quantity,
            back_ordered=self.back_ordered,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a source says lies at one location, as of an instant on the hub's clock.

    `sequence` is the source's own counter, 0 where it has none; `as_of` is when its answer was asked for.
    """

    source: str
    sku: str
    location: str
    on_hand: Decimal  # may be below zero: some ERPs sell what they have not booked in yet
    as_of: datetime
    sequence: int = 0
    reports: Reports = Reports.PHYSICAL

    def __post_init__(self) -> None:
        exact(self.on_hand, "on_hand")
        require_place(self.sku, self.location)
        require_zone(self.as_of, "as_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Stock that came (+) or went (-). (`source`, `key`) tells a repeat; `at` is when the goods moved."""

    source: str
    key: str
    sku: str
    location: str
    kind: MovementKind
    quantity: Decimal
    at: datetime
    reference: str = ""

    def __post_init__(self) -> None:
        if exact(self.quantity, "quantity") == 0:
            raise Invalid("inventory.not_a_movement", f"movement {self.key} moves nothing: give a quantity")
        require_place(self.sku, self.location)
        require_zone(self.at, "at")


def require_place(sku: str, location: str) -> None:
    """Raises Invalid `inventory.no_place` unless SKU and location are named and the location has no `|`."""
    if not sku or not location or "|" in location:
        raise Invalid("inventory.no_place", f"sku {sku!r} at {location!r}: name both, the location without '|'")


def require_zone(instant: datetime, field: str) -> None:
    """Raises Invalid `inventory.naive_time` for an instant that names no zone."""
    if instant.tzinfo is None:
        raise Invalid("inventory.naive_time", f"{field} {instant} has no zone: give UTC")
