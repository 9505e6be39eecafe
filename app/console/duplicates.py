"""Accounts that may be one customer: the list, two side by side, merged or kept apart."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.customers import hidden, other_of, parts_of, state_of
from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.queries import Brief
from app.flows import merging
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

COMPARED = ("name", "email", "phone", "country", "tax_ids")


class DuplicatePages(Page):
    """Accounts that may be one customer."""

    @expose("/")
    def index(self) -> str:
        chosen = request.args.get("view", "open")
        state = chosen if chosen in ("open", "merged", "distinct") else "open"
        with reading() as uow:
            pairs = queries.pairs(uow, state=state, most=PAGE_ROWS)
        rows = [(pair, hidden(pair.one), hidden(pair.other)) for pair in pairs]
        return str(self.render("console/duplicates.html", rows=rows, view=state))

    @expose("/search", methods=("POST",))
    def search(self) -> ResponseReturnValue:
        """Begin the run that compares all accounts."""
        with hub().unit_of_work() as uow:
            run_id = merging.find_duplicates(uow, actor(Permission.WORK))
        flash("The search has begun; pairs appear as they are found.")
        return redirect(url_for("runs.one", run_id=run_id), 303)

    @expose("/<uuid:one>/<uuid:other>")
    def pair(self, one: Any, other: Any) -> str:
        """Two accounts side by side, with what a merge would do in either direction."""
        ids = str(one), str(other)
        with reading() as uow:
            found = [queries.whole(uow, account_id) for account_id in ids]
            ahead = [merging.preview(uow, ids[n], ids[1 - n]) for n in (0, 1)]
            every = queries.pairs(uow, account_id=ids[0], most=200)
        pairs = [pair for pair in every if other_of(pair, ids[0]).account_id == ids[1]]
        sides = [
            {"brief": hidden(whole.brief), "parts": parts_of(whole, shown=False), "word": state_of(whole.brief)}
            for whole in found
        ]
        same = [_same(found[0].brief, found[1].brief, name) for name in COMPARED]
        return str(
            self.render(
                "console/duplicate.html", ids=ids, sides=sides, ahead=ahead, pair=pairs[0] if pairs else None,
                same=same, title="Are these one customer?",
            )
        )  # fmt: skip

    @expose("/<uuid:one>/<uuid:other>/merge", methods=("POST",))
    def merge(self, one: Any, other: Any) -> ResponseReturnValue:
        """Merge, once the person has seen the consequences."""
        who, ids = actor(Permission.WORK), (str(one), str(other))
        survivor = request.form.get("survivor", "")
        if survivor not in ids:
            raise Invalid("console.nothing_chosen", "choose which of the two stays")
        gone = ids[1] if survivor == ids[0] else ids[0]
        if sure():
            with hub().unit_of_work() as uow:
                merging.merge(uow, survivor, gone, who, why())
            flash("Merged, with your name and reason. It can be taken back on this page.")
            return redirect(url_for("customers.one", account_id=survivor), 303)
        with reading() as uow:
            ahead = merging.preview(uow, survivor, gone)
        return ask(self, _question(ahead, survivor, url_for(".pair", one=one, other=other)))

    @expose("/<uuid:one>/<uuid:other>/apart", methods=("POST",))
    def apart(self, one: Any, other: Any) -> ResponseReturnValue:
        """Say that two accounts are two customers."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            customers.keep_apart(uow, str(one), str(other), who, why())
        flash("They stay two; nobody is asked again.")
        return redirect(url_for(".index"), 303)


def _question(ahead: merging.Preview, survivor: str, back: str) -> Question:
    sentences = ["One of the two stays; everything of the other is found with it from now on. It can be taken back."]
    if ahead.both:
        sentences.append(f"Both have a number there, and keep it: {', '.join(ahead.both)}.")
    if ahead.open_orders:
        sentences.append("Open orders go over too: what is still posted of them is posted for the one that stays.")
    facts = (
        ("Orders that go over", f"{ahead.orders:,}"), ("… of them open", f"{ahead.open_orders:,}"),
        ("Numbers that go over", ", ".join(ahead.numbers) or "none"),
        ("What it gains", ", ".join(ahead.gains) or "nothing"),
    )  # fmt: skip
    return Question(
        title="Merge these accounts", sentences=sentences, facts=facts, button="Merge", back=back,
        given=(("survivor", survivor),), reason="Why are they one?", reason_needed=True,
    )  # fmt: skip


def _same(one: Brief, other: Brief, name: str) -> tuple[str, str]:
    """What a comparison of one field says, without the field's value."""
    mine, theirs = getattr(one, name), getattr(other, name)
    said = "neither has one" if not mine and not theirs else "one has it" if not mine or not theirs else (
        "the same" if mine == theirs else "different")  # fmt: skip
    return name.replace("_", " "), said
