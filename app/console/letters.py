"""Dead letters: what gave up, grouped by cause, and the two ways out of it."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, chosen_rows, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.console.words import count_of
from app.infra.connecting import all_connections
from app.infra.replay.again import dismiss, replay
from app.infra.replay.letters import MOST_AT_ONCE, behind, filters_of, groups, letters_of
from app.infra.replay.many import REPLAY, begin_replay
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub


class DeadLetters(Page):
    """Messages that gave up. Nothing is lost: each keeps its payload and every attempt."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("connection", "words")}
        with reading() as uow:
            found = groups(uow, **chosen)
            names = [row.name for row in all_connections(uow)]
        total = sum(group.letters for group in found)
        return str(self.render("console/letters.html", groups=found, total=total, chosen=chosen, connections=names))

    @expose("/replay", methods=("POST",))
    def replay(self) -> ResponseReturnValue:
        """Let the letters of the ticked causes, or single ones, go again."""
        who, given = actor(Permission.WORK), _given()
        if sure():
            with hub().unit_of_work() as uow:
                ids = _ids(uow)
                if len(ids) >= MOST_AT_ONCE:
                    for wanted in filters_of(chosen_rows()):
                        begin_replay(uow, wanted, who, why())
                    flash("They are many, so they go as runs, at a pace. Here is how far they are.")
                    return redirect(url_for("runs.index", kind=REPLAY), 303)
                count = replay(uow, ids, who, why())
            flash(f"{count_of(count, 'letter')} set due again, under your name. What had its effect is not done twice.")
            return redirect(_back(), 303)
        with reading() as uow:
            ids = _ids(uow)
            waits = behind(uow, ids)
        question = Question(
            title=f"Replay {count_of(len(ids), 'letter')}",
            sentences=(
                "Each goes again with the payload and the key it had.",
                "Where a call may have had its effect before, the hub looks before it writes: nothing is posted twice.",
                "A letter whose cause still stands comes back here.",
            ),
            facts=(("Letters that go again", f"{len(ids):,}"), ("Waiting behind them", f"{waits:,}")),
            button=f"Replay {count_of(len(ids), 'letter')}",
            back=_back(),
            given=given,
            reason="Why (optional)",
        )
        return ask(self, question)

    @expose("/dismiss", methods=("POST",))
    def dismiss(self) -> ResponseReturnValue:
        """End the letters of the ticked causes, or single ones, without running them."""
        who, given = actor(Permission.WORK), _given()
        if sure():
            with hub().unit_of_work() as uow:
                count = dismiss(uow, _ids(uow), who, why())
            flash(f"{count_of(count, 'letter')} dismissed, with your name and reason. What waited behind goes on.")
            return redirect(_back(), 303)
        with reading() as uow:
            ids = _ids(uow)
            waits = behind(uow, ids)
        question = Question(
            title=f"Dismiss {count_of(len(ids), 'letter')}",
            sentences=(
                "They will not run. Their payloads and attempts stay on file, and a dismissed letter can be replayed.",
                "What waits behind them goes on without them: make sure that it does not build on them.",
            ),
            facts=(("Letters dismissed", f"{len(ids):,}"), ("Go on behind them", f"{waits:,}")),
            button=f"Dismiss {count_of(len(ids), 'letter')}",
            back=_back(),
            given=given,
            reason="Why are they not needed?",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)


def _given() -> list[tuple[str, str]]:
    """What was ticked: causes from this page, or deliveries from another (`kind=delivery`)."""
    kept = [("rowid", row) for row in chosen_rows()]
    return kept + [(name, request.form[name]) for name in ("kind", "back") if name in request.form]


def _ids(uow: UnitOfWork) -> list[int]:
    rows = chosen_rows()
    if request.form.get("kind") != "delivery":
        return letters_of(uow, rows)
    return [int(row.rpartition(".")[2]) for row in rows if row.rpartition(".")[2].isdigit()]


def _back() -> str:
    wanted = request.form.get("back", "")
    safe = wanted.startswith("/admin/") and "//" not in wanted and "\\" not in wanted
    return wanted if safe else str(url_for("letters.index"))
