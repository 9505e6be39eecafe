"""Customers: the list, one with everything around it, and pairs that may be one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.masking import masked_document
from app.console.sign_in import actor
from app.console.words import count_of, masked, masked_email
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.queries import Brief, Whole
from app.domains.orders.service import erasing as orders
from app.flows import merging
from app.infra.acts import record_act
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid
from app.kernel.money import Money

MOST_ORDERS = 20
COMPARED = ("name", "email", "phone", "country", "tax_ids")
KINDS = (("", "All"), ("person", "People"), ("company", "Companies"))


def state_of(brief: Brief) -> str:
    """The word for what an account is to the hub."""
    if brief.erased_at is not None:
        return "erased"
    if brief.merged_into:
        return "merged"
    return "withheld" if brief.withheld else "guest" if brief.guest else "known"


def hidden(brief: Brief) -> Brief:
    """An account as a page shows it: enough to recognise. A company's name is no person's."""
    first, _, last = brief.name.rpartition(" ")
    name = brief.company or f"{first[:1]}. {last}".strip(". ") or "not told"
    return replace(brief, name=name, email=masked_email(brief.email), phone=masked(brief.phone))


class CustomerPages(Page):
    """Who buys, whichever channel they came from."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("q", "kind", "before")}
        before = chosen["before"] if len(chosen["before"]) == 36 else ""
        with reading() as uow:
            if chosen["q"]:
                rows = queries.found(uow, chosen["q"], PAGE_ROWS)
            else:
                rows = queries.listed(uow, kind=chosen["kind"], before=before, most=PAGE_ROWS + 1)
        older = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            older = url_for(".index", kind=chosen["kind"], before=rows[-1].account_id)
        return str(
            self.render(
                "console/customers.html", rows=[hidden(row) for row in rows], chosen=chosen, kinds=KINDS, older=older,
                state_of=state_of,
            )
        )  # fmt: skip

    @expose("/<uuid:account_id>")
    def one(self, account_id: Any) -> str:
        with reading() as uow:
            return self._page(uow, str(account_id), shown=False)

    @expose("/<uuid:account_id>/whole", methods=("POST",))
    def whole(self, account_id: Any) -> str:
        """The account as it is, personal data included; who looked is kept."""
        who = actor(Permission.UNMASK)
        with hub().unit_of_work() as uow:
            record_act(uow, who, "saw a customer whole", kind="account", key=str(account_id))
            return self._page(uow, str(account_id), shown=True)

    @expose("/merges/<uuid:merge_id>/undo", methods=("POST",))
    def undo(self, merge_id: Any) -> ResponseReturnValue:
        """Take a merge back, once the person has seen what that means."""
        who, back = actor(Permission.WORK), request.form.get("back", "")
        here = url_for(".one", account_id=back) if len(back) == 36 else url_for(".index")
        if sure():
            with hub().unit_of_work() as uow:
                merging.unmerge(uow, str(merge_id), who, why())
            flash("They are two again, with your name and reason.")
            return redirect(here, 303)
        question = Question(
            title="Take this merge back",
            sentences=("What went over with it goes back: numbers, orders, and what the other account filled in.",
                       "What came since stays here."),
            button="Make them two again", back=here, given=(("back", back),), reason="Why are they two?",
            reason_needed=True,
        )  # fmt: skip
        return ask(self, question)

    def _page(self, uow: UnitOfWork, account_id: str, *, shown: bool) -> str:
        found = queries.whole(uow, account_id)
        own = orders.orders_of(uow, found.family)
        brief = found.brief if shown else hidden(found.brief)
        pairs = queries.pairs(uow, account_id=account_id, most=10)
        newest = sorted(own, key=lambda order: order.order_id, reverse=True)[:MOST_ORDERS]
        return str(
            self.render(
                "console/customer.html", brief=brief, parts_of=_parts(found, shown=shown), shown=shown,
                word=state_of(found.brief), orders=newest, count=len(own), terms=_terms(found),
                pairs=[(pair, hidden(_other(pair, account_id))) for pair in pairs], family=found.family,
                may_unmask=current_user.may(Permission.UNMASK), title=brief.name,
            )
        )  # fmt: skip


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
        pairs = [pair for pair in every if _other(pair, ids[0]).account_id == ids[1]]
        sides = [
            {"brief": hidden(whole.brief), "parts": _parts(whole, shown=False), "word": state_of(whole.brief)}
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


def _parts(found: Whole, *, shown: bool) -> dict[str, Any]:
    parts = {name: [dict(part) for part in rows] for name, rows in found.parts.items()}
    if not shown:
        for name in ("addresses", "members"):
            parts[name] = [masked_document(part, person=True) for part in parts[name]]
        for point in parts["contact_points"]:
            point["value"] = masked_email(point["value"]) if point["kind"] == "email" else masked(point["value"])
        for one in parts["tax_ids"]:
            one["number"] = one["number"] if found.brief.kind == "company" else masked(one["number"])
    return parts


def _terms(found: Whole) -> dict[str, Any] | None:
    rows = found.parts["credit_terms"]
    if not rows:
        return None
    terms = dict(rows[0])
    minor = terms["limit_minor"]
    terms["limit"] = "no limit" if minor is None else f"{Money(minor, terms['currency']).text} {terms['currency']}"
    terms["said"] = f"{count_of(terms['days'], 'day')} to pay"
    return terms


def _other(pair: queries.Pair, account_id: str) -> Brief:
    return pair.other if pair.one.account_id == account_id else pair.one


def _same(one: Brief, other: Brief, name: str) -> tuple[str, str]:
    """What a comparison of one field says, without the field's value."""
    mine, theirs = getattr(one, name), getattr(other, name)
    said = "neither has one" if not mine and not theirs else "one has it" if not mine or not theirs else (
        "the same" if mine == theirs else "different")  # fmt: skip
    return name.replace("_", " "), said
