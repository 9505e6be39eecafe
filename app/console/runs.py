"""Runs: replays, imports and other long work, with progress, stop and resume; and how a replay is begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as changed
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.console.words import count_of
from app.infra.connecting import all_connections
from app.infra.replay.many import RATE, REPLAY, begin_replay, survived
from app.infra.replay.selection import MOST_REPLAYED, REPLAYABLE, SET_ASIDE, Filter, preview
from app.infra.runs.kinds import KINDS
from app.infra.runs.rows import RUN_STATES, UNDER_WAY, items_of, runs
from app.infra.runs.work import PAGE, change_rate, resume_run, run_of, stop_run, turn_of
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid
from app.kernel.written import instant_of

MOST_LISTED = 100
WORDS = ("connection", "topic", "step", "code", "key")


class Runs(Page):
    """Long work, page by page: what is under way, how far it is, and what became of it."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("kind", "state")}
        with reading() as uow:
            found = runs(uow, **chosen, most=MOST_LISTED)
        return str(
            self.render(
                "console/runs.html", rows=found, chosen=chosen, kinds=sorted(KINDS), states=RUN_STATES,
                live=any(row.state in UNDER_WAY for row in found),
            )
        )  # fmt: skip

    @expose("/<uuid:run_id>")
    def one(self, run_id: object) -> str:
        with reading() as uow:
            row = run_of(uow, str(run_id))
            turn, items = turn_of(uow, row), items_of(uow, row.id, most=MOST_LISTED)
            after = survived(uow, row.id) if row.kind == REPLAY else None
        return str(
            self.render(
                "console/run.html", row=row, turn=turn, items=items, after=after, under_way=row.state in UNDER_WAY,
                stuck=turn is not None and turn["state"] in SET_ASIDE, title=row.title,
            )
        )  # fmt: skip

    @expose("/<uuid:run_id>/stop", methods=("POST",))
    def stop(self, run_id: object) -> ResponseReturnValue:
        """Stop at once, or after the call that is under way."""
        with hub().unit_of_work() as uow:
            state = stop_run(uow, str(run_id), actor(Permission.WORK))
        flash("The run is stopped." if state == "stopped" else "The run stops after the call that it has under way.")
        return redirect(url_for(".one", run_id=run_id), 303)

    @expose("/<uuid:run_id>/resume", methods=("POST",))
    def resume(self, run_id: object) -> ResponseReturnValue:
        """Go on at the checkpoint."""
        with hub().unit_of_work() as uow:
            resume_run(uow, str(run_id), actor(Permission.WORK))
        flash("The run goes on where it was.")
        return redirect(url_for(".one", run_id=run_id), 303)

    @expose("/<uuid:run_id>/pace", methods=("POST",))
    def pace(self, run_id: object) -> ResponseReturnValue:
        """Go faster or slower from the next turn on."""
        with hub().unit_of_work() as uow:
            change_rate(uow, str(run_id), _rate(request.form), actor(Permission.WORK))
        flash("The new pace holds from the next turn on.")
        return redirect(url_for(".one", run_id=run_id), 303)


class ReplayPage(Page):
    """Replay by filter: counted and sampled first, then begun as a run."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The filter; with one in the address also what it finds."""
        found, wrong, wanted = None, None, None
        try:
            wanted = _filter(request.args)
            if "look" in request.args:
                with reading() as uow:
                    found = preview(uow, wanted)
        except HubError as refused:
            wrong = refused
        with reading() as uow:
            names = [row.name for row in all_connections(uow)]
        steps = sorted(hub().outbox.names())
        page = self.render(
            "console/replay.html", found=found, wrong=wrong, wanted=wanted, given=request.args, connections=names,
            steps=steps, states=REPLAYABLE, chosen_states=request.args.getlist("states") or SET_ASIDE, rate=RATE,
            most=MOST_REPLAYED,
        )  # fmt: skip
        return page, 422 if isinstance(wrong, Invalid) else 200

    @expose("/start", methods=("POST",))
    def start(self) -> ResponseReturnValue:
        """Ask with the count of now, then begin."""
        who, wanted, rate = actor(Permission.WORK), _filter(request.form), _rate(request.form)
        if sure():
            with hub().unit_of_work() as uow:
                run_id = begin_replay(uow, wanted, who, why(), rate=rate)
            flash("The replay has begun, under your name. It can be stopped at any time.")
            return redirect(url_for("runs.one", run_id=run_id), 303)
        with reading() as uow:
            found = preview(uow, wanted)
        if not found.count or found.too_many:
            return redirect(url_for(".index", look="1", **_given(wanted)), 303)
        return ask(self, _question(found.count, found.done_already, wanted, rate))


def _question(count: int, done: int, wanted: Filter, rate: float | None) -> Question:
    minutes = count / rate / 60 if rate else count / PAGE / 60
    lasting = f"about {minutes:.0f} min" if minutes >= 1 else "less than a minute"
    pairs = [(name, value) for name, value in _given(wanted).items() if isinstance(value, str)]
    return Question(
        title=f"Replay {count_of(count, 'delivery', 'deliveries')}",
        sentences=(
            f"Chosen: {wanted.words}. What matches later is not taken in.",
            "Each is told to look before it writes: what had its effect is found at the other side, not repeated.",
            "The run can be stopped at any time; what gives up again comes back to the dead letters.",
        ),
        facts=(
            ("Go again", f"{count:,}"),
            ("Of them had their effect", f"{done:,}"),
            ("Pace", f"{rate:g} a second" if rate else "as fast as it can"),
            ("Lasts", lasting),
        ),
        button=f"Replay {count_of(count, 'delivery', 'deliveries')}",
        back=url_for(".index", look="1", **_given(wanted)),
        given=[*pairs, *(("states", state) for state in wanted.states), ("rate", f"{rate:g}" if rate else "")],
        reason="Why",
        reason_needed=True,
    )


def _filter(given: Any) -> Filter:
    """The filter of a form or an address; times are UTC."""
    words = {name: given.get(name, "").strip() for name in WORDS}
    wanted = Filter(states=tuple(given.getlist("states")) or SET_ASIDE, **words)
    return changed(wanted, since=_moment(given, "since"), until=_moment(given, "until"))


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    text = given.get(name, "").strip()
    return instant_of(text, name, "replay.range") if text else None


def _given(wanted: Filter) -> dict[str, Any]:
    given: dict[str, Any] = {name: getattr(wanted, name) for name in WORDS if getattr(wanted, name)}
    for name, moment in (("since", wanted.since), ("until", wanted.until)):
        if moment is not None:
            given[name] = f"{moment:%Y-%m-%dT%H:%M:%S}"
    return {**given, "states": list(wanted.states)}


def _rate(given: Mapping[str, str]) -> float | None:
    text = given.get("rate", "").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError as wrong:
        raise Invalid("runs.rate", f"rate: {text!r} is no number of things a second") from wrong
