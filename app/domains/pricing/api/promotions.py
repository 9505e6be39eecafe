"""/api/v1/promotions."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.pricing.api.scope import price_scope
from app.domains.pricing.queries import promotions as queries
from app.domains.pricing.schemas.lists import AfterCodeSchema
from app.domains.pricing.schemas.promotions import (
    KeptPromotionSchema,
    PromotionPage,
    PromotionSchema,
    promotion_body,
    promotion_from,
)
from app.domains.pricing.service.promotions import keep_promotion
from app.infra.web.auth import current_principal
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub

READ, WRITE = "prices:read", "prices:write"
PAGE = 50  # each may name thousands of SKUs
blueprint = Blueprint("promotions_api", __name__, url_prefix="/api/v1/promotions", description="Promotions")


@blueprint.route("")
class Promotions(MethodView):
    @price_scope(READ)
    @blueprint.arguments(AfterCodeSchema, location="query")
    @blueprint.response(200, PromotionPage)
    def get(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Promotions by their code, a page at a time, those that ended too."""
        with hub().unit_of_work() as uow:
            found = queries.promotions(uow, after=wanted["after"], most=PAGE + 1)
        following = found[PAGE - 1].code if len(found) > PAGE else None
        return {"promotions": [promotion_body(one) for one in found[:PAGE]], "next": following}


@blueprint.route("/<code>")
class OnePromotion(MethodView):
    @price_scope(READ)
    @blueprint.response(200, KeptPromotionSchema)
    def get(self, code: str) -> dict[str, Any]:
        """One promotion."""
        with hub().unit_of_work() as uow:
            return promotion_body(queries.promotion(uow, code))

    @price_scope(WRITE)
    @idempotent
    @blueprint.arguments(PromotionSchema)
    @blueprint.response(200, KeptPromotionSchema)
    def put(self, given: dict[str, Any], code: str) -> dict[str, Any]:
        """Make or change a promotion; refused where it overlaps another and no rule says whether both count."""
        with hub().unit_of_work() as uow:
            keep_promotion(uow, promotion_from(code, given), current_principal().name)
            return promotion_body(queries.promotion(uow, code))
