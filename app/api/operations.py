"""/api/v1/deliveries, /connections and /cases: what an operator does, for programs.

A key that is bound to a connection sees and changes what concerns that connection alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Select, inspect, select, tuple_

from app.api.operations_schemas import (
    CaseFilter,
    CasePage,
    CaseSchema,
    ChoiceSchema,
    ConnectionList,
    CountSchema,
    DeliveryDetail,
    DeliveryFilter,
    DeliveryPage,
    ProbeList,
    ReasonSchema,
    StateSchema,
    WhySchema,
)
from app.infra.cases import ExceptionCase
from app.infra.connecting import all_connections, pause_connection, probe_connection, resume_connection, roles_of
from app.infra.connections import ConnectionRow
from app.infra.decisions import choose
from app.infra.replay.again import dismiss, dismiss_case, replay, resolve_case
from app.infra.rows import AttemptRow, DeliveryRow, EventRow
from app.infra.uow import UnitOfWork
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.infra.whereabouts import not_here
from app.kernel.errors import Invalid, NotFound

READ, WRITE = "operations:read", "operations:write"
LIST_SECONDS = 5  # a page that takes longer is a question that no index answers

blueprint = Blueprint("operations", __name__, url_prefix="/api/v1", description="Work, connections and cases")


@blueprint.route("/deliveries")
class Deliveries(MethodView):
    @require_scope(READ)
    @blueprint.arguments(DeliveryFilter, location="query", unknown=RAISE)
    @blueprint.response(200, DeliveryPage)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Deliveries, the newest first, a page at a time."""
        statement = _narrowed(DeliveryRow, wanted, ("state", "queue", "connection", "subscriber", "code"))
        if position := _position(wanted["before"]):
            statement = statement.where(tuple_(DeliveryRow.event_id, DeliveryRow.id) < tuple_(*position))
        ordered = statement.order_by(DeliveryRow.event_id.desc(), DeliveryRow.id.desc())
        rows, more = _page(ordered, wanted["limit"])
        return {"deliveries": rows, "next": f"{rows[-1].event_id}-{rows[-1].id}" if more else None}


@blueprint.route("/deliveries/<int:event_id>/<int:delivery_id>")
class OneDelivery(MethodView):
    @require_scope(READ)
    @blueprint.response(200, DeliveryDetail)
    def get(self, event_id: int, delivery_id: int) -> dict[str, Any]:
        """One delivery with every attempt and what the other side said."""
        with hub().unit_of_work() as uow:
            row = _delivery(uow, event_id, delivery_id)
            tries = select(AttemptRow).filter_by(event_id=event_id, delivery=delivery_id).order_by(AttemptRow.n)
            return {
                **{column.key: getattr(row, column.key) for column in inspect(DeliveryRow).column_attrs},
                "event": uow.session.get(EventRow, event_id),
                "attempts": uow.session.scalars(tries).all(),
            }


@blueprint.route("/deliveries/<int:event_id>/<int:delivery_id>/replay")
class Replay(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WhySchema)
    @blueprint.response(200, CountSchema)
    def post(self, given: dict[str, str], event_id: int, delivery_id: int) -> dict[str, int]:
        """Let a delivery that ended or was set aside run again; it looks before it writes."""
        with hub().unit_of_work() as uow:
            _delivery(uow, event_id, delivery_id)
            return {"count": replay(uow, [delivery_id], current_principal().name, given["reason"])}


@blueprint.route("/deliveries/<int:event_id>/<int:delivery_id>/dismiss")
class Dismiss(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, CountSchema)
    def post(self, given: dict[str, str], event_id: int, delivery_id: int) -> dict[str, int]:
        """End a delivery that nobody needs; what waited behind it goes on."""
        with hub().unit_of_work() as uow:
            _delivery(uow, event_id, delivery_id)
            return {"count": dismiss(uow, [delivery_id], current_principal().name, given["reason"])}


@blueprint.route("/connections")
class Connections(MethodView):
    @require_scope(READ)
    @blueprint.response(200, ConnectionList)
    def get(self) -> dict[str, Any]:
        """Every connection with its roles, whether it is paused and how its last test went. Never a secret."""
        with hub().unit_of_work() as uow:
            roles, own = roles_of(uow), current_principal().connection
            rows = [row for row in all_connections(uow) if own in ("", row.name)]
            return {"connections": [{**_shown(row), "roles": roles.get(row.name, [])} for row in rows]}


@blueprint.route("/connections/<connection>/test")
class Test(MethodView):
    @require_scope(WRITE)
    @blueprint.response(200, ProbeList)
    def post(self, connection: str) -> dict[str, Any]:
        """Call the remote and see whether it can be reached, lets us in and has what we need. Reads only."""
        probes = probe_connection(hub(), connection, current_principal().name)
        return {"passed": all(probe.passed for probe in probes), "probes": probes}


@blueprint.route("/connections/<connection>/pause")
class Pause(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, StateSchema)
    def post(self, given: dict[str, str], connection: str) -> dict[str, str]:
        """Stop calling a connection; its deliveries wait."""
        with hub().unit_of_work() as uow:
            pause_connection(uow, connection, current_principal().name, given["reason"])
        return {"state": "paused"}


