"""/api/v1/customers: who customers are, which of them are one, and what a person may ask of their data.

A key that is bound to a connection speaks for it: it changes what that system owns, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint

from app.api.customers_schemas import (
    AlikeCustomersFilter,
    AlikeCustomersList,
    CustomerChange,
    CustomerDetail,
    CustomerFilter,
    CustomerMerge,
    CustomerMerged,
    CustomerPage,
    CustomerReason,
    CustomersApart,
    PrivacyFilter,
    PrivacyIn,
    PrivacyList,
    PrivacySchema,
)
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.service import Subject, Terms, Writer
from app.flows import credit, merging, privacy
from app.infra.uow import UnitOfWork
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden
from app.kernel.money import Money

READ, WRITE, PRIVACY = "customers:read", "customers:write", "privacy"
blueprint = Blueprint("customers_api", __name__, url_prefix="/api/v1/customers", description="Customers and privacy")


@blueprint.route("")
class Customers(MethodView):
    @require_scope(READ)
    @blueprint.arguments(CustomerFilter, location="query")
    @blueprint.response(200, CustomerPage)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Customers, the newest first, or those that `q` names."""
        most = wanted["limit"]
        with hub().unit_of_work() as uow:
            if wanted["q"]:
                return {"customers": queries.found(uow, wanted["q"], most), "next": None}
            before = str(wanted["before"] or "")
            rows = queries.listed(uow, kind=wanted["kind"], group=wanted["group"], before=before, most=most + 1)
        return {"customers": rows[:most], "next": rows[most - 1].account_id if len(rows) > most else None}


@blueprint.route("/<uuid:account_id>")
class OneCustomer(MethodView):
    @require_scope(READ)
    @blueprint.response(200, CustomerDetail)
    def get(self, account_id: UUID) -> dict[str, Any]:
        """One customer with everything around it."""
        with hub().unit_of_work() as uow:
            return _shown(uow, account_id)

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CustomerChange)
    @blueprint.response(200, CustomerDetail)
    def patch(self, given: dict[str, Any], account_id: UUID) -> dict[str, Any]:
        """Add contact points, tax ids and consent; set terms and groups. All of it, or nothing."""
        principal = current_principal()
        writer, found = Writer(who=principal.name, source=principal.connection), str(account_id)
        with _refusals_noted(writer, found), hub().unit_of_work() as uow:
            for one in given["contact_points"]:
                customers.add_contact_point(uow, found, one["kind"], one["value"], writer, verified=one["verified"])
            for text in given["tax_ids"]:
                customers.add_tax_id(uow, found, text, writer)
            for one in given["consents"]:
                customers.record_consent(uow, found, one["purpose"], one["state"], one["given_at"], writer)
            if given["credit_terms"] is not None:
                customers.set_terms(uow, found, _terms(given["credit_terms"]), writer)
            if given["groups"] is not None:
                customers.set_groups(uow, found, given["groups"], writer)
            uow.session.flush()
            return _shown(uow, account_id)


@contextmanager
def _refusals_noted(writer: Writer, account_id: str) -> Iterator[None]:
    """Keep that a system was refused what it does not own, though nothing of its request was carried out."""
    try:
        yield
    except Forbidden as refused:
        if refused.code == customers.NOT_OWNED:
            with hub().unit_of_work() as uow:
                customers.note_refused(uow, account_id, writer, customers.Part(refused.about))
        raise


@blueprint.route("/<uuid:account_id>/merge")
class Merge(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CustomerMerge)
    @blueprint.response(200, CustomerMerged)
    def post(self, given: dict[str, Any], account_id: UUID) -> dict[str, str]:
        """Another account becomes this one: its orders and numbers follow."""
        who = current_principal().name
        with hub().unit_of_work() as uow:
            made = merging.merge(uow, str(account_id), str(given["merged_id"]), who, given["reason"])
        return {"merge_id": made}


@blueprint.route("/merges/<uuid:merge_id>/undo")
class Unmerge(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CustomerReason)
    @blueprint.response(204)
    def post(self, given: dict[str, Any], merge_id: UUID) -> None:
        """Take a merge back."""
        with hub().unit_of_work() as uow:
            merging.unmerge(uow, str(merge_id), current_principal().name, given["reason"])


