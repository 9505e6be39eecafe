"""/api/v1/tax-jurisdictions: the rates that quotes and channel prices are taxed by."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.pricing.api.scope import price_scope
from app.domains.pricing.queries.tax import jurisdiction, jurisdictions
from app.domains.pricing.schemas.taxes import (
    KeptTaxJurisdictionSchema,
    ReasonSchema,
    TaxJurisdictionFilter,
    TaxJurisdictionPage,
    TaxJurisdictionSchema,
    jurisdiction_body,
    jurisdiction_of,
)
from app.domains.pricing.service.tax_rates import drop_jurisdiction, put_jurisdictions
from app.infra.web.auth import current_principal
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub

READ, WRITE = "prices:read", "prices:write"
PAGE = 200
blueprint = Blueprint(
    "tax_rates_api", __name__, url_prefix="/api/v1/tax-jurisdictions", description="Tax rates by place and day"
)


@blueprint.route("")
class Jurisdictions(MethodView):
    @price_scope(READ)
    @blueprint.arguments(TaxJurisdictionFilter, location="query")
    @blueprint.response(200, TaxJurisdictionPage)
    def get(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Jurisdictions with their rates, past and to come too, a page at a time."""
        with hub().unit_of_work() as uow:
            found = jurisdictions(uow, wanted["country"], after=wanted["after"], most=PAGE + 1)
        following = found[PAGE - 1].code if len(found) > PAGE else None
        return {"jurisdictions": [jurisdiction_body(one) for one in found[:PAGE]], "next": following}


@blueprint.route("/<code>")
class OneJurisdiction(MethodView):
    @price_scope(READ)
    @blueprint.response(200, KeptTaxJurisdictionSchema)
    def get(self, code: str) -> dict[str, Any]:
        """One jurisdiction with its rates."""
        with hub().unit_of_work() as uow:
            return jurisdiction_body(jurisdiction(uow, code))

    @price_scope(WRITE)
    @idempotent
    @blueprint.arguments(TaxJurisdictionSchema)
    @blueprint.response(200, KeptTaxJurisdictionSchema)
    def put(self, given: dict[str, Any], code: str) -> dict[str, Any]:
        """Put a jurisdiction in the place of what its code had; refused where rates overlap in time, or leave a gap."""
        with hub().unit_of_work() as uow:
            put_jurisdictions(uow, [jurisdiction_of(code, given)], current_principal().name)
            return jurisdiction_body(jurisdiction(uow, code))

    @price_scope(WRITE)
    @blueprint.arguments(ReasonSchema, location="query")
    @blueprint.response(204)
    def delete(self, given: dict[str, str], code: str) -> None:
        """Take a jurisdiction and its rates away."""
        with hub().unit_of_work() as uow:
            drop_jurisdiction(uow, code, current_principal().name, given["reason"])
