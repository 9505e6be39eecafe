"""/api/v1/sku-aliases/<connection>: what a channel calls our SKUs, which of its SKUs nobody knows, and choices.

A key that is bound to a connection sees and changes the aliases of that connection alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from app.api.operations_schemas import Strict
from app.domains.product import queries
from app.flows import sku_mapping
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub

READ, WRITE = "products:read", "products:write"
LONGEST = 200
blueprint = Blueprint("sku_mapping_api", __name__, url_prefix="/api/v1", description="What channels call our SKUs")


class SkuAliasFilter(Strict):
    after = fields.String(load_default="", metadata={"description": "The last `external` of the page before."})
    limit = fields.Integer(load_default=200, validate=Range(min=1, max=1000))


class UnmappedSkuFilter(Strict):
    external = fields.String(load_default="", metadata={"description": "One SKU of the channel; all, without."})
    limit = fields.Integer(
        load_default=5, validate=Range(min=1, max=20),
        metadata={"description": "The longest waiting. Each is compared with the whole catalogue."},
    )  # fmt: skip


class SkuAliasSchema(Schema):
    external = fields.String(required=True, metadata={"description": "The channel's SKU."})
    sku = fields.String(required=True)
    company = fields.String(required=True)
    product_id = fields.UUID(required=True)
    chosen_by = fields.String(required=True)
    chosen_at = fields.AwareDateTime(required=True)


class SkuAliasList(Schema):
    aliases = fields.List(fields.Nested(SkuAliasSchema), required=True)


class LikelySkuSchema(Schema):
    sku = fields.String(required=True)
    company = fields.String(required=True)
    product_id = fields.UUID(required=True)
    title = fields.String(required=True)
    why = fields.String(required=True, metadata={"description": "gtin, sku, alias or title: what is alike."})


class UnmappedSkuSchema(Schema):
    external = fields.String(required=True, attribute="sku")
    title = fields.String(required=True)
    erp = fields.String(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "Orders that wait for it, of every channel."})
    opened_at = fields.AwareDateTime(required=True)
    case_id = fields.UUID(required=True)
    likely = fields.List(fields.Nested(LikelySkuSchema), required=True)


class UnmappedSkuList(Schema):
    unmapped = fields.List(fields.Nested(UnmappedSkuSchema), required=True)


class SkuChoiceSchema(Strict):
    external = fields.String(required=True, validate=Length(min=1, max=LONGEST))
    sku = fields.String(required=True, validate=Length(min=1, max=LONGEST))
    company = fields.String(load_default="", validate=Length(max=LONGEST))
    reason = fields.String(load_default="", validate=Length(max=500))


class SkuForgottenSchema(Strict):
    external = fields.String(required=True, validate=Length(min=1, max=LONGEST))
    reason = fields.String(required=True, validate=Length(min=1, max=500))


class SkuChosenSchema(Schema):
    sku = fields.String(required=True)
    cases = fields.Integer(required=True, metadata={"description": "Cases that are closed by it."})
    released = fields.Integer(required=True, metadata={"description": "Deliveries that go on."})


@blueprint.route("/sku-aliases/<connection>")
class Aliases(MethodView):
    @require_scope(READ)
    @blueprint.arguments(SkuAliasFilter, location="query")
    @blueprint.response(200, SkuAliasList)
    def get(self, wanted: dict[str, Any], connection: str) -> dict[str, Any]:
        """What a channel calls our SKUs, by its SKU."""
        with hub().unit_of_work() as uow:
            uow.hub.connections.get(uow.session, connection)
            found = queries.aliases(uow, connection, after=(connection, wanted["after"]), most=wanted["limit"])
        return {"aliases": found}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(SkuChoiceSchema)
    @blueprint.response(200, SkuChosenSchema)
    def put(self, given: dict[str, str], connection: str) -> Any:
        """Say what a channel's SKU is here; the orders that wait for it go on."""
        with hub().unit_of_work() as uow:
            return sku_mapping.map_sku(
                uow, given["external"], given["sku"], current_principal().name, channels=(connection,),
                company=given["company"], why=given["reason"],
            )  # fmt: skip

    @require_scope(WRITE)
    @blueprint.arguments(SkuForgottenSchema, location="query")
    @blueprint.response(204)
    def delete(self, given: dict[str, str], connection: str) -> None:
        """Forget what a channel's SKU is here."""
        with hub().unit_of_work() as uow:
            sku_mapping.forget_sku(uow, connection, given["external"], current_principal().name, given["reason"])


@blueprint.route("/sku-aliases/<connection>/unmapped")
class UnmappedSkus(MethodView):
    @require_scope(READ)
    @blueprint.arguments(UnmappedSkuFilter, location="query")
    @blueprint.response(200, UnmappedSkuList)
    def get(self, wanted: dict[str, Any], connection: str) -> dict[str, Any]:
        """The SKUs of a channel that its orders wait for, with what they may be, the likeliest first."""
        with hub().unit_of_work() as uow:
            uow.hub.connections.get(uow.session, connection)
            found = [one for one in sku_mapping.unmapped(uow, wanted["external"]) if connection in one.channels]
            told = [{**asdict(one), "likely": sku_mapping.suggest(uow, one)} for one in found[: wanted["limit"]]]
        return {"unmapped": told}
