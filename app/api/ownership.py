"""/api/v1/ownership: which system may change which group of fields, and what others said of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range

from app.api.operations_schemas import ReasonSchema, Strict
from app.flows import owning
from app.infra.foreign import STATES, standing
from app.infra.ownership import DEFAULTS, HOLD, REFUSE, owner_in, read_rules, set_owner, unset_owner
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden

READ, WRITE = "operations:read", "operations:write"
blueprint = Blueprint("ownership", __name__, url_prefix="/api/v1/ownership", description="Owners of groups of fields")


class GroupOf(Strict):
    company = fields.String(load_default="", metadata={"description": "Empty: all companies."})
    entity = fields.String(required=True, validate=OneOf(tuple(DEFAULTS)))
    group = fields.String(load_default="", metadata={"description": "Empty: the whole; of stock a location."})
    reason = fields.String(load_default="", validate=Length(max=500))


class OwnerSetting(GroupOf):
    owner = fields.String(
        required=True, metadata={"description": "A connection, role:erp, hub for people alone, * for anybody."}
    )
    otherwise = fields.String(load_default=REFUSE, validate=OneOf((REFUSE, HOLD)))


class CompanyFilter(Strict):
    company = fields.String(load_default="")


class OwnerSchema(Schema):
    entity = fields.String(required=True)
    group = fields.String(required=True)
    owner = fields.String(required=True)
    otherwise = fields.String(required=True)
    ruled = fields.Boolean(required=True, metadata={"description": "False: the default."})


class OwnerList(Schema):
    owners = fields.List(fields.Nested(OwnerSchema), required=True)


class UpdateFilter(Strict):
    state = fields.String(load_default="", validate=OneOf(("", *STATES)))
    source = fields.String(load_default="")
    limit = fields.Integer(load_default=100, validate=Range(min=1, max=1000))


class ForeignUpdate(Schema):
    id = fields.UUID(required=True)
    state = fields.String(required=True)
    company = fields.String(required=True)
    entity = fields.String(required=True)
    group = fields.String(required=True, attribute="field_group")
    key = fields.String(required=True)
    source = fields.String(required=True)
    owner = fields.String(required=True)
    told = fields.Dict(required=True)
    count = fields.Integer(required=True)
    first_at = fields.AwareDateTime(required=True)
    last_at = fields.AwareDateTime(required=True)


class ForeignUpdateList(Schema):
    updates = fields.List(fields.Nested(ForeignUpdate), required=True)


@blueprint.route("")
class Owners(MethodView):
    @require_scope(READ)
    @blueprint.arguments(CompanyFilter, location="query")
    @blueprint.response(200, OwnerList)
    def get(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Every group with its owner, as it is for a company."""
        company = wanted["company"]
        with hub().unit_of_work() as uow:
            rules = read_rules(uow)
        keys = {(entity, group) for entity, groups in DEFAULTS.items() for group in groups}
        keys |= {(entity, group) for of, entity, group in rules if of in ("", company)}
        return {"owners": [_told(*key, owner_in(rules, company, *key)) for key in sorted(keys)]}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(OwnerSetting)
    @blueprint.response(200, OwnerSchema)
    def put(self, given: dict[str, str]) -> dict[str, Any]:
        """Name the owner of a group in a company or in all."""
        _whole()
        key = given["company"], given["entity"], given["group"]
        with hub().unit_of_work() as uow:
            set_owner(
                uow, *key, given["owner"], current_principal().name, given["reason"], otherwise=given["otherwise"]
            )
            uow.session.flush()
            found = owner_in(read_rules(uow), *key)
        return _told(given["entity"], given["group"], found)

    @require_scope(WRITE)
    @blueprint.arguments(GroupOf, location="query")
    @blueprint.response(204)
    def delete(self, given: dict[str, str]) -> None:
        """Take a rule away: a wider one holds, or the default."""
        _whole()
        key = given["company"], given["entity"], given["group"]
        with hub().unit_of_work() as uow:
            unset_owner(uow, *key, current_principal().name, given["reason"])


@blueprint.route("/updates")
class Updates(MethodView):
    @require_scope(READ)
    @blueprint.arguments(UpdateFilter, location="query")
    @blueprint.response(200, ForeignUpdateList)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """What systems said of fields that they do not own, the newest first."""
        _whole()
        with hub().unit_of_work() as uow:
            found = standing(uow, state=wanted["state"], source=wanted["source"], most=wanted["limit"])
            uow.session.expunge_all()
        return {"updates": found}


@blueprint.route("/updates/<uuid:update_id>/take")
class Take(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(204)
    def post(self, given: dict[str, str], update_id: UUID) -> None:
        """Write a held update as its source told it."""
        _whole()
        with hub().unit_of_work() as uow:
            owning.take(uow, str(update_id), current_principal().name, given["reason"])


@blueprint.route("/updates/<uuid:update_id>/drop")
class Drop(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(204)
    def post(self, given: dict[str, str], update_id: UUID) -> None:
        """Leave things as they are; the same word is not asked about again."""
        _whole()
        with hub().unit_of_work() as uow:
            owning.drop(uow, str(update_id), current_principal().name, given["reason"])


def _told(entity: str, group: str, found: Any) -> dict[str, Any]:
    said = {"owner": found.owner, "otherwise": found.otherwise, "ruled": found.ruled}
    return {"entity": entity, "group": group, **said}


def _whole() -> None:
    if current_principal().connection:
        raise Forbidden("auth.bound", "this key is bound to one connection; ask with one for the whole hub")
