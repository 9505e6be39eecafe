"""/api/v1/runs, /replays, /doubts, and the edit of a payload: long work and decisions of operators, for programs.

A key that is bound to a connection sees and changes what concerns that connection alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.api.operations_schemas import ReasonSchema, WhySchema
from app.api.runs_schemas import (
    DoubtFilter,
    DoubtList,
    EditedSchema,
    EditSchema,
    HappenedSchema,
    PreviewSchema,
    ReplaySchema,
    RunDetail,
    RunFilter,
    RunPage,
    RunState,
    Selection,
    StartedSchema,
    SurvivedSchema,
)
from app.flows.doubting import it_did_not_happen, it_happened, look_of
from app.infra.locate import Key
from app.infra.replay.doubts import doubts
from app.infra.replay.edits import check_edit, edit_payload, payload_of
from app.infra.replay.many import begin_replay, survived
from app.infra.replay.selection import Filter, preview
from app.infra.runs.rows import RunRow, items_of, runs
from app.infra.runs.work import resume_run, run_of, stop_run
from app.infra.uow import UnitOfWork
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden, NotFound

READ, WRITE = "operations:read", "operations:write"

blueprint = Blueprint("api_runs", __name__, url_prefix="/api/v1", description="Runs, replays, edits, what is in doubt")


@blueprint.route("/runs")
class Runs(MethodView):
    @require_scope(READ)
    @blueprint.arguments(RunFilter, location="query", unknown=RAISE)
    @blueprint.response(200, RunPage)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Runs, the newest first, a page at a time."""
        most = wanted["limit"]
        with hub().unit_of_work() as uow:
            found = runs(
                uow, kind=wanted["kind"], state=wanted["state"], before=str(wanted["before"] or ""), most=most + 1,
                connection=current_principal().connection,
            )  # fmt: skip
        return {"runs": found[:most], "next": found[most - 1].id if len(found) > most else None}


@blueprint.route("/runs/<uuid:run_id>")
class OneRun(MethodView):
    @require_scope(READ)
    @blueprint.response(200, RunDetail)
    def get(self, run_id: UUID) -> dict[str, Any]:
        """One run, and what it set aside."""
        with hub().unit_of_work() as uow:
            row = _run(uow, run_id)
            facts = {column.key: getattr(row, column.key) for column in RunRow.__table__.columns}
            return {**facts, "items": items_of(uow, row.id)}


@blueprint.route("/runs/<uuid:run_id>/stop")
class Stop(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WhySchema)
    @blueprint.response(200, RunState)
    def post(self, given: dict[str, str], run_id: UUID) -> dict[str, str]:
        """Stop a run: at once, or after the call that it has under way. What is done stays done."""
        with hub().unit_of_work() as uow:
            _run(uow, run_id)
            return {"state": stop_run(uow, str(run_id), current_principal().name, given["reason"])}


