"""Stock where strangers speak and listen: HTTP bodies. The only marshmallow in this domain."""

from __future__ import annotations

from app.domains.inventory.schemas.asked import (
    AvailabilityAskedSchema,
    AvailabilityListAskedSchema,
    AvailabilityListSchema,
    AvailabilitySchema,
    ChannelPolicyListSchema,
    ChannelPolicySchema,
)
from app.domains.inventory.schemas.told import (
    CountedListSchema,
    MovedListSchema,
    MovementsSchema,
    SnapshotsSchema,
    StockQuoteSchema,
    StockQuoteWantedSchema,
    SuppliesSchema,
    SuppliesTakenSchema,
)

__all__ = [
    "AvailabilityListAskedSchema",
    "AvailabilityListSchema",
    "CountedListSchema",
    "MovedListSchema",
    "MovementsSchema",
    "AvailabilityAskedSchema",
    "AvailabilitySchema",
    "ChannelPolicyListSchema",
    "ChannelPolicySchema",
    "StockQuoteSchema",
    "StockQuoteWantedSchema",
    "SnapshotsSchema",
    "SuppliesSchema",
    "SuppliesTakenSchema",
]
