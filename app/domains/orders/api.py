"""GET /api/v1/orders: where every order is, by any system's number. Thin: read, decide nothing, answer."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, jsonify, request
from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.orders import queries
from app.domains.orders.schemas import DetailSchema, FilterSchema, HitsSchema, PageSchema, TimelineSchema
from app.infra.web.auth import require_scope
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

READ = "orders:read"
blueprint = Blueprint("orders_api", __name__, url_prefix="/api/v1/orders", description="Orders and where they are")


@blueprint.route("")
class Orders(MethodView):
    @require_scope(READ)
    @blueprint.arguments(FilterSchema, location="query")
    @blueprint.alt_response(200, schema=PageSchema)
    def get(self, wanted: dict[str, Any]) -> Response:
        """Orders, the newest first, a page at a time."""
        most = wanted["limit"]
        with hub().unit_of_work() as uow:
            before = str(wanted["cursor"]) if wanted["cursor"] else ""
            found = queries.listed(uow, states=wanted["state"], channel=wanted["channel"], before=before, most=most + 1)
        following = found[most - 1].order_id if len(found) > most else None
        return _answer(PageSchema().dump({"orders": found[:most], "next": following}))


@blueprint.route("/<uuid:order_id>")
class OneOrder(MethodView):
    @require_scope(READ)
    @blueprint.alt_response(200, schema=DetailSchema)
    def get(self, order_id: object) -> Response:
        """One order with its ERP documents, shipments, invoices, holds and findings."""
        with hub().unit_of_work() as uow:
            found = queries.detail(uow, str(order_id))
        return _answer(DetailSchema().dump(found), tag=found.etag)


@blueprint.route("/<uuid:order_id>/timeline")
class Timeline(MethodView):
    @require_scope(READ)
    @blueprint.alt_response(200, schema=TimelineSchema)
    def get(self, order_id: object) -> Response:
        """Everything that happened to an order, in every system, oldest first."""
        with hub().unit_of_work() as uow:
            entries = queries.timeline(uow, str(order_id))
        if not entries:
            raise NotFound("orders.unknown", f"there is no order {order_id}", about=str(order_id))
        return _answer(TimelineSchema().dump({"order_id": str(order_id), "entries": entries}))


@blueprint.route("/by-number/<path:number>")
class ByNumber(MethodView):
    @require_scope(READ)
    @blueprint.alt_response(200, schema=HitsSchema)
    def get(self, number: str) -> Response:
        """Orders that carry a number: the channel's, the ERP's, a shipment's, a parcel's, an invoice's."""
        with hub().unit_of_work() as uow:
            channels = sorted(hub().connections.all(uow.session))
            hits = queries.numbered(uow, number, channels)
        rows = [{"order_id": order_id, "kind": kind, "number": written} for order_id, kind, written in hits]
        return _answer(HitsSchema().dump({"hits": rows}))


def _answer(body: object, *, tag: str = "") -> Response:
    """The body with its ETag; 304 where the caller has it already."""
    response = jsonify(body)
    response.set_etag(hashlib.sha256(tag.encode() if tag else response.get_data()).hexdigest()[:32], weak=True)
    response.make_conditional(request.environ)
    return response
