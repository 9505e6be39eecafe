"""/api/v1/connections/…/breaker and …/quotas: which remotes are called no more, and who uses up what they allow.

A key that is bound to a connection sees and changes that connection alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from app.api.operations_schemas import ReasonSchema, WhySchema
from app.infra.breaking import breaker_of, quotas_at, reset, trip
from app.infra.connections import Connection
from app.infra.remote.quota import Standing
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

READ, WRITE = "operations:read", "operations:write"
blueprint = Blueprint("connection_limits", __name__, url_prefix="/api/v1", description="Breakers and quotas")


class BreakerSchema(Schema):
    connection = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "closed, open, half_open, or held by a person"})
    since = fields.AwareDateTime(allow_none=True)
    until = fields.AwareDateTime(allow_none=True, metadata={"description": "When a few calls try again."})
    why = fields.String(required=True)
    by = fields.String(required=True)
    trips = fields.Integer(required=True, metadata={"description": "Openings in a row."})
    good = fields.Integer(required=True, metadata={"description": "Calls of the window that were answered."})
    bad = fields.Integer(required=True, metadata={"description": "Calls of the window that were not."})


class QuotaSchema(Schema):
    name = fields.String(required=True)
    kind = fields.String(required=True)
    limit = fields.Float(required=True)
    window_seconds = fields.Float(required=True)
    used = fields.Float(required=True)
    others = fields.Float(required=True, metadata={"description": "What other users of the account take, measured."})
    free = fields.Float(required=True)
    blocked_seconds = fields.Float(required=True)
    spent_hour = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    spent_day = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)


class QuotaList(Schema):
    quotas = fields.List(fields.Nested(QuotaSchema), required=True)


@blueprint.route("/connections/<connection>/breaker")
class Breaker(MethodView):
    @require_scope(READ)
    @blueprint.response(200, BreakerSchema)
    def get(self, connection: str) -> dict[str, Any]:
        """How a connection's breaker stands."""
        return asdict(breaker_of(hub(), _connection(connection).name))


@blueprint.route("/connections/<connection>/breaker/trip")
class Trip(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, BreakerSchema)
    def post(self, given: dict[str, str], connection: str) -> dict[str, Any]:
        """Call a connection no more until its breaker is reset; its deliveries wait."""
        name = _connection(connection).name
        return asdict(trip(hub(), name, current_principal().name, given["reason"]))


@blueprint.route("/connections/<connection>/breaker/reset")
class Reset(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WhySchema)
    @blueprint.response(200, BreakerSchema)
    def post(self, given: dict[str, str], connection: str) -> dict[str, Any]:
        """Close a connection's breaker at once; what waited goes on in its order."""
        name = _connection(connection).name
        return asdict(reset(hub(), name, current_principal().name, given["reason"]))


@blueprint.route("/connections/<connection>/quotas")
class Quotas(MethodView):
    @require_scope(READ)
    @blueprint.response(200, QuotaList)
    def get(self, connection: str) -> dict[str, Any]:
        """What a vendor allows, how much of it is used, and by whom."""
        return {"quotas": [_quota(standing) for standing in quotas_at(hub(), _connection(connection))]}


def _connection(name: str) -> Connection:
    if current_principal().connection not in ("", name):
        raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    with hub().unit_of_work() as uow:
        return hub().connections.get(uow.session, name)


def _quota(standing: Standing) -> dict[str, Any]:
    quota = standing.quota
    said = {name: getattr(standing, name) for name in ("limit", "used", "others", "free", "blocked_seconds")}
    spent = {"spent_hour": standing.spent_hour, "spent_day": standing.spent_day}
    return {"name": quota.name, "kind": str(quota.kind), "window_seconds": quota.window, **said, **spent}
