"""/api/v1/gates: what orders, customers and items must be like before they go to an ERP.

Gates are the whole hub's: a key that is bound to a connection may not see or change them.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf

from app.api.operations_schemas import ReasonSchema, Strict
from app.flows import validating
from app.infra.validation import CHECKS, KINDS, GateRule, read_gates
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden

READ, WRITE = "operations:read", "operations:write"
NAMES = ("kind", "field", "rule", "value", "company", "fix")
blueprint = Blueprint("gates", __name__, url_prefix="/api/v1/gates", description="Rules for documents before an ERP")


class Rule(Strict):
    kind = fields.String(required=True, validate=OneOf(KINDS))
    field = fields.String(
        required=True, validate=Length(min=1, max=80),
        metadata={"description": "Its way through the document, such as ship_to.city or lines.sku."},
    )  # fmt: skip
    rule = fields.String(required=True, validate=OneOf(CHECKS))
    value = fields.String(
        load_default="", validate=Length(max=200),
        metadata={"description": "A number, a pattern for the whole text, or words with commas between."},
    )  # fmt: skip


class RuleSetting(Rule):
    company = fields.String(load_default="", metadata={"description": "Empty: all companies."})
    fix = fields.String(load_default="", validate=Length(max=300), metadata={"description": "What to do."})
    reason = fields.String(load_default="", validate=Length(max=500))


class RuleTrial(Rule):
    text = fields.String(required=True, validate=Length(max=10_000))


class ToldRule(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    field = fields.String(required=True)
    rule = fields.String(required=True)
    value = fields.String(required=True)
    company = fields.String(required=True)
    fix = fields.String(required=True)


class RuleList(Schema):
    rules = fields.List(fields.Nested(ToldRule), required=True)


class AgainSchema(Schema):
    looked_at_again = fields.Integer(required=True, metadata={"description": "Deliveries that the rule had held."})


class Judged(Schema):
    passes = fields.Boolean(required=True)
    said = fields.String(required=True, metadata={"description": "What the rule wants; empty where it passes."})


@blueprint.route("")
class Gates(MethodView):
    @require_scope(READ)
    @blueprint.response(200, RuleList)
    def get(self) -> dict[str, Any]:
        """Every rule, by type and field."""
        _whole()
        with hub().unit_of_work() as uow:
            return {"rules": read_gates(uow)}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(RuleSetting)
    @blueprint.response(200, AgainSchema)
    def put(self, given: dict[str, str]) -> dict[str, int]:
        """Set a rule, in place of one of the same type, company, field and rule; what it held is looked at again."""
        _whole()
        rule = GateRule(**{name: given[name] for name in NAMES})
        with hub().unit_of_work() as uow:
            again = validating.set_rule(uow, rule, current_principal().name, given["reason"])
        return {"looked_at_again": again}


@blueprint.route("/<uuid:rule_id>")
class Gate(MethodView):
    @require_scope(WRITE)
    @blueprint.arguments(ReasonSchema, location="query")
    @blueprint.response(200, AgainSchema)
    def delete(self, given: dict[str, str], rule_id: UUID) -> dict[str, int]:
        """Take a rule away; what it held is looked at again."""
        _whole()
        with hub().unit_of_work() as uow:
            again = validating.unset_rule(uow, str(rule_id), current_principal().name, given["reason"])
        return {"looked_at_again": again}


@blueprint.route("/test")
class Trial(MethodView):
    @require_scope(READ)
    @blueprint.arguments(RuleTrial)
    @blueprint.response(200, Judged)
    def post(self, given: dict[str, str]) -> dict[str, Any]:
        """Say whether a text would keep a rule. Nothing is set."""
        _whole()
        rule = GateRule(**{name: given[name] for name in ("kind", "field", "rule", "value")})
        fault = validating.try_value(rule, given["text"])
        return {"passes": fault is None, "said": fault.said if fault else ""}


def _whole() -> None:
    if current_principal().connection:
        raise Forbidden("auth.bound", "this key is bound to one connection; ask with one for the whole hub")
