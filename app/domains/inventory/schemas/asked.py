"""What may be asked about stock, and the answers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from app.domains.inventory.canonical import HUNDRED, NOTHING, ChannelPolicy
from app.domains.inventory.schemas.strict import MOST, NAME, Strict, quantity


class AvailabilityAskedSchema(Strict):
    """About one SKU: at which channel, and with its terms or not."""

    channel = fields.String(load_default="", validate=validate.Length(max=200))
    explain = fields.Boolean(load_default=False, metadata={"description": "Each term and each location."})
    live = fields.Boolean(load_default=False, metadata={"description": "Ask the source now, within its time budget."})


class AvailabilityListAskedSchema(Strict):
    """About many SKUs at once."""

    sku = fields.List(
        fields.String(validate=NAME), required=True, validate=validate.Length(min=1, max=MOST),
        metadata={"description": f"At most {MOST}; in a query once for each."},
    )  # fmt: skip
    channel = fields.String(load_default="", validate=validate.Length(max=200))


class StockTermSchema(Schema):
    """One figure of the formula."""

    name = fields.String(required=True)
    value = fields.String(required=True)


class StockPlaceSchema(Schema):
    """One location's figures."""

    location = fields.String(required=True)
    source = fields.String(required=True)
    reports = fields.String(required=True)
    on_hand = fields.String(required=True)
    moved = fields.String(required=True)
    damaged = fields.String(required=True)
    quality_hold = fields.String(required=True)
    reserved = fields.String(required=True)
    contained = fields.String(required=True)
    oversold = fields.String(required=True)
    back_ordered = fields.String(
        required=True, metadata={"description": "Promised beyond what lies there, to buyers who wait."}
    )
    free = fields.String(required=True)
    as_of = fields.AwareDateTime(required=True, allow_none=True)


class AvailabilitySchema(Schema):
    """How much of a SKU can be sold, and how old the oldest count in it is."""

    sku = fields.String(required=True)
    available = fields.String(required=True, metadata={"description": "At every location together."})
    as_of = fields.AwareDateTime(required=True, allow_none=True)
    age_seconds = fields.Integer(required=True, allow_none=True)
    version = fields.Integer(required=True, metadata={"description": "Counts the changes of this SKU."})
    channel = fields.String(metadata={"description": "As asked; then with `offered` and `paused`."})
    offered = fields.String()
    paused = fields.Boolean()
    basis = fields.String(
        metadata={"description": "Where the source was to be asked: live, fresh (heard a moment ago) or fallback."}
    )
    estimated = fields.Boolean(metadata={"description": "The source did not answer: this is what is known here."})
    why = fields.String(metadata={"description": "Why the source did not answer; empty where it did."})
    terms = fields.List(fields.Nested(StockTermSchema))
    locations = fields.List(fields.Nested(StockPlaceSchema))


class AvailabilityListSchema(Schema):
    """Each SKU that is known, and the names of those that are not."""

    items = fields.List(fields.Nested(AvailabilitySchema), required=True)
    strangers = fields.List(fields.String(), required=True, data_key="unknown")


class ChannelPolicySchema(Strict):
    """How the SKUs that match a pattern are offered at a channel; an empty channel is every one without its own."""

    channel = fields.String(required=True, validate=validate.Length(max=200))
    pattern = fields.String(load_default="*", validate=NAME)
    locations = fields.List(fields.String(validate=NAME), load_default=list, validate=validate.Length(max=MOST))
    safety = quantity(load_default=NOTHING)
    safety_at = fields.Dict(keys=fields.String(validate=NAME), values=quantity(), load_default=dict)
    buffer = quantity(load_default=NOTHING)
    cap = quantity(load_default=None, allow_none=True)
    share = quantity(load_default=HUNDRED)
    fixed = quantity(load_default=None, allow_none=True)
    priority = fields.Integer(load_default=100, validate=validate.Range(min=-1000, max=1_000_000))
    overcommit = fields.Boolean(load_default=False)
    backorder_limit = quantity(load_default=NOTHING)
    pause_at = quantity(load_default=NOTHING)
    inbound_days = fields.Integer(load_default=0, validate=validate.Range(max=3650))
    inbound_confidence = quantity(load_default=NOTHING)
    scarce_below = quantity(load_default=NOTHING)

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> ChannelPolicy:
        return ChannelPolicy(**{**given, "locations": tuple(given["locations"])})


class ChannelPolicyListSchema(Schema):
    """Every policy."""

    policies = fields.List(fields.Nested(ChannelPolicySchema), required=True)
