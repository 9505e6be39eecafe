"""How much of a SKU a channel is offered: the policy that says so, and the figure with each of its terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.domains.inventory.canonical.stock import exact, require_place, require_zone
from app.kernel.errors import Invalid

EVERY = "*"
NOTHING, HUNDRED = Decimal(0), Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """How the stock of the SKUs that match `pattern` is offered at a channel; channel '' is every one without its own.

    No `locations` means all. `share` and `inbound_confidence` are per cent. `fixed` sets so many apart for the channel
    alone. A lower `priority` is served first. What channels without `overcommit` are offered adds up to no more than
    there is. Raises Invalid `inventory.bad_policy`, naming the field and what to write there.
    """

    channel: str
    pattern: str = EVERY
    locations: tuple[str, ...] = ()
    safety: Decimal = NOTHING
    safety_at: Mapping[str, Decimal] = field(default_factory=dict)
    buffer: Decimal = NOTHING
    cap: Decimal | None = None
    share: Decimal = HUNDRED
    fixed: Decimal | None = None
    priority: int = 100
    overcommit: bool = False
    backorder_limit: Decimal = NOTHING
    pause_at: Decimal = NOTHING
    inbound_days: int = 0
    inbound_confidence: Decimal = NOTHING
    scarce_below: Decimal = NOTHING

    def __post_init__(self) -> None:
        if not self.pattern:
            raise _bad("pattern", "is empty: write a SKU, letters with *, or * for every SKU")
        quantities = {
            "safety": self.safety, "buffer": self.buffer, "cap": self.cap, "fixed": self.fixed,
            "backorder_limit": self.backorder_limit, "pause_at": self.pause_at, "scarce_below": self.scarce_below,
            **{f"safety_at.{location}": quantity for location, quantity in self.safety_at.items()},
        }  # fmt: skip
        for name, quantity in quantities.items():
            if quantity is not None and exact(quantity, name) < 0:
                raise _bad(name, f"is {quantity}: write 0 or more")
        for name, percent in (("share", self.share), ("inbound_confidence", self.inbound_confidence)):
            if not 0 <= exact(percent, name) <= HUNDRED:
                raise _bad(name, f"is {percent}: write per cent from 0 to 100")
        if self.inbound_days < 0:
            raise _bad("inbound_days", f"is {self.inbound_days}: write 0 or more days")
        if not self.channel and not self.overcommit:
            raise _bad(
                "overcommit", "is off for every channel at once: name the channel, or let them share all there is"
            )

    def safety_of(self, location: str) -> Decimal:
        """What is never offered of a location."""
        return self.safety_at.get(location, self.safety)

    def covers(self, location: str) -> bool:
        """Whether the channel sells from a location."""
        return not self.locations or location in self.locations


def _bad(name: str, said: str) -> Invalid:
    return Invalid("inventory.bad_policy", f"{name} {said}", about=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Goods on their way in. (`source`, `key`) names the line of the purchase or transfer; 0 open ends it."""

    source: str
    key: str
    sku: str
    location: str
    quantity: Decimal
    due_at: datetime

    def __post_init__(self) -> None:
        require_place(self.sku, self.location)
        require_zone(self.due_at, "due_at")
        if exact(self.quantity, "quantity") < 0:
            raise Invalid("inventory.negative", f"quantity of {self.key} is {self.quantity}: give what is still open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What there is of a SKU before any policy: what can be sold at each location, and what is on its way."""

    free: Mapping[str, Decimal]
    inbound: tuple[Supply, ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What lies for one channel at all its locations together, what of it lies above its safety stock, and what is
    promised beyond what lies at any location.
    """

    lying: Decimal
    reach: Decimal
    owed: Decimal
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One figure of a formula by its name."""

    name: str
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """So much of a SKU is offered at a channel. `paused` means: do not sell it there now."""

    sku: str
    channel: str
    quantity: Decimal
    paused: bool
    as_of: datetime | None
    explain: Callable[[], tuple[Term, ...]] = field(repr=False, compare=False)

    @property
    def terms(self) -> tuple[Term, ...]:
        """How the quantity came, worked out when somebody asks: most want hundreds of offers and no reason."""
        return self.explain()
