"""What pricing tells. Values only."""

from __future__ import annotations

from datetime import datetime

from app.kernel.events import Fact, event


@event("pricing.price_changed", version=1, key="price_list")
class PriceChanged(Fact):
    """Prices of these SKUs in a list changed, at most 500 in one fact.

    `instants` are those to come at which a price of theirs begins or ends, the earliest first.
    """

    price_list: str
    company: str
    channel: str
    currency: str
    skus: tuple[str, ...]
    instants: tuple[datetime, ...]


@event("pricing.channel_prices_due", version=1, key="channel")
class ChannelPricesDue(Fact):
    """Something that a channel shows a price of may have another one now."""

    channel: str


@event("pricing.promotion_changed", version=1, key="promotion")
class PromotionChanged(Fact):
    """A promotion was made, changed or ended. `instants` are those to come at which it begins or ends."""

    promotion: str
    instants: tuple[datetime, ...]


@event("pricing.promotion_came_due", version=1, key="occasion")
class PromotionCameDue(Fact):
    """What a promotion lowers may have another price from an instant on: SKUs after `after`, all at first.

    `occasion` is the promotion and the instant.
    """

    occasion: str
    promotion: str
    at: datetime
    after: str = ""


@event("pricing.price_came_due", version=1, key="occasion")
class PriceCameDue(Fact):
    """The instant is there at which prices of a list begin or end: those after SKU `after`, all at first.

    `occasion` is the list and the instant.
    """

    occasion: str
    price_list: str
    at: datetime
    after: str = ""
