"""Prices at channels as the API has them."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.domains.pricing.schemas.quotes import PLAIN, SHORT, Strict

STATES = "level, waiting, not_listed, no_price or troubled, as the page Prices out shows them."


class ChannelPriceFilter(Strict):
    """Which prices of a channel."""

    sku = fields.String(load_default="", validate=SHORT)
    troubled = fields.Boolean(
        load_default=False, metadata={"description": "Only those that the channel does not show."}
    )
    after = fields.String(load_default="", validate=SHORT, metadata={"description": "`next` of the page before."})


class ChannelStandingSchema(Schema):
    """A channel that shows the hub's prices: its rule, and how far it is."""

    channel = fields.String(required=True)
    currency = fields.String(required=True)
    prices_include_tax = fields.Boolean(required=True)
    open = fields.Boolean(required=True)
    skus = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    waiting_since = fields.AwareDateTime(required=True, allow_none=True)
    shown = fields.Integer(required=True)
    not_listed = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    no_price = fields.Integer(required=True)
    last_sent_at = fields.AwareDateTime(required=True, allow_none=True)


class ChannelStandingsSchema(Schema):
    """All channels that show the hub's prices, by name."""

    channels = fields.List(fields.Nested(ChannelStandingSchema), required=True)


class ComingPriceSchema(Schema):
    """What the channel is to show from an instant on, as lists, promotions and taxes stand now."""

    at = fields.AwareDateTime(required=True)
    amount = fields.String(required=True, allow_none=True, metadata=PLAIN)
    compare_at = fields.String(required=True, allow_none=True, metadata=PLAIN)


class ChannelPriceSchema(Schema):
    """What a channel was told of a SKU, when, and what comes next; null where nothing is known to stand or to come."""

    sku = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": STATES})
    currency = fields.String(required=True)
    amount = fields.String(required=True, allow_none=True, metadata=PLAIN)
    compare_at = fields.String(required=True, allow_none=True, metadata=PLAIN)
    price_list = fields.String(required=True)
    promotions = fields.List(fields.String(), required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    code = fields.String(required=True, metadata={"description": "Why it is not shown; empty where it is."})
    said = fields.String(required=True)
    coming = fields.Nested(ComingPriceSchema, required=True, allow_none=True)


class ChannelPricePage(Schema):
    """Prices at a channel by SKU; `next` goes on, null on the last page."""

    prices = fields.List(fields.Nested(ChannelPriceSchema), required=True)
    next = fields.String(required=True, allow_none=True)
