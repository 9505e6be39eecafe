"""/api/v1/references: whose id is what at which system, and changes of that, previewed before they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf

from app.api.operations_schemas import ReasonSchema, Strict
from app.infra import references
from app.infra.references import Change
from app.infra.uow import UnitOfWork
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden

READ, WRITE = "operations:read", "operations:write"
blueprint = Blueprint("references_api", __name__, url_prefix="/api/v1/references", description="Their ids and ours")
Plan = Callable[[UnitOfWork, Mapping[str, str]], Change]
PLANS: Mapping[str, Plan] = {
    "link": lambda uow, on: references.plan_link(
        uow, on["connection"], on["kind"], on["key"], on["external_id"], on["number"]
    ),
    "unlink": lambda uow, on: references.plan_unlink(uow, on["connection"], on["kind"], on["key"]),
    "forget": lambda uow, on: references.plan_forget(uow, on["connection"], on["kind"], on["key"]),
    "move": lambda uow, on: references.plan_move(uow, on["connection"], on["kind"], on["key"], on["to"]),
    "merge": lambda uow, on: references.plan_merge(uow, on["kind"], on["key"], on["to"]),
}


class ReferenceFilter(Strict):
    find = fields.String(required=True, validate=Length(min=1, max=200))


class ReferenceDeed(Strict):
    deed = fields.String(required=True, validate=OneOf(tuple(PLANS)))
    connection = fields.String(load_default="", metadata={"description": "Needed by all but merge."})
    kind = fields.String(required=True, validate=Length(min=1, max=80))
    key = fields.String(required=True, validate=Length(min=1, max=200))
    external_id = fields.String(load_default="", validate=Length(max=200), metadata={"description": "Of link."})
    number = fields.String(load_default="", validate=Length(max=200))
    to = fields.String(load_default="", validate=Length(max=200), metadata={"description": "Of move and merge."})
    preview = fields.Boolean(load_default=False, metadata={"description": "Say what would follow; change nothing."})
    reason = fields.String(load_default="", validate=Length(max=500))


class ReferenceTie(Schema):
    connection = fields.String(required=True)
    kind = fields.String(required=True)
    key = fields.String(required=True)
    external_id = fields.String(required=True)
    number = fields.String(required=True)


class ReferenceTiePast(ReferenceTie):
    id = fields.Integer(required=True)
    did = fields.String(required=True)
    who = fields.String(required=True)
    why = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class ReferenceTies(Schema):
    ties = fields.List(fields.Nested(ReferenceTie), required=True)
    past = fields.List(fields.Nested(ReferenceTiePast), required=True)


class ReferenceChange(Schema):
    did = fields.String(required=True)
    goes = fields.List(fields.Nested(ReferenceTie), required=True)
    comes = fields.List(fields.Nested(ReferenceTie), required=True)
    follows = fields.List(fields.String(), required=True)


@blueprint.route("")
class References(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ReferenceFilter, location="query")
    @blueprint.response(200, ReferenceTies)
    def get(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Ties that have this as their key, id or number, and those that had it."""
        _whole()
        with hub().unit_of_work() as uow:
            ties, past = references.found(uow, wanted["find"])
            uow.session.expunge_all()
        return {"ties": ties, "past": past}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReferenceDeed)
    @blueprint.response(200, ReferenceChange)
    def post(self, given: dict[str, Any]) -> Change:
        """Link, unlink, forget, move or merge; with `preview` only what would follow."""
        _whole()
        with hub().unit_of_work() as uow:
            change = PLANS[given["deed"]](uow, given)
            if not given["preview"]:
                references.carry_out(uow, change, current_principal().name, given["reason"])
        return change


@blueprint.route("/past/<int:past_id>/restore")
class Restore(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, ReferenceChange)
    def post(self, given: dict[str, str], past_id: int) -> Change:
        """Bring back a tie that was taken apart."""
        _whole()
        with hub().unit_of_work() as uow:
            change = references.plan_restore(uow, past_id)
            references.carry_out(uow, change, current_principal().name, given["reason"])
        return change


def _whole() -> None:
    if current_principal().connection:
        raise Forbidden("auth.bound", "this key is bound to one connection; ask with one for the whole hub")
