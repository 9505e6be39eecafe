"""What others ask of the catalogue. Each function takes the open unit of work first and never commits."""

from __future__ import annotations

from app.domains.product.service.aligning import compare, finish_alignment, sight
from app.domains.product.service.batch import Problem
from app.domains.product.service.columns import Columns
from app.domains.product.service.keeping import keep, keep_many
from app.domains.product.service.listing import (
    Held,
    Sent,
    choose_listings,
    hold_listing,
    mark_again,
    mark_changed,
    mark_priced,
    plain,
    settle_listing,
    some_in,
    try_listing,
)
from app.domains.product.service.mapping import choose_alias, forget_alias
from app.domains.product.service.upserting import Tell, Upserted, upsert_columns, upsert_many
from app.domains.product.service.writing import Stands

__all__ = [
    "Columns",
    "Held",
    "Problem",
    "Sent",
    "Stands",
    "Tell",
    "Upserted",
    "choose_alias",
    "choose_listings",
    "compare",
    "finish_alignment",
    "forget_alias",
    "hold_listing",
    "keep",
    "keep_many",
    "mark_again",
    "mark_changed",
    "mark_priced",
    "plain",
    "settle_listing",
    "sight",
    "some_in",
    "try_listing",
    "upsert_columns",
    "upsert_many",
]
