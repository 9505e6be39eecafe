"""Customers: the list, where they come from, and one with everything around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
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
from app.domains.customers.canonical import Address
from app.domains.customers.ports import CustomerSource
from app.domains.customers.queries import Brief, Whole
from app.domains.customers.service import Writer
from app.domains.orders.service import erasing as orders
from app.flows import credit, customer_alignment, customers_in, merging
from app.infra.acts import record_act
from app.infra.runs.rows import runs
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid
from app.kernel.money import Money

MOST_ORDERS = 20
PLACE = ("name", "line1", "postal_code", "city", "country_code", "connection", "external_id")
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
            sources = _sources(uow)
        older = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            older = url_for(".index", kind=chosen["kind"], before=rows[-1].account_id)
        return str(
            self.render(
                "console/customers.html", rows=[hidden(row) for row in rows], chosen=chosen, kinds=KINDS, older=older,
                state_of=state_of, sources=sources,
            )
        )  # fmt: skip

    @expose("/import", methods=("POST",))
    def take_in(self) -> ResponseReturnValue:
        """Begin an import from a connection, the whole or what changed, or a comparison with it."""
        who, what = actor(Permission.WORK), request.form.get("what", "")
        with hub().unit_of_work() as uow:
            connection = uow.hub.connections.get(uow.session, request.form.get("connection", ""))
            if what == "align":
                run_id = customer_alignment.start(uow, connection, who=who)
            else:
                run_id = customers_in.start(uow, connection, whole=what == "whole", who=who)
        return redirect(url_for("runs.one", run_id=run_id), 303)

    @expose("/<uuid:account_id>/places", methods=("POST",))
    def add_place(self, account_id: Any) -> ResponseReturnValue:
        """Keep a place of a company."""
        who, given = actor(Permission.WORK), {name: request.form.get(name, "").strip() for name in PLACE}
        address = Address(name=given["name"], line1=given["line1"], city=given["city"],
                          postal_code=given["postal_code"], country_code=given["country_code"].upper())  # fmt: skip
        with hub().unit_of_work() as uow:
            if given["connection"]:
                uow.hub.connections.get(uow.session, given["connection"])
            customers.add_location(
                uow, str(account_id), given["name"], address, Writer(who=who), connection=given["connection"],
                external_id=given["external_id"],
            )  # fmt: skip
        flash("The place is kept.")
        return redirect(url_for(".one", account_id=account_id), 303)

    @expose("/<uuid:account_id>/people", methods=("POST",))
    def add_person(self, account_id: Any) -> ResponseReturnValue:
        """Let a person act for a company: whoever the e-mail, number or id names, if that is one person."""
        who, text = actor(Permission.WORK), request.form.get("person", "").strip()
        with hub().unit_of_work() as uow:
            people = [one for one in queries.found(uow, text) if one.kind == "person"] if text else []
            if len(people) != 1:
                said = f"{count_of(len(people), 'person', 'people')} found: give an e-mail, a number or the hub's id"
                raise Invalid("customers.nobody_named", said, about="person")
            role = request.form.get("role", "")
            customers.add_member(uow, str(account_id), people[0].account_id, Writer(who=who), role=role)
        flash("This person acts for the company now.")
        return redirect(url_for(".one", account_id=account_id), 303)

    @expose("/<uuid:account_id>/people/<uuid:person_id>/remove", methods=("POST",))
    def remove_person(self, account_id: Any, person_id: Any) -> ResponseReturnValue:
        """A person acts for a company no more."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            customers.remove_member(uow, str(account_id), str(person_id), Writer(who=who))
        flash("This person does not act for the company any more.")
        return redirect(url_for(".one", account_id=account_id), 303)

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
                "console/customer.html", brief=brief, parts_of=parts_of(found, shown=shown), shown=shown,
                word=state_of(found.brief), orders=newest, count=len(own), terms=_terms(found),
                room=credit.room_of(uow, account_id), connections=sorted(uow.hub.connections.all(uow.session)),
                pairs=[(pair, hidden(other_of(pair, account_id))) for pair in pairs], family=found.family,
                may_unmask=current_user.may(Permission.UNMASK), title=brief.name,
            )
        )  # fmt: skip


def _sources(uow: UnitOfWork) -> list[dict[str, Any]]:
    """Connections that keep customers, each with its last import and whether the whole was imported once."""
    found = []
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.spec.offers(CustomerSource):
            last = runs(uow, kind=customers_in.KIND, connection=name, most=1)
            once = customers_in.last_import(uow, name) is not None
            found.append({"name": name, "last": last[0] if last else None, "once": once})
    return found


def parts_of(found: Whole, *, shown: bool) -> dict[str, Any]:
    """What an account has besides itself, as a page shows it."""
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
    code = f" ({terms['terms_code']})" if terms["terms_code"] else ""
    terms["said"] = f"{count_of(terms['days'], 'day')} to pay{code}"
    owed, read = terms["balance_minor"], terms["balance_at"]
    terms["balance"] = "not told" if owed is None else f"{Money(owed, terms['currency']).text} {terms['currency']}"
    terms["read"] = datetime.fromisoformat(read) if read else None
    return terms


def other_of(pair: queries.Pair, account_id: str) -> Brief:
    """The one of a pair that is not this account."""
    return pair.other if pair.one.account_id == account_id else pair.one