@blueprint.route("/duplicates")
class Duplicates(MethodView):
    @require_scope(READ)
    @blueprint.arguments(AlikeCustomersFilter, location="query")
    @blueprint.response(200, AlikeCustomersList)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Pairs of accounts that may be one customer, the likeliest first."""
        with hub().unit_of_work() as uow:
            return {"pairs": queries.pairs(uow, state=wanted["state"], most=wanted["limit"])}


@blueprint.route("/duplicates/keep-apart")
class KeepApart(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CustomersApart)
    @blueprint.response(204)
    def post(self, given: dict[str, Any]) -> None:
        """Two accounts are two customers: nobody is asked again."""
        pair = str(given["account_id"]), str(given["other_id"])
        with hub().unit_of_work() as uow:
            customers.keep_apart(uow, *pair, current_principal().name, given["reason"])


@blueprint.route("/privacy")
class Requests(MethodView):
    @require_scope(PRIVACY)
    @blueprint.arguments(PrivacyFilter, location="query")
    @blueprint.response(200, PrivacyList)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """What people asked of their data, the newest first."""
        most, before = wanted["limit"], str(wanted["before"] or "")
        with hub().unit_of_work() as uow:
            rows = queries.requests_listed(uow, pending=wanted["pending"], before=before, most=most + 1)
        return {"requests": rows[:most], "next": rows[most - 1].request_id if len(rows) > most else None}

    @require_scope(PRIVACY)
    @idempotent
    @blueprint.arguments(PrivacyIn)
    @blueprint.response(202, PrivacySchema)
    def post(self, given: dict[str, Any]) -> queries.PrivacyRequest:
        """Ask for a copy of a person's data, or for its erasure; it is done in the background."""
        account_id = (str(given["account_id"]),) if given["account_id"] else ()
        subject, who = Subject(email=given["email"], account_ids=account_id), current_principal().name
        with hub().unit_of_work() as uow:
            made = privacy.ask_for(uow, given["ask"], subject, who, given["reason"], source="api")
            uow.session.flush()
            return queries.request_view(uow, made)


@blueprint.route("/privacy/<uuid:request_id>")
class OneRequest(MethodView):
    @require_scope(PRIVACY)
    @blueprint.response(200, PrivacySchema)
    def get(self, request_id: UUID) -> queries.PrivacyRequest:
        """One request, with the proof of what was done."""
        with hub().unit_of_work() as uow:
            return queries.request_view(uow, str(request_id))


@blueprint.route("/privacy/<uuid:request_id>/file")
class File(MethodView):
    @require_scope(PRIVACY)
    @blueprint.alt_response(200, content_type="application/json")
    def get(self, request_id: UUID) -> Response:
        """The file that answers a request for a copy; that it was fetched is kept in the audit."""
        with hub().unit_of_work() as uow:
            text = customers.read_export(uow, str(request_id), current_principal().name)
        return Response(text, mimetype="application/json", headers={"Cache-Control": "no-store"})


@blueprint.route("/privacy/<uuid:request_id>/handed-over")
class HandedOver(MethodView):
    @require_scope(PRIVACY)
    @idempotent
    @blueprint.arguments(CustomerReason)
    @blueprint.response(204)
    def post(self, given: dict[str, Any], request_id: UUID) -> None:
        """The person has the file: the request is answered, and the file is deleted."""
        with hub().unit_of_work() as uow:
            privacy.hand_over(uow, str(request_id), current_principal().name, given["reason"])


def _terms(given: dict[str, Any]) -> Terms:
    limit = None if given["limit"] is None else Money.parse(given["limit"], given["currency"])
    return Terms(currency=given["currency"], limit=limit, days=given["days"], blocked=given["blocked"])


def _shown(uow: UnitOfWork, account_id: UUID) -> dict[str, Any]:
    found = queries.whole(uow, str(account_id))
    parts = dict(found.parts)
    checked, terms = parts.pop("tax_ids"), parts.pop("credit_terms")
    brief = {name: getattr(found.brief, name) for name in found.brief.__dataclass_fields__}
    return {
        **brief, **parts, "family": found.family, "checked_tax_ids": checked,
        "credit_terms": terms[0] if terms else None, "credit_room": _room(uow, found.brief.account_id),
        "possible_duplicates": customers.possible_duplicates(uow, found.brief.account_id),
    }  # fmt: skip


def _room(uow: UnitOfWork, account_id: str) -> dict[str, Any] | None:
    room = credit.room_of(uow, account_id)
    return None if room is None else {
        "balance": room.balance, "open_orders": room.open_orders, "open_count": room.open_count,
        "strange": room.strange, "left": room.left,
    }  # fmt: skip
