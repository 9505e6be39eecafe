"""/api/v1/availability: what can be sold, from the row that is kept for each SKU, and what a channel is offered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import Response, jsonify, request
from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.inventory import queries
from app.domains.inventory.canonical import Offer
from app.domains.inventory.queries import Standing
from app.domains.inventory.schemas import (
    AvailabilityAskedSchema,
    AvailabilityListAskedSchema,
    AvailabilityListSchema,
    AvailabilitySchema,
)
from app.flows import live_stock
from app.flows.live_stock import Basis, Checked
from app.infra.web.auth import require_scope
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

READ = "stock:read"
blueprint = Blueprint("availability_api", __name__, url_prefix="/api/v1/availability", description="What can be sold")


@blueprint.route("")
class Bulk(MethodView):
    @require_scope(READ)
    @blueprint.arguments(AvailabilityListAskedSchema, location="query")
    @blueprint.alt_response(200, schema=AvailabilityListSchema)
    def get(self, wanted: dict[str, Any]) -> Response:
        """Many SKUs, as many as fit into an address."""
        return _bulk(wanted)

    @require_scope(READ)
    @blueprint.arguments(AvailabilityListAskedSchema)
    @blueprint.alt_response(200, schema=AvailabilityListSchema)
    def post(self, wanted: dict[str, Any]) -> Response:
        """Up to 500 SKUs. Changes nothing; the same ETag as the same question by GET."""
        return _bulk(wanted)


@blueprint.route("/<path:sku>")
class One(MethodView):
    @require_scope(READ)
    @blueprint.arguments(AvailabilityAskedSchema, location="query")
    @blueprint.alt_response(200, schema=AvailabilitySchema)
    def get(self, wanted: dict[str, Any], sku: str) -> Response:
        """One SKU; `explain` adds every term of the channel's offer and every location's figures.

        With `live`, or where the channel's policy calls it scarce, the source is asked first, within a time budget;
        `basis` says whether it answered.
        """
        checked = _checked(sku, wanted["channel"], asked=wanted["live"])
        with hub().unit_of_work() as uow:
            found = queries.standings(uow, [sku])
            if sku not in found:
                raise NotFound("inventory.unknown_sku", f"no source ever reported {sku}: count it first", about=sku)
            offers = queries.offered(uow, wanted["channel"], [sku]) if wanted["channel"] or wanted["explain"] else {}
            places = queries.places_of(uow, sku) if wanted["explain"] else []
        shown = _shown(found[sku], offers.get(sku), hub().clock.now(), wanted["channel"])
        if checked is not None:
            shown |= {"basis": checked.basis.value, "estimated": checked.basis is Basis.FALLBACK, "why": checked.why}
        if wanted["explain"]:
            if offer := offers.get(sku):
                shown["terms"] = [{"name": term.name, "value": f"{term.value:f}"} for term in offer.terms]
            shown["locations"] = [_place(place) for place in places]
        return _answer(shown, _marks([found[sku]], offers), str(wanted["explain"]))


def _checked(sku: str, channel: str, *, asked: bool) -> Checked | None:
    """How far the figure was checked at its source; None where nobody wants that."""
    if not asked:
        if not channel:
            return None
        with hub().unit_of_work() as uow:
            if not live_stock.is_scarce(uow, channel, sku):
                return None
    return live_stock.check(hub(), sku)


def _bulk(wanted: dict[str, Any]) -> Response:
    skus: list[str] = list(dict.fromkeys(wanted["sku"]))
    with hub().unit_of_work() as uow:
        found = queries.standings(uow, skus)
        offers = queries.offered(uow, wanted["channel"], skus) if wanted["channel"] else {}
    now, known = hub().clock.now(), [found[sku] for sku in skus if sku in found]
    items = [_shown(one, offers.get(one.sku), now, wanted["channel"]) for one in known]
    unknown = [sku for sku in skus if sku not in found]
    return _answer({"items": items, "unknown": unknown}, _marks(known, offers), *unknown)


def _shown(one: Standing, offer: Offer | None, now: datetime, channel: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "sku": one.sku,
        "available": f"{one.available:f}",
        "as_of": one.as_of.isoformat() if one.as_of else None,
        "age_seconds": max(0, int((now - one.as_of).total_seconds())) if one.as_of else None,
        "version": one.version,
    }
    if channel:
        shown["channel"] = channel
        shown["offered"] = f"{offer.quantity:f}" if offer else "0"
        shown["paused"] = offer.paused if offer else True
    return shown


def _place(place: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str) or value is None else _text(value) for name, value in place.items()
    }  # fmt: skip


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"{value:f}"


def _marks(known: Iterable[Standing], offers: dict[str, Offer]) -> Sequence[str]:
    """What makes an answer another one: versions, which every count raises, and offers; not that time goes by."""
    marks = [f"{one.sku}|{one.version}" for one in known]
    return marks + [f"{sku}|{offer.quantity}|{offer.paused}" for sku, offer in offers.items()]


def _answer(body: dict[str, Any], marks: Sequence[str], *more: str) -> Response:
    """The body with its ETag; 304 where the caller has it already."""
    response = jsonify(body)
    told = "\n".join([request.query_string.decode("latin-1"), *marks, *more])
    response.set_etag(hashlib.sha256(told.encode()).hexdigest()[:32], weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    if request.method == "POST":
        if request.if_none_match.contains_weak(response.get_etag()[0] or ""):
            return Response(status=304, headers={"ETag": response.headers["ETag"]})
        return response
    response.make_conditional(request.environ)
    return response
