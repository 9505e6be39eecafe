"""What others ask of the catalogue. Each function takes the open unit of work first and never commits."""

from __future__ import annotations

from app.domains.product.service.aligning import Difference, compare, finish_alignment, keep_drift, sight
from app.domains.product.service.batch import Problem
from app.domains.product.service.columns import Columns
from app.domains.product.service.keeping import keep, keep_many
from app.domains.product.service.listing import (
    Held,
    Sent,
    choose_listings,
    drifted,
    hold_listing,
    lock_listings,
    mark_again,
    mark_changed,
    mark_priced,
    mark_products_again,
    plain,
    settle_listing,
    some_in,
    still_wanted,
    try_listing,
)
from app.domains.product.service.mapping import choose_alias, forget_alias
from app.domains.product.service.upserting import Tell, Upserted, upsert_columns, upsert_many
from app.domains.product.service.writing import Stands

__all__ = [
    "Columns",
    "Difference",
    "Held",
    "Problem",
    "Sent",
    "Stands",
    "Tell",
    "Upserted",
    "choose_alias",
    "choose_listings",
    "compare",
    "drifted",
    "finish_alignment",
    "forget_alias",
    "hold_listing",
    "keep",
    "keep_drift",
    "keep_many",
    "lock_listings",
    "mark_again",
    "mark_changed",
    "mark_priced",
    "mark_products_again",
    "plain",
    "settle_listing",
    "sight",
    "some_in",
    "still_wanted",
    "try_listing",
    "upsert_columns",
    "upsert_many",
]
