"""HTTP that belongs to no single domain, and where every blueprint is mounted."""

from __future__ import annotations

from flask import Flask, redirect
from flask.typing import ResponseReturnValue

from app.api import (
    availability,
    customers,
    customers_business,
    docs,
    erp,
    gates,
    health,
    limits,
    listings,
    operations,
    ownership,
    references,
    runs,
    sheets,
    sku_mapping,
    steering,
    stock,
    value_maps,
    webhooks,
)
from app.domains.orders import api as orders
from app.domains.pricing import api as pricing
from app.domains.product import api as product
from app.infra.hub import Hub
from app.infra.web.auth import security_schemes
from app.infra.web.leftovers import ReadToTheEnd
from app.infra.web.problems import ProblemApi
from app.kernel.version import VERSION


def register_api(app: Flask, hub: Hub) -> None:
    """Mount the API with its OpenAPI document, the callbacks, health, and webhooks in front of it all."""
    app.config.update(
        API_TITLE="Roundhouse",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"components": {"securitySchemes": security_schemes()}},
    )
    api = ProblemApi(app)
    described = (
        orders, operations, limits, steering, runs, sheets, erp, availability, stock, customers, value_maps, ownership,
        gates, references, sku_mapping, customers_business, listings,
    )  # fmt: skip
    for module in described:
        api.register_blueprint(module.blueprint)
    for blueprint in (*pricing.BLUEPRINTS, *product.BLUEPRINTS):
        api.register_blueprint(blueprint)
    for plain in (webhooks.blueprint, health.blueprint, docs.make_docs(api)):
        app.register_blueprint(plain)
    app.add_url_rule("/", "root", _to_console)
    app.wsgi_app = ReadToTheEnd(webhooks.Webhooks(app.wsgi_app, hub))  # type: ignore[method-assign]


def _to_console() -> ResponseReturnValue:
    return redirect("/admin/")
