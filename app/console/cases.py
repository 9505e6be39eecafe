"""Cases: what a person must decide, what it blocks, and the ways to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import Select, func, select

from app.console.blocked import Blocked, blocked_by, totals_of
from app.console.deeds import Question, ask, chosen_rows, sure, why
from app.console.frame import reading
from app.console.remedies import facts_of, remedies_of, remedy_named
from app.console.runbooks import summary
from app.console.sign_in import actor
from app.console.words import count_of, lasting
from app.domains.orders.admin import briefs
from app.infra.acts import ActRow, record_act
from app.infra.cases import CLOSED, ExceptionCase, waiting
from app.infra.replay.again import dismiss_case, resolve_case
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound, Refused

PROMISE = timedelta(minutes=60)  # an order that stands for an hour misses the day's cut-off in one shop of three
RISK = timedelta(minutes=45)
VIEWS = (("open", "Open"), ("mine", "Mine"), ("nobody", "Nobody’s"), ("closed", "Closed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time left of a case's promise: tone, shape and words."""

    tone: str
    shape: str
    said: str


def clock_of(case: ExceptionCase) -> Clock:
    """How long a case has been open, against the promise."""
    if case.closed_at is not None:
        return Clock(tone="mute", shape="wait", said=f"took {lasting(case.closed_at - case.opened_at)}")
    open_for = SYSTEM_CLOCK.now() - case.opened_at
    if open_for >= PROMISE:
        return Clock(tone="bad", shape="breach", said=f"{lasting(open_for - PROMISE)} over")
    tone, shape = ("wait", "risk") if open_for >= RISK else ("mute", "wait")
    return Clock(tone=tone, shape=shape, said=f"{lasting(PROMISE - open_for)} left")


class Cases(Page):
    """What a person must decide."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("view", "code", "connection", "before")}
        view = chosen["view"] if chosen["view"] in dict(VIEWS) else "open"
        with reading() as uow:
            rows = list(uow.session.scalars(_listed(view, chosen).limit(PAGE_ROWS + 1)))
            worth = totals_of(uow, [row.id for row in rows])
            codes = uow.session.execute(
                select(ExceptionCase.code, func.count())
                .where(ExceptionCase.state.not_in(CLOSED))
                .group_by(ExceptionCase.code)
                .order_by(func.count().desc())
            ).all()
        older = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            older = f"?{urlencode({**chosen, 'before': rows[-1].opened_at.isoformat()})}"
        return str(
            self.render(
                "console/cases.html", rows=rows, worth=worth, view=view, views=VIEWS, chosen=chosen, codes=codes,
                older=older, clock_of=clock_of, total=sum(count for _, count in codes),
            )
        )  # fmt: skip

    @expose("/<uuid:case_id>")
    def one(self, case_id: Any) -> str:
        with reading() as uow:
            case = _case(uow, str(case_id))
            items = blocked_by(uow, case.id)
            worth = totals_of(uow, [case.id])[case.id]
            names = {brief.order_id: brief.name for brief in briefs(uow, worth.order_ids).values()}
            acts = list(
                uow.session.scalars(
                    select(ActRow).filter_by(kind="case", key=case.id).order_by(ActRow.id.desc()).limit(50)
                )
            )
        return str(
            self.render(
                "console/case.html", case=case, items=items, worth=worth, acts=acts, clock=clock_of(case),
                remedies=remedies_of(case), facts=facts_of(case), book=summary(case.code), closed=case.state in CLOSED,
                flowing=_flowing(items), names=names, title=case.title,
            )
        )  # fmt: skip

    @expose("/<uuid:case_id>/take", methods=("POST",))
    def take(self, case_id: Any) -> ResponseReturnValue:
        """Say that one is on it."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            _take(uow, str(case_id), who)
        flash("It is yours.")
        return redirect(url_for(".one", case_id=case_id), 303)

    @expose("/<uuid:case_id>/mend", methods=("POST",))
    def mend(self, case_id: Any) -> ResponseReturnValue:
        """Apply the chosen remedy and release what waits, in one transaction."""
        who, form = actor(Permission.WORK), request.form.to_dict()
        with hub().unit_of_work() as uow:
            case = _case(uow, str(case_id))
            said = remedy_named(case, form.get("remedy", "")).apply(uow, case, form, who)
            chosen = case.state in CLOSED  # a choice ends its case: what goes on is its fact
            count = 0 if chosen else resolve_case(uow, case.id, who, "; ".join(part for part in (said, why()) if part))
        again = "" if chosen else f" {count_of(count, 'delivery', 'deliveries')} set due again."
        flash(f"{said[:1].upper()}{said[1:]}.{again}")
        return redirect(url_for(".one", case_id=case_id), 303)

    @expose("/<uuid:case_id>/dismiss", methods=("POST",))
    def dismiss(self, case_id: Any) -> ResponseReturnValue:
        """Close the case without running what waits for it."""
        who, here = actor(Permission.WORK), url_for(".one", case_id=case_id)
        if sure():
            with hub().unit_of_work() as uow:
                count = dismiss_case(uow, str(case_id), who, why())
            flash(f"Dismissed, with your name and reason; {count_of(count, 'delivery', 'deliveries')} with it.")
            return redirect(here, 303)
        with reading() as uow:
            case, count = _case(uow, str(case_id)), len(waiting(uow, str(case_id)))
        question = Question(
            title="Dismiss this case",
            sentences=(case.title, "What waits for it is dismissed too: it will not run."),
            facts=(("Deliveries dismissed", f"{count:,}"),),
            button="Dismiss the case",
            back=here,
            reason="Why is it not needed?",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)

    @expose("/many", methods=("POST",))
    def many(self) -> ResponseReturnValue:
        """Take or release the ticked cases."""
        who, rows, deed = actor(Permission.WORK), chosen_rows(), request.form.get("deed", "")
        if deed == "take":
            with hub().unit_of_work() as uow:
                for row in rows:
                    _take(uow, row, who)
            flash(f"{count_of(len(rows), 'case')} yours.")
            return redirect(url_for(".index", view="mine"), 303)
        if sure():
            with hub().unit_of_work() as uow:
                count = sum(resolve_case(uow, row, who, why()) for row in sorted(rows))
            flash(f"{count_of(len(rows), 'case')} resolved; {count_of(count, 'delivery', 'deliveries')} set due again.")
            return redirect(url_for(".index"), 303)
        with reading() as uow:
            count = sum(len(waiting(uow, row)) for row in rows)
        question = Question(
            title=f"Release what waits for {count_of(len(rows), 'case')}",
            sentences=("The causes must have been mended where they are.", "What is refused again opens a new case."),
            facts=(("Cases resolved", f"{len(rows):,}"), ("Deliveries that go again", f"{count:,}")),
            button=f"Release {count_of(count, 'delivery', 'deliveries')}",
            back=url_for(".index"),
            given=[("rowid", row) for row in rows] + [("deed", "release")],
            reason="What was mended?",
            reason_needed=True,
        )
        return ask(self, question)


