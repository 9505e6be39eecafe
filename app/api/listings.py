"""/api/v1/listings: products at channels, what is missing for them, and having them shown, hidden or sent anew.

A key that is bound to a connection sees and changes the listings of that connection alone.
"""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range

from app.api.operations_schemas import Strict
from app.domains.product import queries
from app.domains.product.lifecycle import ListingState
from app.domains.product.queries import ListingFilter
from app.flows import listing_alignment, listing_all, listing_wish
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub

READ, WRITE = "products:read", "products:write"
STATES = tuple(state.value for state in ListingState)
MOST = 500  # products of one request
blueprint = Blueprint("listings_api", __name__, url_prefix="/api/v1/listings", description="Products at channels")


class ListingFilterSchema(Strict):
    state = fields.String(load_default="", validate=OneOf(("", *STATES)))
    product_id = fields.UUID(load_default=None)
    find = fields.String(load_default="", metadata={"description": "What the product's code begins with."})
    after = fields.UUID(load_default=None, metadata={"description": "The `next` of the page before."})
    limit = fields.Integer(load_default=50, validate=Range(min=1, max=200))


class ListingMissingSchema(Schema):
    field = fields.String(required=True, metadata={"description": "title, price, gtin …, or attribute:<name>."})
    sku = fields.String(required=True, metadata={"description": "Empty where the product as a whole is meant."})
    said = fields.String(required=True, metadata={"description": "What is wrong, and how to mend it."})


class ListingSchema(Schema):
    listing_id = fields.UUID(required=True)
    channel = fields.String(required=True)
    product_id = fields.UUID(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    wanted = fields.Boolean(required=True)
    state = fields.String(required=True, validate=OneOf(STATES))
    cause = fields.String(required=True, metadata={"description": "The code of what keeps it from being live."})
    problems = fields.List(fields.Nested(ListingMissingSchema), required=True)
    external_id = fields.String(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    changed_at = fields.AwareDateTime(required=True)
    fresh = fields.Boolean(required=True, metadata={"description": "The product has changed since it was sent."})


class ListingPageSchema(Schema):
    listings = fields.List(fields.Nested(ListingSchema), required=True)
    next = fields.UUID(required=True, allow_none=True)


class ListingWishSchema(Strict):
    product_ids = fields.List(fields.UUID(), required=True, validate=Length(min=1, max=MOST))
    wanted = fields.Boolean(required=True, metadata={"description": "False hides them at the channel."})
    reason = fields.String(load_default="", validate=Length(max=500))


class ListingAgainSchema(Strict):
    which = fields.String(required=True, validate=OneOf(tuple(listing_wish.WHICH)))
    reason = fields.String(load_default="", validate=Length(max=500))


class ListingRunWishSchema(Strict):
    reason = fields.String(load_default="", validate=Length(max=500))


class ListingDueSchema(Schema):
    due = fields.Integer(required=True, metadata={"description": "Products that are on their way."})


class ListingRunSchema(Schema):
    run_id = fields.UUID(required=True)


@blueprint.route("/<connection>")
class Listings(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ListingFilterSchema, location="query")
    @blueprint.response(200, ListingPageSchema)
    def get(self, wanted: dict[str, Any], connection: str) -> dict[str, Any]:
        """Products at a channel, those that stand so for the longest first, with what is missing."""
        chosen = ListingFilter(
            channel=connection, state=wanted["state"], find=wanted["find"], product_id=str(wanted["product_id"] or "")
        )
        with hub().unit_of_work() as uow:
            uow.hub.connections.get(uow.session, connection)
            found = queries.listings(uow, chosen, after=str(wanted["after"] or ""), most=wanted["limit"] + 1)
        shown = found[: wanted["limit"]]
        return {"listings": shown, "next": shown[-1].listing_id if len(found) > len(shown) else None}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ListingWishSchema)
    @blueprint.response(202, ListingDueSchema)
    def post(self, given: dict[str, Any], connection: str) -> dict[str, int]:
        """Have products shown at a channel, or hidden there; what stands there already is sent anew."""
        ids = [str(one) for one in given["product_ids"]]
        with hub().unit_of_work() as uow:
            who = current_principal().name
            due = listing_wish.list_products(uow, connection, ids, who, wanted=given["wanted"], why=given["reason"])
        return {"due": due}


@blueprint.route("/<connection>/again")
class ListingsAgain(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ListingAgainSchema)
    @blueprint.response(202, ListingDueSchema)
    def post(self, given: dict[str, Any], connection: str) -> dict[str, int]:
        """Send listings anew, a thousand at most: those that wait, were rejected, drifted, or are live."""
        with hub().unit_of_work() as uow:
            who = current_principal().name
            return {"due": listing_wish.send_again(uow, connection, given["which"], who, why=given["reason"])}


@blueprint.route("/<connection>/all")
class AllListings(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ListingRunWishSchema)
    @blueprint.response(202, ListingRunSchema)
    def post(self, given: dict[str, Any], connection: str) -> dict[str, str]:
        """Have every product of the channel's company shown there that is not retired, page by page as a run."""
        with hub().unit_of_work() as uow:
            channel = uow.hub.connections.get(uow.session, connection)
            run_id = listing_all.start(uow, channel, who=current_principal().name, why=given["reason"])
        return {"run_id": run_id}


@blueprint.route("/<connection>/alignments")
class ListingAlignments(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ListingRunWishSchema)
    @blueprint.response(202, ListingRunSchema)
    def post(self, given: dict[str, Any], connection: str) -> dict[str, str]:
        """Compare what a channel shows with what the hub wishes; nothing is repaired."""
        with hub().unit_of_work() as uow:
            channel = uow.hub.connections.get(uow.session, connection)
            run_id = listing_alignment.start(uow, channel, who=current_principal().name, why=given["reason"])
        return {"run_id": run_id}