@blueprint.route("/runs/<uuid:run_id>/resume")
class Resume(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(WhySchema)
    @blueprint.response(200, RunState)
    def post(self, given: dict[str, str], run_id: UUID) -> dict[str, str]:
        """Let a run that stopped or failed go on at its checkpoint."""
        with hub().unit_of_work() as uow:
            _run(uow, run_id)
            resume_run(uow, str(run_id), current_principal().name, given["reason"])
        return {"state": "waiting"}


@blueprint.route("/replays/preview")
class Preview(MethodView):
    @require_scope(READ)
    @blueprint.arguments(Selection)
    @blueprint.response(200, PreviewSchema)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Count what a filter finds and show a sample. Changes nothing."""
        with hub().unit_of_work() as uow:
            found = preview(uow, _filter(given))
        return {**asdict(found), "too_many": found.too_many, "done_already": found.done_already}


@blueprint.route("/replays")
class Replays(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReplaySchema)
    @blueprint.response(202, StartedSchema)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let what a filter finds go again, as a run. What had its effect is found, not repeated."""
        who, wanted = current_principal().name, _filter(given["filter"])
        with hub().unit_of_work() as uow:
            run_id = begin_replay(uow, wanted, who, given["reason"], rate=given["rate"])
            return {"run": run_id, "total": run_of(uow, run_id).total}


@blueprint.route("/replays/<uuid:run_id>")
class OneReplay(MethodView):
    @require_scope(READ)
    @blueprint.response(200, SurvivedSchema)
    def get(self, run_id: UUID) -> dict[str, Any]:
        """What became of what a replay has set going, as it stands now."""
        with hub().unit_of_work() as uow:
            _run(uow, run_id)
            after = survived(uow, str(run_id))
        by = [{"state": state, "code": code, "count": count} for state, code, count in after.by]
        return {**asdict(after), "by": by}


@blueprint.route("/deliveries/<int:event_id>/<int:delivery_id>/edit")
class Edit(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(EditSchema)
    @blueprint.response(200, EditedSchema)
    def post(self, given: dict[str, Any], event_id: int, delivery_id: int) -> dict[str, Any]:
        """Let one set-aside delivery run with another payload; its fact stays as it was told."""
        with hub().unit_of_work() as uow:
            key = _key(uow, event_id, delivery_id)
            if given["dry"]:
                return {"changes": check_edit(uow, key, given["payload"]).changes}
            edit = edit_payload(
                uow, key, given["payload"], current_principal().name, given["reason"], replays=given["replay"]
            )
            return {"changes": edit.changes}


@blueprint.route("/doubts")
class Doubts(MethodView):
    @require_scope(READ)
    @blueprint.arguments(DoubtFilter, location="query", unknown=RAISE)
    @blueprint.response(200, DoubtList)
    def get(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Calls that may have had their effect; what waits for a person comes first."""
        with hub().unit_of_work() as uow:
            found = doubts(uow, current_principal().connection or wanted["connection"])
            return {"doubts": [{**asdict(one), "look": look_of(uow, one.step, one.connection)} for one in found]}


@blueprint.route("/deliveries/<int:event_id>/<int:delivery_id>/happened")
class Happened(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(HappenedSchema)
    @blueprint.response(200, RunState)
    def post(self, given: dict[str, str], event_id: int, delivery_id: int) -> dict[str, str]:
        """A call in doubt had its effect: record its number, and let what waits behind it go on."""
        with hub().unit_of_work() as uow:
            key = _key(uow, event_id, delivery_id)
            it_happened(uow, key, given["number"], current_principal().name, given["reason"])
        return {"state": "done"}


@blueprint.route("/deliveries/<int:event_id>/<int:delivery_id>/resend")
class Resend(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200, RunState)
    def post(self, given: dict[str, str], event_id: int, delivery_id: int) -> dict[str, str]:
        """A call in doubt had no effect: send it once more. Only where the other side cannot be asked."""
        with hub().unit_of_work() as uow:
            it_did_not_happen(uow, _key(uow, event_id, delivery_id), current_principal().name, given["reason"])
        return {"state": "due"}


def _filter(given: dict[str, Any]) -> Filter:
    own = current_principal().connection
    if own and given["connection"] not in ("", own):
        raise Forbidden("auth.connection", f"this key is bound to {own}; it replays what concerns that alone")
    return Filter(**{**given, "states": tuple(given["states"]), "connection": own or given["connection"]})


def _run(uow: UnitOfWork, run_id: UUID) -> RunRow:
    row, own = run_of(uow, str(run_id)), current_principal().connection
    if own and own not in (row.connection, row.spec.get("connection")):
        raise NotFound("runs.unknown", f"there is no run {run_id}", about=str(run_id))
    return row


def _key(uow: UnitOfWork, event_id: int, delivery_id: int) -> Key:
    row, _ = payload_of(uow, (event_id, delivery_id))
    if current_principal().connection not in ("", row.connection):
        raise NotFound("deliveries.unknown", f"there is no delivery {delivery_id} of event {event_id}")
    return event_id, delivery_id