@blueprint.route("/connections/<connection>/resume")
class Resume(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WhySchema)
    @blueprint.response(200, StateSchema)
    def post(self, given: dict[str, str], connection: str) -> dict[str, str]:
        """Call a connection again; what waited goes on in its order."""
        with hub().unit_of_work() as uow:
            resume_connection(uow, connection, current_principal().name, given["reason"])
        return {"state": "on"}


@blueprint.route("/cases")
class Cases(MethodView):
    @require_scope(READ)
    @blueprint.arguments(CaseFilter, location="query", unknown=RAISE)
    @blueprint.response(200, CasePage)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Cases, the newest first, a page at a time."""
        statement = _narrowed(ExceptionCase, wanted, ("state", "code", "connection"))
        if wanted["before"]:
            statement = statement.where(ExceptionCase.id < str(_case_id(wanted["before"])))
        rows, more = _page(statement.order_by(ExceptionCase.id.desc()), wanted["limit"])
        return {"cases": rows, "next": rows[-1].id if more else None}


@blueprint.route("/cases/<uuid:case_id>")
class OneCase(MethodView):
    @require_scope(READ)
    @blueprint.response(200, CaseSchema)
    def get(self, case_id: UUID) -> ExceptionCase:
        """One case."""
        with hub().unit_of_work() as uow:
            return _case(uow, case_id)


@blueprint.route("/cases/<uuid:case_id>/resolve")
class Resolve(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WhySchema)
    @blueprint.response(200, CountSchema)
    def post(self, given: dict[str, str], case_id: UUID) -> dict[str, int]:
        """The cause is mended: end the case, and let everything that waited for it go on."""
        with hub().unit_of_work() as uow:
            _case(uow, case_id)
            return {"count": resolve_case(uow, str(case_id), current_principal().name, given["reason"])}


@blueprint.route("/cases/<uuid:case_id>/choose")
class Choose(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ChoiceSchema)
    @blueprint.response(200, CaseSchema)
    def post(self, given: dict[str, str], case_id: UUID) -> ExceptionCase:
        """Decide a case by one of the choices that its facts name: the flow that asked goes on so."""
        with hub().unit_of_work() as uow:
            _case(uow, case_id)
            return choose(uow, str(case_id), given["choice"], current_principal().name, given["reason"])


@blueprint.route("/cases/<uuid:case_id>/dismiss")
class DismissCase(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, CountSchema)
    def post(self, given: dict[str, str], case_id: UUID) -> dict[str, int]:
        """Nobody needs this: end the case and what waited for it."""
        with hub().unit_of_work() as uow:
            _case(uow, case_id)
            return {"count": dismiss_case(uow, str(case_id), current_principal().name, given["reason"])}


def _narrowed(row: type[Any], wanted: dict[str, Any], names: Sequence[str]) -> Select[Any]:
    """The rows that are asked for, among those that the caller may see."""
    statement = select(row)
    for name in names:
        if wanted[name]:
            statement = statement.where(getattr(row, name) == wanted[name])
    own = current_principal().connection
    return statement.where(row.connection == own) if own else statement


def _page(statement: Select[Any], most: int) -> tuple[list[Any], bool]:
    """One page, and whether there is another."""
    with hub().unit_of_work() as uow:
        uow.sql(f"SET LOCAL statement_timeout = '{LIST_SECONDS}s'")
        rows = list(uow.session.scalars(statement.limit(most + 1)))
    return rows[:most], len(rows) > most


def _position(before: str) -> tuple[int, int] | None:
    if not before:
        return None
    event_id, _, delivery_id = before.partition("-")
    if not (event_id.isdecimal() and delivery_id.isdecimal()):
        raise Invalid("deliveries.cursor", f"{before!r} is no position: send the `next` of the page before")
    return int(event_id), int(delivery_id)


def _case_id(before: str) -> UUID:
    try:
        return UUID(before)
    except ValueError as wrong:
        raise Invalid("cases.cursor", f"{before!r} is no position: send the `next` of the page before") from wrong


def _delivery(uow: UnitOfWork, event_id: int, delivery_id: int) -> DeliveryRow:
    row = uow.session.scalar(select(DeliveryRow).filter_by(event_id=event_id, id=delivery_id))
    bound = current_principal().connection
    if row is None or bound not in ("", row.connection):
        unknown = NotFound("deliveries.unknown", f"there is no delivery {delivery_id} of event {event_id}")
        raise unknown if bound else not_here(uow, "delivery", delivery_id, unknown)
    return row


def _case(uow: UnitOfWork, case_id: UUID) -> ExceptionCase:
    row = uow.session.get(ExceptionCase, str(case_id))
    if row is None or current_principal().connection not in ("", row.connection):
        raise NotFound("cases.unknown", f"there is no case {case_id}", about=str(case_id))
    return row


def _shown(row: ConnectionRow) -> dict[str, Any]:
    names = ("name", "adapter", "title", "company", "state", "paused_code", "paused_reason", "paused_at", "tested_at")
    return {**{name: getattr(row, name) for name in names}, "probes": row.probes}
