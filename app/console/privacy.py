"""Privacy: what people asked of their data, by when, and the proof of what was done. No page here names anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.console.words import lasting
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.canonical import Ask
from app.domains.customers.queries import PrivacyRequest
from app.domains.customers.service import Subject
from app.flows import privacy
from app.infra.acts import ActRow
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid

SOON = timedelta(days=5)
TITLES = {"export": "A copy of a customer’s data", "erase": "Erasure of a customer", "erase_shop": "Erasure of a shop"}


def clock_of(found: PrivacyRequest) -> tuple[str, str, str]:
    """Time left until the answer is due: tone, shape and words."""
    if not found.pending:
        return "mute", "done", "" if found.ended_at is None else f"took {lasting(found.ended_at - found.asked_at)}"
    left = found.due_at - SYSTEM_CLOCK.now()
    if left < timedelta(0):
        return "bad", "breach", f"{lasting(-left)} over"
    return ("wait", "risk", f"{lasting(left)} left") if left < SOON else ("mute", "wait", f"{lasting(left)} left")


class PrivacyPages(Page):
    """Requests of people for their data."""

    @expose("/")
    def index(self) -> str:
        view, before = request.args.get("view", "open"), request.args.get("before", "")
        with reading() as uow:
            rows = queries.requests_listed(
                uow, pending=view != "all", before=before if len(before) == 36 else "", most=PAGE_ROWS + 1
            )
        older = url_for(".index", view=view, before=rows[PAGE_ROWS - 1].request_id) if len(rows) > PAGE_ROWS else ""
        return str(
            self.render(
                "console/privacy.html", rows=rows[:PAGE_ROWS], view=view, older=older, clock_of=clock_of, titles=TITLES
            )
        )

    @expose("/<uuid:request_id>")
    def one(self, request_id: Any) -> str:
        with reading() as uow:
            found = queries.request_view(uow, str(request_id))
            acts = uow.session.query(ActRow).filter_by(kind="privacy", key=str(request_id)).order_by(ActRow.id).all()
        return str(
            self.render(
                "console/privacy_request.html", found=found, acts=acts, clock=clock_of(found),
                title=TITLES[found.kind],
            )
        )  # fmt: skip

    @expose("/ask", methods=("POST",))
    def begin(self) -> ResponseReturnValue:
        """Ask for a person by e-mail or account, once the one who asks has seen what follows."""
        who = actor(Permission.PEOPLE)
        kind, named = request.form.get("kind", ""), request.form.get("named", "").strip()
        if kind not in (Ask.EXPORT, Ask.ERASE) or not named:
            raise Invalid("console.nothing_chosen", "say what is asked, and of whom: an e-mail, or an account's id")
        subject = Subject(email=named) if "@" in named else Subject(account_ids=(_account(named),))
        if sure():
            with hub().unit_of_work() as uow:
                made = privacy.ask_for(uow, Ask(kind), subject, who, why(), source="console")
            flash("It has begun.")
            return redirect(url_for(".one", request_id=made), 303)
        erases = kind == Ask.ERASE
        question = Question(
            title=TITLES[kind],
            sentences=(
                "Accounts, orders, messages and all that was written of the person are searched, in every channel.",
                "What is erased does not come back. Sums and what proves the tax stay; open orders are waited for."
                if erases else "It becomes one file, kept sealed for two weeks, for you to hand over.",
            ),
            button="Erase" if erases else "Make the file", back=url_for(".index"),
            given=(("kind", kind), ("named", named)), reason="Who asked, and how do you know them? Do not name them.",
            reason_needed=True, danger=erases,
        )  # fmt: skip
        return ask(self, question)

    @expose("/<uuid:request_id>/file", methods=("POST",))
    def file(self, request_id: Any) -> Response:
        """The file, to be handed over; that it was fetched is kept."""
        who = actor(Permission.UNMASK)
        with hub().unit_of_work() as uow:
            text = customers.read_export(uow, str(request_id), who)
        name = f'attachment; filename="personal-data-{request_id}.json"'
        return Response(text, mimetype="application/json", headers={"Content-Disposition": name})

    @expose("/<uuid:request_id>/handed-over", methods=("POST",))
    def handed_over(self, request_id: Any) -> ResponseReturnValue:
        """The person has the file."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            privacy.hand_over(uow, str(request_id), who, why())
        flash("Answered, with your name. The file is deleted.")
        return redirect(url_for(".one", request_id=request_id), 303)

    @expose("/<uuid:request_id>/erase-now", methods=("POST",))
    def erase_now(self, request_id: Any) -> ResponseReturnValue:
        """Erase in spite of open orders."""
        who, back = actor(Permission.PEOPLE), url_for(".one", request_id=request_id)
        if sure():
            with hub().unit_of_work() as uow:
                privacy.erase_now(uow, str(request_id), who, why())
            flash("It goes on now, with your name and reason.")
            return redirect(back, 303)
        question = Question(
            title="Erase in spite of open orders",
            sentences=("What is still to be posted or sent of those orders lacks its person: the ERP may refuse it.",
                       "What is erased does not come back."),
            button="Erase now", back=back, reason="Why can it not wait?", reason_needed=True, danger=True,
        )  # fmt: skip
        return ask(self, question)

    @expose("/<uuid:request_id>/withdraw", methods=("POST",))
    def withdraw(self, request_id: Any) -> ResponseReturnValue:
        """Nobody wants it any more."""
        who, back = actor(Permission.PEOPLE), url_for(".one", request_id=request_id)
        if sure():
            with hub().unit_of_work() as uow:
                privacy.withdraw(uow, str(request_id), who, why())
            flash("Withdrawn, with your name and reason.")
            return redirect(back, 303)
        question = Question(
            title="Withdraw this request",
            sentences=("Nothing more is done for it. What is erased already stays erased.",),
            button="Withdraw", back=back, reason="Why does nobody want it any more?", reason_needed=True, danger=True,
        )  # fmt: skip
        return ask(self, question)


def _account(text: str) -> str:
    if len(text) != 36 or any(sign not in "0123456789abcdef-" for sign in text):
        raise Invalid("console.no_such_person", f"{text[:80]!r} is neither an e-mail nor an account's id")
    return text
