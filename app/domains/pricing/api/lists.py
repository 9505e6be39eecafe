"""/api/v1/price-lists and /price-items."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.pricing.api.scope import price_scope
from app.domains.pricing.policy.periods import zone_of
from app.domains.pricing.queries import lists as queries
from app.domains.pricing.queries.lists import KeptList
from app.domains.pricing.schemas.lists import (
    AfterCodeSchema,
    KeptPriceListSchema,
    PriceFilter,
    PriceItemsSchema,
    PriceListPage,
    PriceListSchema,
    PricePage,
    PricesChangedSchema,
    PricesSchema,
    list_body,
    list_of,
    price_body,
    price_of,
)
from app.domains.pricing.service import lists as service
from app.domains.pricing.service.items import KeptItem, keep_items
from app.infra.web.auth import current_principal
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.money import UnitPrice

READ, WRITE = "prices:read", "prices:write"
PAGE = 200
blueprint = Blueprint("price_lists_api", __name__, url_prefix="/api/v1", description="Price lists and their prices")


@blueprint.route("/price-lists")
class PriceLists(MethodView):
    @price_scope(READ)
    @blueprint.arguments(AfterCodeSchema, location="query")
    @blueprint.response(200, PriceListPage)
    def get(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Price lists by their code, a page at a time."""
        with hub().unit_of_work() as uow:
            found = queries.price_lists(uow, after=wanted["after"], most=PAGE + 1)
        following = found[PAGE - 1].list.code if len(found) > PAGE else None
        return {"price_lists": [_body(one) for one in found[:PAGE]], "next": following}


@blueprint.route("/price-lists/<code>")
class OneList(MethodView):
    @price_scope(READ)
    @blueprint.response(200, KeptPriceListSchema)
    def get(self, code: str) -> dict[str, Any]:
        """One price list without its prices."""
        with hub().unit_of_work() as uow:
            return _body(queries.price_list(uow, code))

    @price_scope(WRITE)
    @idempotent
    @blueprint.arguments(PriceListSchema)
    @blueprint.response(200, KeptPriceListSchema)
    def put(self, given: dict[str, Any], code: str) -> dict[str, Any]:
        """Make or change a price list."""
        with hub().unit_of_work() as uow:
            service.keep_list(uow, list_of(code, given), current_principal().name)
            return _body(queries.price_list(uow, code))


@blueprint.route("/price-lists/<code>/prices")
class Prices(MethodView):
    @price_scope(READ)
    @blueprint.arguments(PriceFilter, location="query")
    @blueprint.response(200, PricePage)
    def get(self, wanted: dict[str, str], code: str) -> dict[str, Any]:
        """The prices of a list, past and to come too: of one SKU, or a page of SKUs."""
        with hub().unit_of_work() as uow:
            kept = queries.price_list(uow, code)
            found = queries.prices(uow, kept, sku=wanted["sku"], after=wanted["after"], most=PAGE)
        skus = {price.sku for price in found}
        following = max(skus) if len(skus) == PAGE else None
        zone = kept.list.zone
        return {"zone": zone, "prices": [price_body(price, zone) for price in found], "next": following}

    @price_scope(WRITE)
    @idempotent
    @blueprint.arguments(PricesSchema)
    @blueprint.response(200, PricesChangedSchema)
    def put(self, given: dict[str, Any], code: str) -> dict[str, int]:
        """Give SKUs their prices in a list, in place of all they had there; all of them, or none where one is wrong."""
        with hub().unit_of_work() as uow:
            kept = queries.price_list(uow, code)
            zone = zone_of(kept.list.zone)
            wanted = [price_of(price, kept.list.currency, zone) for price in given["prices"]]
            changed = service.keep_prices(uow, code, wanted, current_principal().name, without=given["without"])
        return {"changed": len(changed)}


@blueprint.route("/price-items")
class Items(MethodView):
    @price_scope(WRITE)
    @idempotent
    @blueprint.arguments(PriceItemsSchema)
    @blueprint.response(200, PricesChangedSchema)
    def put(self, given: dict[str, Any]) -> dict[str, int]:
        """Say what promotions, tax and the floor must know of items: category, type, tax code, cost, margin."""
        with hub().unit_of_work() as uow:
            return {"changed": keep_items(uow, [_item(one) for one in given["items"]])}


def _item(given: dict[str, Any]) -> KeptItem:
    costs = tuple((cost["unit"], UnitPrice(cost["amount"], cost["currency"])) for cost in given["costs"])
    return KeptItem(**{**given, "costs": costs})


def _body(kept: KeptList) -> dict[str, Any]:
    return {**list_body(kept.list), "changed_at": kept.changed_at, "changed_by": kept.changed_by}
