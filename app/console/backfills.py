"""Backfill and gap scan: what a connection held or never told, counted first, then fetched as a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.orders.ports import ShipmentSource
from app.domains.orders.service import Post
from app.flows.backfill_wish import BULK_FROM, KIND, RANGE, RATE, Prepared, Wish, begin, prepare
from app.flows.gap_scan import ask
from app.flows.subscription_watch import look_after
from app.infra.acts import ActRow
from app.infra.remote.history import By, History
from app.infra.remote.spec import SubscriptionKeeper
from app.infra.runs.rows import UNDER_WAY, runs
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.watch import scans, subscriptions_of
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid
from app.kernel.written import instant_of

MOST_LISTED = 30
WAYS = {"": None, "bulk": True, "paged": False}
POSTS = (
    (Post.OPEN, "Those that are open", "neither fulfilled, closed nor cancelled at their channel"),
    (Post.ALL, "All of them", "finished ones too, such as sales over the counter"),
    (Post.NOTHING, "None", "everything is kept for the record"),
)


class BackfillPages(Page):
    """Take in a range: look first, which counts and begins nothing."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The form; with a range in the address also what is there, as the remote counts it."""
        prepared, wrong = None, None
        if "look" in request.args:
            try:
                prepared = prepare(hub(), _wish(request.args))
            except HubError as refused:
                wrong = refused
        with reading() as uow:
            found, names = runs(uow, kind=KIND, most=MOST_LISTED), offering(uow, History)
        page = self.render(
            "console/backfill.html", rows=found, names=names, prepared=prepared, wrong=wrong, given=request.args,
            posts=POSTS, rate=RATE, bulk_from=BULK_FROM, live=any(row.state in UNDER_WAY for row in found),
        )  # fmt: skip
        return page, 422 if isinstance(wrong, Invalid) else 200

    @expose("/start", methods=("POST",))
    def start(self) -> ResponseReturnValue:
        """Begin what was looked at."""
        who = actor(Permission.WORK)
        prepared: Prepared = prepare(hub(), _wish(request.form))
        with hub().unit_of_work() as uow:
            run_id = begin(
                uow, prepared, who=who, why=request.form.get("why", "").strip(), rate=_rate(request.form)
            )  # fmt: skip
        flash("The backfill has begun, under your name. It can be stopped at any time and goes on where it was.")
        return redirect(url_for("runs.one", run_id=run_id), 303)


class GapPages(Page):
    """Up to when each connection was asked what changed, and what it had never told."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            found = scans(uow)
            names = sorted({*offering(uow, History), *offering(uow, ShipmentSource)})
            wanted = select(ActRow).filter_by(did="scanned for gaps").order_by(ActRow.id.desc()).limit(MOST_LISTED)
            acts = list(uow.session.scalars(wanted))
        return str(self.render("console/gaps.html", rows=found, names=names, acts=acts))

    @expose("/scan", methods=("POST",))
    def scan(self) -> ResponseReturnValue:
        """Ask a connection now, as far back as is wanted."""
        who, name, since = actor(Permission.WORK), request.form.get("connection", ""), request.form.get("since", "")
        with hub().unit_of_work() as uow:
            ask(uow, name, since=instant_of(since, "since", RANGE) if since.strip() else None, who=who)
        flash(f"{name} is asked what changed. What it never told is fetched, and named here.")
        return redirect(url_for(".index"), 303)

    @expose("/subscriptions/<connection>", methods=("POST",))
    def subscriptions(self, connection: str) -> ResponseReturnValue:
        """Have a connection's subscriptions looked after now."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            look_after(uow, connection, who)
        flash("Its subscriptions are looked after now: what is missing is created, what differs is corrected.")
        return redirect(url_for("connections.one", connection=connection), 303)


def subscribed(uow: UnitOfWork, connection: str) -> Mapping[str, Any]:
    """What the section on a connection's subscriptions shows: the ones with trouble first."""
    rows = subscriptions_of(uow, connection)
    rows.sort(key=lambda row: (row.state == "well", row.topic))
    keeps = hub().connections.get(uow.session, connection).spec.offers(SubscriptionKeeper)
    return {
        "keeps": keeps,
        "subscriptions": rows,
        "not_well": sum(row.state not in ("well", "refused") for row in rows),
    }


def offering(uow: UnitOfWork, port: type) -> list[str]:
    """The connections that offer a port, by name."""
    return [name for name, one in sorted(hub().connections.all(uow.session).items()) if one.spec.offers(port)]


def _wish(given: Mapping[str, str]) -> Wish:
    """The wish of a form or an address; times are UTC."""

    def word(name: str) -> str:
        return given.get(name, "").strip()

    until, before = word("until"), word("history_before")
    try:
        by, post, bulk = By(word("by") or By.CREATED), Post(word("post") or Post.OPEN), WAYS[word("way")]
    except (ValueError, KeyError) as wrong:
        raise Invalid("backfill.option", "choose one of the options that are offered") from wrong
    return Wish(
        connection=word("connection"), kind=word("kind") or "order", by=by,
        since=instant_of(word("since"), "since", RANGE),
        until=instant_of(until, "until", RANGE) if until else hub().clock.now(), post=post, bulk=bulk,
        history_before=instant_of(before, "cut-off", RANGE) if before else None,
    )  # fmt: skip


def _rate(given: Mapping[str, str]) -> float | None:
    text = given.get("rate", "").strip()
    try:
        return float(text) if text else None
    except ValueError as wrong:
        raise Invalid("runs.rate", f"rate: {text!r} is no number of things a second") from wrong