def _listed(view: str, chosen: dict[str, str]) -> Select[ExceptionCase]:
    """The cases of a view, the one that has been open longest first; closed ones by their end."""
    statement = select(ExceptionCase)
    closed = view == "closed"
    statement = statement.where(
        ExceptionCase.state.in_(CLOSED) if closed else ExceptionCase.state.not_in(CLOSED),
        *([ExceptionCase.assignee == current_user.email] if view == "mine" else []),
        *([ExceptionCase.assignee == ""] if view == "nobody" else []),
        *([ExceptionCase.code == chosen["code"]] if chosen["code"] else []),
        *([ExceptionCase.connection == chosen["connection"]] if chosen["connection"] else []),
    )
    before = _instant(chosen["before"])
    if before is not None:
        statement = statement.where(ExceptionCase.opened_at < before if closed else ExceptionCase.opened_at > before)
    return statement.order_by(ExceptionCase.opened_at.desc() if closed else ExceptionCase.opened_at)


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _case(uow: UnitOfWork, case_id: str) -> ExceptionCase:
    case = uow.session.get(ExceptionCase, case_id)
    if case is None:
        raise NotFound("cases.unknown", f"there is no case {case_id}", about=case_id)
    return case


def _take(uow: UnitOfWork, case_id: str, who: str) -> None:
    case = uow.session.get(ExceptionCase, case_id, with_for_update=True)
    if case is None or case.state in CLOSED:
        raise Refused("cases.closed", "this case is closed already", about=case_id)
    case.assignee, case.state = who, "working"
    record_act(uow, who, "took a case", kind="case", key=case_id)


def _flowing(items: Sequence[Blocked]) -> dict[str, int]:
    """Of what was released: how many are through, moving, due and stopped again."""
    kinds = {"done": "ok", "superseded": "ok", "dismissed": "ok", "running": "run", "due": "due", "behind": "due"}
    counted = {"ok": 0, "run": 0, "due": 0, "stopped": 0}
    for item in items:
        if item.state:
            counted[kinds.get(item.state, "stopped")] += 1
    return counted
