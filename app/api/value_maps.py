"""/api/v1/value-maps/<connection>: words of ours at a system, what is missing, and changes of them.

A key that is bound to a connection sees and changes the words of that connection alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from app.api.operations_schemas import Strict
from app.flows import mapping
from app.infra.value_maps import LONGEST, Word, list_values
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub

READ, WRITE = "operations:read", "operations:write"
MOST = 1000
blueprint = Blueprint("value_maps_api", __name__, url_prefix="/api/v1", description="Words of one system in another's")


class WordFilter(Strict):
    kind = fields.String(load_default="")
    find = fields.String(load_default="", metadata={"description": "A part of either word."})
    after_kind = fields.String(load_default="")
    after = fields.String(
        load_default="", metadata={"description": "With `after_kind` the last row of the page before"}
    )
    limit = fields.Integer(load_default=200, validate=Range(min=1, max=MOST))


class WordSchema(Strict):
    kind = fields.String(required=True, validate=Length(min=1, max=LONGEST))
    source = fields.String(required=True, validate=Length(min=1, max=LONGEST))
    target = fields.String(required=True, validate=Length(min=1, max=LONGEST))


class ToldWord(Schema):
    kind = fields.String(required=True)
    source = fields.String(required=True)
    target = fields.String(required=True)
    changed_by = fields.String(required=True)
    changed_at = fields.AwareDateTime(required=True)


class WordList(Schema):
    words = fields.List(fields.Nested(ToldWord), required=True)


class MissingSchema(Schema):
    kind = fields.String(required=True)
    source = fields.String(required=True, attribute="word")
    waiting = fields.Integer(required=True, metadata={"description": "Orders and other things that stand for it."})
    opened_at = fields.AwareDateTime(required=True)
    case_id = fields.UUID(required=True)
    like = fields.List(fields.String(), required=True, metadata={"description": "What looks like it there."})


class MissingList(Schema):
    gaps = fields.List(fields.Nested(MissingSchema), required=True)


class WordsSchema(Strict):
    words = fields.List(fields.Nested(WordSchema), required=True, validate=Length(min=1, max=MOST))
    reason = fields.String(load_default="", validate=Length(max=500))


class TakenOut(Strict):
    kind = fields.String(required=True)
    source = fields.String(required=True)
    reason = fields.String(required=True, validate=Length(min=1, max=500))


class DoneSchema(Schema):
    changed = fields.Integer(required=True)
    removed = fields.Integer(required=True)
    gaps = fields.Integer(required=True, metadata={"description": "Cases that are closed by it."})
    released = fields.Integer(required=True, metadata={"description": "Deliveries that go on."})


@blueprint.route("/value-maps/<connection>")
class ValueMap(MethodView):
    @require_scope(READ)
    @blueprint.arguments(WordFilter, location="query")
    @blueprint.response(200, WordList)
    def get(self, wanted: dict[str, Any], connection: str) -> dict[str, Any]:
        """The words of a connection by kind and word."""
        after = (wanted["after_kind"], wanted["after"])
        with hub().unit_of_work() as uow:
            uow.hub.connections.get(uow.session, connection)
            found = list_values(uow, connection, wanted["kind"], find=wanted["find"], after=after, most=wanted["limit"])
        return {"words": found}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WordsSchema)
    @blueprint.response(200, DoneSchema)
    def put(self, given: dict[str, Any], connection: str) -> Any:
        """Map words, all or none; what waited for one of them goes on."""
        rows = [Word(**row) for row in given["words"]]
        with hub().unit_of_work() as uow:
            return mapping.map_values(uow, connection, rows, current_principal().name, given["reason"])

    @require_scope(WRITE)
    @blueprint.arguments(TakenOut, location="query")
    @blueprint.response(200, DoneSchema)
    def delete(self, given: dict[str, str], connection: str) -> Any:
        """Take a word out."""
        with hub().unit_of_work() as uow:
            mapping.unmap(uow, connection, given["kind"], given["source"], current_principal().name, given["reason"])
        return mapping.Done(changed=0, gaps=0, released=0, removed=1)


@blueprint.route("/value-maps/<connection>/gaps")
class Missing(MethodView):
    @require_scope(READ)
    @blueprint.response(200, MissingList)
    def get(self, connection: str) -> dict[str, Any]:
        """The words that something waits for at a connection, the longest first, with what looks like them there."""
        with hub().unit_of_work() as uow:
            found = mapping.gaps(uow, connection)
            told = [{**asdict(one), "like": mapping.suggest(uow, connection, one.kind, one.word)} for one in found]
        return {"gaps": told}
