"""/api/v1/customers: companies with their places and people, and the systems that customers are imported from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from app.api.customers import READ, WRITE
from app.api.customers_schemas import (
    AlikeCustomersList,
    CompanyMember,
    CompanyPlace,
    CompanyPlaceKept,
    CustomerRun,
    CustomerSourceAsked,
    CustomerSourceNamed,
)
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.canonical import Address
from app.domains.customers.service import Writer
from app.flows import customer_alignment, customers_in
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub

blueprint = Blueprint(
    "customers_business_api", __name__, url_prefix="/api/v1/customers", description="Companies, and customers of ERPs"
)


def _writer() -> Writer:
    principal = current_principal()
    return Writer(who=principal.name, source=principal.connection)


@blueprint.route("/<uuid:account_id>/locations")
class Places(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CompanyPlace)
    @blueprint.response(201, CompanyPlaceKept)
    def post(self, given: dict[str, Any], account_id: UUID) -> dict[str, str]:
        """Keep a place of a company, once for each name; the same name again changes it."""
        name, connection, external_id = given.pop("name"), given.pop("connection"), given.pop("external_id")
        with hub().unit_of_work() as uow:
            if connection:
                uow.hub.connections.get(uow.session, connection)
            made = customers.add_location(
                uow, str(account_id), name, Address(name=name, **given), _writer(), connection=connection,
                external_id=external_id,
            )  # fmt: skip
        return {"location_id": made}


@blueprint.route("/<uuid:account_id>/members/<uuid:person_id>")
class Members(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CompanyMember)
    @blueprint.response(204)
    def put(self, given: dict[str, Any], account_id: UUID, person_id: UUID) -> None:
        """Let a person act for a company: orders of that person on account count on the company's credit."""
        place = str(given["location_id"]) if given["location_id"] else None
        with hub().unit_of_work() as uow:
            customers.add_member(uow, str(account_id), str(person_id), _writer(), role=given["role"], location_id=place)

    @require_scope(WRITE)
    @idempotent
    @blueprint.response(204)
    def delete(self, account_id: UUID, person_id: UUID) -> None:
        """A person acts for a company no more."""
        with hub().unit_of_work() as uow:
            customers.remove_member(uow, str(account_id), str(person_id), _writer())


@blueprint.route("/<uuid:account_id>/duplicates")
class Alike(MethodView):
    @require_scope(READ)
    @blueprint.response(200, AlikeCustomersList)
    def get(self, account_id: UUID) -> dict[str, Any]:
        """Accounts that may be this one and that nobody has decided on, the likeliest first."""
        with hub().unit_of_work() as uow:
            return {"pairs": queries.pairs(uow, account_id=str(account_id), most=50)}


@blueprint.route("/imports")
class Imports(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CustomerSourceAsked)
    @blueprint.response(202, CustomerRun)
    def post(self, given: dict[str, Any]) -> dict[str, str]:
        """Begin to take in what a connection holds of customers, all of it or what changed."""
        who = current_principal().name
        with hub().unit_of_work() as uow:
            known = uow.hub.connections.get(uow.session, given["connection"])
            return {"run_id": customers_in.start(uow, known, whole=given["whole"], who=who, why=given["reason"])}


@blueprint.route("/alignments")
class Alignments(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(CustomerSourceNamed)
    @blueprint.response(202, CustomerRun)
    def post(self, given: dict[str, Any]) -> dict[str, str]:
        """Begin to compare all customers of a connection with the hub."""
        who = current_principal().name
        with hub().unit_of_work() as uow:
            known = uow.hub.connections.get(uow.session, given["connection"])
            return {"run_id": customer_alignment.start(uow, known, who=who, why=given["reason"])}
