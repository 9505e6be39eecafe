"""What the API answers about orders."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.domains.orders.lifecycle import State

MOST_ROWS = 200  # of one page: larger pages time out before they help


class AmountSchema(Schema):
    """An exact amount as text with its currency."""

    amount = fields.String(attribute="text", required=True)
    currency = fields.String(required=True)


class BriefSchema(Schema):
    """An order in one row."""

    order_id = fields.String(required=True)
    name = fields.String(required=True)
    channel = fields.String(required=True)
    company = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    test = fields.Boolean(required=True)
    total = fields.Nested(AmountSchema, required=True)
    placed_at = fields.AwareDateTime(required=True)
    erp_number = fields.String(required=True)
    hold = fields.String(required=True, metadata={"description": "Kinds of its open holds."})


class PageSchema(Schema):
    """A page of orders, newest first; `next` goes on, null on the last page."""

    orders = fields.List(fields.Nested(BriefSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class FilterSchema(Schema):
    """What a list of orders is narrowed by."""

    state = fields.List(fields.Enum(State, by_value=True), load_default=list)
    channel = fields.String(load_default="")
    cursor = fields.UUID(load_default=None, metadata={"description": "`next` of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_ROWS))


class DetailSchema(Schema):
    """An order with everything around it. `document` is order.v1 at its newest version."""

    order_id = fields.String(required=True)
    channel = fields.String(required=True)
    external_id = fields.String(required=True)
    name = fields.String(required=True)
    company = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    test = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    accepted_version = fields.Integer(required=True)
    source_version = fields.AwareDateTime(required=True)
    placed_at = fields.AwareDateTime(required=True)
    captured_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True)
    total = fields.Nested(AmountSchema, required=True)
    correlation_id = fields.String(required=True)
    document = fields.Raw(required=True)
    erp_documents = fields.List(fields.Raw(), required=True)
    holds = fields.List(fields.Raw(), required=True)
    shipments = fields.List(fields.Raw(), required=True)
    invoices = fields.List(fields.Raw(), required=True)
    findings = fields.List(fields.Raw(), required=True)


class EntrySchema(Schema):
    """One line of an order's story."""

    at = fields.AwareDateTime(required=True)
    kind = fields.String(required=True)
    what = fields.String(required=True)
    system = fields.String(required=True)
    state = fields.String(required=True)
    code = fields.String(required=True)
    said = fields.String(required=True)
    facts = fields.Raw(required=True)


class TimelineSchema(Schema):
    """The story of an order, oldest first."""

    order_id = fields.String(required=True)
    entries = fields.List(fields.Nested(EntrySchema), required=True)


class HitSchema(Schema):
    """An order that carries a number: what the number is there."""

    order_id = fields.String(required=True)
    kind = fields.String(required=True)
    number = fields.String(required=True)


class HitsSchema(Schema):
    """Every order that carries the number, in whatever system."""

    hits = fields.List(fields.Nested(HitSchema), required=True)
