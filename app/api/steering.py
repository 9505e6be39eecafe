"""/api/v1/flags, /routes, /shadow, /connections/…/drain and /cut-overs: what goes where, and whether it goes.

They concern the whole hub: a key that is bound to a connection may only drain that one and see how far it is.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from app.api.operations_schemas import ReasonSchema, Strict
from app.domains.orders.queries.cut_over import report
from app.flows import cut_over
from app.infra.draining import drain_connection, progress
from app.infra.flagging import check_scope, set_flag
from app.infra.flags import DIMENSIONS, FLAGS, Scope, explain, read_rules
from app.infra.routes import read_routes
from app.infra.shadow import pairs
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden

READ, WRITE = "operations:read", "operations:write"
MOST = 500  # pairs of one answer
blueprint = Blueprint(
    "steering", __name__, url_prefix="/api/v1", description="Flags, routes, shadows, drains, cut-over"
)


class ScopeSchema(Strict):
    """Where a flag is asked, or where a rule holds; an empty dimension means any."""

    connection = fields.String(load_default="")
    channel = fields.String(load_default="")
    company = fields.String(load_default="")
    region = fields.String(load_default="")
    domain = fields.String(load_default="")


class ExplainSchema(ScopeSchema):
    key = fields.String(required=True, validate=Length(min=1, max=200))


class SettingSchema(ScopeSchema):
    percent = fields.String(required=True, metadata={"description": "on, off, or 0 to 100 with two decimals"})
    reason = fields.String(required=True, validate=Length(min=1, max=500))


class FlagSchema(Schema):
    name = fields.String(required=True)
    meaning = fields.String(required=True)
    owner = fields.String(required=True)
    default = fields.Decimal(required=True, as_string=True)
    rules = fields.List(fields.Dict(), required=True)


class FlagList(Schema):
    flags = fields.List(fields.Nested(FlagSchema), required=True)


class ShareSchema(Schema):
    flag = fields.String(required=True)
    percent = fields.Decimal(required=True, as_string=True)


class ExplanationSchema(Schema):
    flag = fields.String(required=True)
    key = fields.String(required=True)
    passes = fields.Boolean(required=True)
    percent = fields.Decimal(required=True, as_string=True)
    slot = fields.Decimal(required=True, as_string=True, metadata={"description": "It passes below the percentage."})
    because = fields.String(required=True)


class RouteSchema(Schema):
    id = fields.UUID(required=True)
    role = fields.String(required=True)
    connection = fields.String(required=True)
    domain = fields.String(required=True)
    company = fields.String(required=True)
    channel = fields.String(required=True)
    from_on = fields.Date(allow_none=True)
    until_on = fields.Date(allow_none=True)
    mode = fields.String(required=True)
    share = fields.Integer(required=True)
    zone = fields.String(required=True)


class RouteList(Schema):
    routes = fields.List(fields.Nested(RouteSchema), required=True)


class ShadowFilter(Strict):
    connection = fields.String(load_default="")
    days = fields.Integer(load_default=7, validate=Range(min=1, max=90))


class ShadowPairSchema(Schema):
    event_id = fields.Integer(required=True)
    subscriber = fields.String(required=True)
    key = fields.String(required=True)
    verdict = fields.String(required=True, metadata={"description": "equal, different, missing or alone"})
    differences = fields.List(fields.Dict(), required=True)


class ShadowPairList(Schema):
    pairs = fields.List(fields.Nested(ShadowPairSchema), required=True)


class ProgressSchema(Schema):
    state = fields.String(required=True)
    running = fields.Integer(required=True)
    ready = fields.Integer(required=True)
    later = fields.Integer(required=True)
    aside = fields.Integer(required=True)
    new = fields.Integer(required=True)
    is_empty = fields.Boolean(required=True)
    drained_at = fields.AwareDateTime(allow_none=True)


class CutOverWish(Strict):
    old = fields.String(required=True)
    new = fields.String(required=True)
    placed_from = fields.AwareDateTime(required=True)
    placed_until = fields.AwareDateTime(required=True)
    company = fields.String(load_default="")
    channel = fields.String(load_default="")


class CutOverMade(Schema):
    id = fields.UUID(required=True)
    orders = fields.Integer(required=True)


class CutOverReport(Schema):
    id = fields.UUID(required=True)
    done = fields.Boolean(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    orders = fields.List(fields.Dict(), required=True)


@blueprint.route("/flags")
class Flags(MethodView):
    @require_scope(READ)
    @blueprint.response(200, FlagList)
    def get(self) -> dict[str, Any]:
        """Every flag with its default and its rules."""
        _whole()
        with hub().unit_of_work() as uow:
            rules = read_rules(uow.session)
        return {"flags": [{**asdict(flag), "rules": _rules(rules.get(flag.name, ()))} for flag in FLAGS.values()]}


@blueprint.route("/flags/<name>")
class OneFlag(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ExplainSchema, location="query")
    @blueprint.response(200, ExplanationSchema)
    def get(self, asked: dict[str, str], name: str) -> dict[str, Any]:
        """Why a flag lets a key through, or not."""
        _whole()
        key = asked.pop("key")
        with hub().unit_of_work() as uow:
            check_scope(uow, Scope(**asked))
            found = explain(read_rules(uow.session), name, Scope(**asked), key)
        because = found.winner.scope.text if found.winner else "the default"
        said = {name: getattr(found, name) for name in ("key", "passes", "percent", "slot")}
        return {"flag": name, "because": because, **said}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(SettingSchema)
    @blueprint.response(200, ShareSchema)
    def put(self, given: dict[str, str], name: str) -> dict[str, Any]:
        """Give a flag a value in a scope; what it closes waits and counts no attempt."""
        _whole()
        scope = Scope(**{dimension: given[dimension] for dimension in DIMENSIONS})
        with hub().unit_of_work() as uow:
            percent = set_flag(uow, name, given["percent"], scope, current_principal().name, given["reason"])
        return {"flag": name, "percent": percent}


@blueprint.route("/routes")
class Routes(MethodView):
    @require_scope(READ)
    @blueprint.response(200, RouteList)
    def get(self) -> dict[str, Any]:
        """Which connection gets which work, with its days. Routes are changed in the console or by command."""
        _whole()
        with hub().unit_of_work() as uow:
            return {"routes": read_routes(uow)}


@blueprint.route("/shadow")
class Shadow(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ShadowFilter, location="query")
    @blueprint.response(200, ShadowPairList)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """What shadows would have sent beside what was sent, the newest first."""
        _whole()
        since = hub().clock.now() - timedelta(days=wanted["days"])
        with hub().unit_of_work() as uow:
            found = pairs(uow, wanted["connection"], since, most=MOST)
        return {
            "pairs": [{**_pair(pair), "differences": [asdict(told) for told in pair.differences]} for pair in found]
        }


@blueprint.route("/connections/<connection>/drain")
class Drain(MethodView):
    @require_scope(READ)
    @blueprint.response(200, ProgressSchema)
    def get(self, connection: str) -> Any:
        """How far a drain is."""
        with hub().unit_of_work() as uow:
            return progress(uow, connection)

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, ProgressSchema)
    def post(self, given: dict[str, str], connection: str) -> Any:
        """Let a connection finish what it has and begin nothing new; resume it to go on."""
        with hub().unit_of_work() as uow:
            drain_connection(uow, connection, current_principal().name, given["reason"])
            uow.session.flush()
            return progress(uow, connection)


@blueprint.route("/cut-overs")
class CutOvers(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CutOverWish)
    @blueprint.response(202, CutOverMade)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Ask two ERPs what they hold of the orders placed in a period; reads only."""
        _whole()
        with hub().unit_of_work() as uow:
            made, count = cut_over.begin(
                uow, given["old"], given["new"], given["placed_from"], given["placed_until"], current_principal().name,
                company=given["company"], channel=given["channel"],
            )  # fmt: skip
        return {"id": made, "orders": count}


@blueprint.route("/cut-overs/<uuid:report_id>")
class OneCutOver(MethodView):
    @require_scope(READ)
    @blueprint.response(200, CutOverReport)
    def get(self, report_id: UUID) -> dict[str, Any]:
        """A report as far as both have answered, order by order."""
        _whole()
        with hub().unit_of_work() as uow:
            found = report(uow, str(report_id))
        orders = [
            {"name": one.name, "verdict": one.verdict, "differences": [asdict(cell) for cell in one.differences]}
            for one in found.orders
        ]
        return {"id": report_id, "done": found.is_done, "counts": dict(found.counts), "orders": orders}


def _whole() -> None:
    if current_principal().connection:
        raise Forbidden("auth.bound", "this key is bound to one connection; ask with one for the whole hub")


def _rules(rules: Any) -> list[dict[str, str]]:
    return [{"scope": rule.scope.text, "percent": str(rule.percent)} for rule in rules]


def _pair(pair: Any) -> dict[str, Any]:
    said = {name: getattr(pair, name) for name in ("event_id", "subscriber", "key", "verdict")}
    return {**said, "differences": [asdict(told) for told in pair.differences]}
