"""What the hub answers to an ERP that calls back."""

from __future__ import annotations

from marshmallow import Schema, fields


class KeptSchema(Schema):
    """The report was kept; its effect follows, and a report of an order that is not known yet waits for it."""

    notice_id = fields.Integer(required=True, metadata={"description": "Finds the report in the console."})
    repeated = fields.Boolean(required=True, metadata={"description": "The same report had been kept before."})
