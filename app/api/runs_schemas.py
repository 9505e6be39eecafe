"""Bodies and answers of runs, replays, edits and what is in doubt."""

from __future__ import annotations

from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range

from app.api.operations_schemas import MOST, PAGE, ReasonSchema, Strict
from app.infra.replay.selection import REPLAYABLE
from app.infra.runs.rows import RUN_STATES


class RunFilter(Strict):
    """Newest first; `before` is the `next` of the page before."""

    limit = fields.Integer(load_default=PAGE, validate=Range(min=1, max=MOST))
    kind = fields.String(load_default="")
    state = fields.String(load_default="", validate=OneOf(("", *RUN_STATES)))
    before = fields.UUID(load_default=None, allow_none=True)


class RunSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    connection = fields.String(required=True)
    state = fields.String(required=True)
    total = fields.Integer(allow_none=True, metadata={"description": "Null while it is not known."})
    done = fields.Integer(required=True)
    set_aside = fields.Integer(required=True)
    counts = fields.Dict(required=True, metadata={"description": "What else it counts, by name."})
    rate = fields.Float(allow_none=True, metadata={"description": "Things a second; null as fast as it can."})
    who = fields.String(required=True)
    why = fields.String(required=True)
    said = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    started_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class RunPage(Schema):
    runs = fields.List(fields.Nested(RunSchema), required=True)
    next = fields.String(allow_none=True)


class RunItemSchema(Schema):
    key = fields.String(required=True)
    outcome = fields.String(required=True, metadata={"description": "set_aside or found"})
    code = fields.String(required=True)
    said = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class RunDetail(RunSchema):
    spec = fields.Dict(required=True)
    items = fields.List(fields.Nested(RunItemSchema), required=True)


class RunState(Schema):
    state = fields.String(required=True)


class Selection(Strict):
    """All that is given must hold. What ended needs `since` or a key."""

    states = fields.List(
        fields.String(validate=OneOf(REPLAYABLE)), load_default=lambda: ["parked", "rejected"], validate=Length(min=1)
    )
    connection = fields.String(load_default="")
    topic = fields.String(load_default="", metadata={"description": "An event type, or a webhook's topic."})
    step = fields.String(load_default="")
    code = fields.String(load_default="")
    key = fields.String(load_default="", metadata={"description": "The object, such as orders:<id>."})
    since = fields.AwareDateTime(load_default=None, allow_none=True)
    until = fields.AwareDateTime(load_default=None, allow_none=True)


class ReplaySchema(Strict):
    filter = fields.Nested(Selection, required=True)
    rate = fields.Float(load_default=200.0, allow_none=True, validate=Range(min=0, min_inclusive=False))
    reason = fields.String(required=True, validate=Length(min=1, max=500))


class FoundSchema(Schema):
    step = fields.String(required=True)
    connection = fields.String(required=True)
    state = fields.String(required=True)
    code = fields.String(required=True)
    count = fields.Integer(required=True)


class SampleSchema(Schema):
    event_id = fields.Integer(required=True)
    id = fields.Integer(required=True)
    state = fields.String(required=True)
    step = fields.String(required=True)
    connection = fields.String(required=True)
    code = fields.String(required=True)
    key = fields.String(required=True)
    type = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class PreviewSchema(Schema):
    count = fields.Integer(required=True)
    too_many = fields.Boolean(required=True)
    done_already = fields.Integer(required=True, metadata={"description": "Had their effect: looked up, not repeated."})
    groups = fields.List(fields.Nested(FoundSchema), required=True)
    sample = fields.List(fields.Nested(SampleSchema), required=True)


class StartedSchema(Schema):
    run = fields.UUID(required=True)
    total = fields.Integer(required=True)


class OutcomeSchema(Schema):
    state = fields.String(required=True)
    code = fields.String(required=True)
    count = fields.Integer(required=True)


class SurvivedSchema(Schema):
    released = fields.Integer(required=True)
    ended = fields.Integer(required=True)
    under_way = fields.Integer(required=True)
    set_aside = fields.Integer(required=True)
    by = fields.List(fields.Nested(OutcomeSchema), required=True)


class EditSchema(Strict):
    """The whole payload as it should be. `dry` only checks it and shows the difference."""

    payload = fields.Dict(required=True)
    reason = fields.String(load_default="", validate=Length(max=500))
    dry = fields.Boolean(load_default=False)
    replay = fields.Boolean(load_default=True)


class ChangeSchema(Schema):
    path = fields.String(required=True)
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)


class EditedSchema(Schema):
    changes = fields.List(fields.Nested(ChangeSchema), required=True)


class DoubtFilter(Strict):
    connection = fields.String(load_default="")


class DoubtSchema(Schema):
    event_id = fields.Integer(required=True)
    delivery_id = fields.Integer(required=True)
    step = fields.String(required=True)
    connection = fields.String(required=True)
    state = fields.String(required=True)
    code = fields.String(required=True)
    key = fields.String(required=True)
    sent_at = fields.AwareDateTime(allow_none=True, metadata={"description": "Null where a worker died with it."})
    said = fields.String(required=True)
    looks = fields.Integer(required=True)
    heard = fields.String(required=True)
    look = fields.String(required=True, metadata={"description": "What a look-up can tell."})
    next_at = fields.AwareDateTime(allow_none=True)


class DoubtList(Schema):
    doubts = fields.List(fields.Nested(DoubtSchema), required=True)


class HappenedSchema(ReasonSchema):
    number = fields.String(required=True, validate=Length(min=1, max=200))
