"""POST /api/v1/quotes: what a basket costs, and why."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.pricing.schemas.quotes import BasketSchema, PriceQuoteSchema, basket_of, quote_body
from app.domains.pricing.service.quoting import quote
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden

READ = "prices:read"
blueprint = Blueprint("quotes_api", __name__, url_prefix="/api/v1/quotes", description="What a basket costs, and why")


@blueprint.route("")
class Quotes(MethodView):
    @require_scope(READ)
    @blueprint.arguments(BasketSchema)
    @blueprint.alt_response(200, schema=PriceQuoteSchema)
    def post(self, given: dict[str, Any]) -> Response:
        """Price a basket: list prices, promotions, shipping, tax, each amount with its rule. Nothing is kept."""
        bound = current_principal().connection
        if bound and given["channel"] not in ("", bound):
            raise Forbidden("auth.other_connection", f"this key asks for the channel {bound!r} alone", about=bound)
        given["channel"] = given["channel"] or bound
        return jsonify(quote_body(quote(hub(), basket_of(given, hub().clock.now()))))
