"""Bodies and answers of the operations API."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields
from marshmallow.validate import Length, OneOf, Range

from app.infra.cases import CASE_STATES
from app.infra.decisions import choices_of
from app.infra.rows import STATES

PAGE = 50
MOST = 200  # rows of one page: what a person scrolls and a program still reads in one breath


class Strict(Schema):
    """What strangers send: an unknown field is an error."""

    class Meta:
        unknown = RAISE


class PageOf(Strict):
    """Newest first; `before` is the `next` of the page before."""

    limit = fields.Integer(load_default=PAGE, validate=Range(min=1, max=MOST))
    before = fields.String(load_default="")


class DeliveryFilter(PageOf):
    state = fields.String(load_default="", validate=OneOf(("", *STATES)))
    queue = fields.String(load_default="")
    connection = fields.String(load_default="")
    subscriber = fields.String(load_default="")
    code = fields.String(load_default="")


class CaseFilter(PageOf):
    state = fields.String(load_default="", validate=OneOf(("", *CASE_STATES)))
    code = fields.String(load_default="")
    connection = fields.String(load_default="")


class WhySchema(Strict):
    """Why it is done; kept with the name of the key."""

    reason = fields.String(load_default="", validate=Length(max=500))


class ReasonSchema(Strict):
    """Why it is done; kept with the name of the key."""

    reason = fields.String(required=True, validate=Length(min=1, max=500))


class ChoiceSchema(WhySchema):
    """Which choice of a case is taken, and why."""

    choice = fields.String(required=True, validate=Length(min=1, max=100))


class CountSchema(Schema):
    count = fields.Integer(required=True, metadata={"description": "How many deliveries it changed."})


class DeliverySchema(Schema):
    event_id = fields.Integer(required=True)
    id = fields.Integer(required=True)
    subscriber = fields.String(required=True)
    connection = fields.String(required=True)
    queue = fields.String(required=True)
    lane = fields.String(allow_none=True)
    state = fields.String(required=True)
    code = fields.String(allow_none=True)
    attempt = fields.Integer(required=True)
    in_doubt = fields.Boolean(required=True)
    next_at = fields.AwareDateTime(required=True)
    done_at = fields.AwareDateTime(allow_none=True)


class DeliveryPage(Schema):
    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    next = fields.String(allow_none=True)


class AttemptSchema(Schema):
    n = fields.Integer(required=True)
    started_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(allow_none=True)
    outcome = fields.String(required=True)
    code = fields.String(required=True)
    said = fields.String(required=True, metadata={"description": "What the other side said."})


class EventSchema(Schema):
    id = fields.Integer(required=True)
    type = fields.String(required=True)
    key = fields.String(required=True)
    origin = fields.String(required=True)
    correlation_id = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class DeliveryDetail(DeliverySchema):
    event = fields.Nested(EventSchema, allow_none=True)
    attempts = fields.List(fields.Nested(AttemptSchema), required=True)


class ProbeSchema(Schema):
    name = fields.String(required=True)
    passed = fields.Boolean(required=True)
    said = fields.String(required=True)


class ConnectionSchema(Schema):
    name = fields.String(required=True)
    adapter = fields.String(required=True)
    title = fields.String(required=True)
    company = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    state = fields.String(required=True)
    paused_code = fields.String(required=True)
    paused_reason = fields.String(required=True)
    paused_at = fields.AwareDateTime(allow_none=True)
    tested_at = fields.AwareDateTime(allow_none=True)
    probes = fields.List(fields.Nested(ProbeSchema), required=True)


class ConnectionList(Schema):
    connections = fields.List(fields.Nested(ConnectionSchema), required=True)


class StateSchema(Schema):
    state = fields.String(required=True, metadata={"description": "on or paused"})


class ProbeList(Schema):
    passed = fields.Boolean(required=True)
    probes = fields.List(fields.Nested(ProbeSchema), required=True)


class CaseSchema(Schema):
    id = fields.UUID(required=True)
    code = fields.String(required=True)
    connection = fields.String(required=True)
    about = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    count = fields.Integer(required=True, metadata={"description": "How often it was met."})
    opened_at = fields.AwareDateTime(required=True)
    last_at = fields.AwareDateTime(required=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    closed_by = fields.String(required=True)
    reason = fields.String(required=True)
    choices = fields.Function(
        lambda case: [{name: one[name] for name in ("name", "title", "small")} for one in choices_of(case)],
        metadata={"description": "What may be chosen where the case asks for a decision: name, title, what follows."},
    )


class CasePage(Schema):
    cases = fields.List(fields.Nested(CaseSchema), required=True)
    next = fields.String(allow_none=True)
