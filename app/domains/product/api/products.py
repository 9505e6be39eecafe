"""/api/v1/products: the catalogue, read and written. Thin: read, decide nothing, answer."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from flask import Response, jsonify, request
from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.product import queries, service
from app.domains.product.canonical import Product
from app.domains.product.schemas.products import (
    ConversionSchema,
    KeptProductsSchema,
    OfCompanySchema,
    OneProductSchema,
    ProductFilterSchema,
    ProductPageSchema,
    ProductsSchema,
    UnitQuantitySchema,
    WholeProductSchema,
    draft_of,
)
from app.infra.uow import UnitOfWork
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel import codec
from app.kernel.errors import Invalid, Refused
from app.kernel.quantity import Quantity

READ, WRITE = "products:read", "products:write"
blueprint = Blueprint("products_api", __name__, url_prefix="/api/v1/products", description="Products and their SKUs")


@blueprint.route("")
class Products(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ProductFilterSchema, location="query")
    @blueprint.response(200, ProductPageSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Products by their code, a page at a time."""
        most = wanted["limit"]
        chosen = queries.Filter(
            company=wanted["company"], status=wanted["status"], find=wanted["find"],
            changed_since=wanted["changed_since"],
        )  # fmt: skip
        with hub().unit_of_work() as uow:
            found = queries.page(uow, chosen, after=_place(wanted["cursor"]), most=most + 1)
        following = _cursor(found[most - 1]) if len(found) > most else None
        return {"products": found[:most], "next": following}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ProductsSchema)
    @blueprint.response(200, KeptProductsSchema)
    def put(self, given: dict[str, Any]) -> dict[str, Any]:
        """Say what products are, each by its code: made, changed, or refused by itself and left as it was."""
        drafts, places, refused = [], [], []
        for n, one in enumerate(given["products"]):
            try:
                drafts.append(draft_of(one))
                places.append(n)
            except Invalid as wrong:
                refused.append({"n": n, "key": one["code"], "code": wrong.code, "field": "", "said": wrong.message})
        with hub().unit_of_work() as uow:
            done = service.keep_many(uow, drafts, current_principal().name)
        ids: list[str | None] = [None] * len(given["products"])
        for place, product_id in zip(places, done.ids, strict=True):
            ids[place] = product_id or None
        refused += [{**_refusal(problem), "n": places[problem.n]} for problem in done.problems]
        kept = {"product_ids": ids, "created": done.created, "changed": done.changed}
        return {**kept, "refused": sorted(refused, key=lambda one: one["n"])}


@blueprint.route("/<uuid:product_id>")
class OneProduct(MethodView):
    @require_scope(READ)
    @blueprint.alt_response(200, schema=WholeProductSchema)
    def get(self, product_id: object) -> Response:
        """One product with its variants, units, components, and who told what of it."""
        with hub().unit_of_work() as uow:
            return _answer(queries.product(uow, str(product_id)))

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(OneProductSchema)
    @blueprint.alt_response(200, schema=WholeProductSchema)
    def put(self, given: dict[str, Any], product_id: object) -> Response:
        """Change one product: what is left out stays. Its code and company stay, too."""
        with hub().unit_of_work() as uow:
            known = queries.product(uow, str(product_id))
            if (given["code"], given["company"]) != (known.code, known.company):
                said = f"this product is {known.code}: its code stays; add a product of another code instead"
                raise Refused("product.code_stays", said, about=f"product {known.code}")
            return _keep(uow, given)


@blueprint.route("/by-sku/<path:sku>")
class BySku(MethodView):
    @require_scope(READ)
    @blueprint.arguments(OfCompanySchema, location="query")
    @blueprint.alt_response(200, schema=WholeProductSchema)
    def get(self, wanted: dict[str, str], sku: str) -> Response:
        """The product that a SKU lies under."""
        with hub().unit_of_work() as uow:
            place = queries.place(uow, sku, company=wanted["company"])
            return _answer(queries.product(uow, place.product_id))


@blueprint.route("/convert/<path:sku>")
class Convert(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ConversionSchema, location="query")
    @blueprint.response(200, UnitQuantitySchema)
    def get(self, wanted: dict[str, Any], sku: str) -> dict[str, str]:
        """A quantity of a SKU in another of its units, exactly."""
        with hub().unit_of_work() as uow:
            found = queries.units(uow, [sku], company=wanted["company"]).get(sku)
        if found is None:
            raise queries.unknown(sku)
        there = found.convert(Quantity(wanted["quantity"], wanted["unit"]), wanted["to"] or found.base)
        return {"quantity": f"{there.number:f}", "unit": there.unit}


def _keep(uow: UnitOfWork, given: dict[str, Any]) -> Response:
    done = service.keep(uow, draft_of(given), current_principal().name, version=given["version"])
    return _answer(queries.product(uow, done.ids[0]))


def _answer(product: Product) -> Response:
    """The product with its ETag, its version; 304 where the caller has it already."""
    response = jsonify({"product": codec.dump(product)})
    response.set_etag(f"{product.product_id}.{product.version}")
    response.make_conditional(request.environ)
    return response


def _refusal(problem: service.Problem) -> dict[str, Any]:
    return {"key": problem.key, "code": problem.code, "field": problem.field, "said": problem.said}


def _cursor(last: queries.Listed) -> str:
    return urlsafe_b64encode(json.dumps([last.code, last.company]).encode()).decode()


def _place(cursor: str) -> tuple[str, str] | None:
    """Raises Invalid `product.cursor` for one that no page gave."""
    if not cursor:
        return None
    try:
        code, company = json.loads(urlsafe_b64decode(cursor.encode()))
    except ValueError as wrong:
        raise Invalid("product.cursor", "cursor is no `next` of a page: leave it out to begin") from wrong
    return str(code), str(company)
