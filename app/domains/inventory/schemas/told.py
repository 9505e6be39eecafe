"""What a source may tell of stock, and what a shop may ask to have kept for a cart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from app.domains.inventory.canonical import MovementKind, Reports
from app.domains.inventory.schemas.strict import MOST, NAME, Strict, quantity

COMES, GOES = ("receipt", "return"), ("sale", "pick", "shipment")
KINDS = [kind.value for kind in MovementKind if kind is not MovementKind.COUNT]  # a count is the hub's own finding
ROWS = validate.Length(min=1, max=MOST)


class MovementSchema(Strict):
    """Goods that came (+) or went (-). The key tells a repeat."""

    key = fields.String(required=True, validate=NAME)
    sku = fields.String(required=True, validate=NAME)
    location = fields.String(required=True, validate=NAME)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    quantity = quantity(required=True)
    unit = fields.String(load_default="", validate=validate.Length(max=40))
    at = fields.AwareDateTime(required=True)
    reference = fields.String(load_default="", validate=validate.Length(max=200))

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        if given["quantity"] < 0 and given["kind"] in COMES:
            raise ValidationError(f"a {given['kind']} brings goods: send a quantity above zero", "quantity")
        if given["quantity"] > 0 and given["kind"] in GOES:
            raise ValidationError(f"a {given['kind']} takes goods away: send a quantity below zero", "quantity")
        return {**given, "kind": MovementKind(given["kind"])}


class MovementsSchema(Strict):
    """Movements of one source, all taken or none."""

    source = fields.String(required=True, validate=NAME)
    movements = fields.List(fields.Nested(MovementSchema), required=True, validate=ROWS)


class MovedSchema(Schema):
    """One movement: `repeated` was known already."""

    key = fields.String(required=True)
    repeated = fields.Boolean(required=True)


class MovedListSchema(Schema):
    """Every movement, in the order they were sent."""

    movements = fields.List(fields.Nested(MovedSchema), required=True)


class SnapshotSchema(Strict):
    """What lies at a location as of an instant; `sequence` is the source's own counter."""

    sku = fields.String(required=True, validate=NAME)
    location = fields.String(required=True, validate=NAME)
    on_hand = quantity(required=True, validate=validate.Range(min=0, error="send 0 or more"))
    unit = fields.String(load_default="", validate=validate.Length(max=40))
    as_of = fields.AwareDateTime(required=True)
    sequence = fields.Integer(load_default=0, validate=validate.Range(min=0, max=2**63 - 1))


class SnapshotsSchema(Strict):
    """Figures of one source. `reports`: goods that are there, or goods that nobody has ordered there."""

    source = fields.String(required=True, validate=NAME)
    reports = fields.Enum(Reports, by_value=True, load_default=Reports.PHYSICAL)
    snapshots = fields.List(fields.Nested(SnapshotSchema), required=True, validate=ROWS)


class CountedSchema(Schema):
    """One figure: counted, known already, superseded by a newer one, or refused with the code and what to do."""

    sku = fields.String(required=True)
    location = fields.String(required=True)
    became = fields.String(required=True, validate=validate.OneOf(["counted", "known", "superseded", "refused"]))
    code = fields.String(required=True)
    detail = fields.String(required=True)


class CountedListSchema(Schema):
    """Every figure, in the order they were sent."""

    snapshots = fields.List(fields.Nested(CountedSchema), required=True)


class SupplySchema(Strict):
    """A line of a purchase or transfer order: what of it is still to come; 0 ends it."""

    key = fields.String(required=True, validate=NAME)
    sku = fields.String(required=True, validate=NAME)
    location = fields.String(required=True, validate=NAME)
    quantity = quantity(required=True, validate=validate.Range(min=0, error="send what is still to come, 0 at its end"))
    due_at = fields.AwareDateTime(required=True)


class SuppliesSchema(Strict):
    """Goods on their way in, as one source knows them."""

    source = fields.String(required=True, validate=NAME)
    supplies = fields.List(fields.Nested(SupplySchema), required=True, validate=ROWS)


class SuppliesTakenSchema(Schema):
    """The SKUs whose goods on their way differ now."""

    changed = fields.List(fields.String(), required=True)


class StockQuoteLineSchema(Strict):
    """So many of a SKU."""

    line_id = fields.String(load_default="", validate=validate.Length(max=200))
    sku = fields.String(required=True, validate=NAME)
    quantity = quantity(required=True)


class StockQuoteWantedSchema(Strict):
    """Goods to be kept for a cart or for somebody who will collect them. The name tells a repeat."""

    name = fields.String(required=True, validate=NAME)
    lines = fields.List(fields.Nested(StockQuoteLineSchema), required=True, validate=ROWS)
    seconds = fields.Integer(load_default=900, validate=validate.Range(min=1))
    location = fields.String(load_default="", validate=validate.Length(max=200))

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**given, "lasting": timedelta(seconds=min(given.pop("seconds"), 10**9))}


class HeldStockSchema(Schema):
    """What a line has, where."""

    line_id = fields.String(required=True)
    sku = fields.String(required=True)
    location = fields.String(required=True)
    quantity = fields.String(required=True)


class StockQuoteSchema(Schema):
    """A quote as it stands: quoted, released, expired, or claimed by an order."""

    name = fields.String(required=True)
    state = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    held = fields.List(fields.Nested(HeldStockSchema), required=True)
