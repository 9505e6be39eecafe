"""Routes: which connection gets which work from when, and changes of that, previewed before they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.connecting import all_connections
from app.infra.flags import DOMAINS
from app.infra.rerouting import Change, carry_out, hold_routes, plan_add, plan_end, plan_remove, plan_switch, where
from app.infra.routes import read_routes
from app.infra.routing import LIVE, Asked, Route, Span, timeline
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid
from app.kernel.written import day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """One scope with its routes and what goes where from when."""

    scope: Asked
    words: str
    routes: tuple[Route, ...]
    spans: tuple[Span, ...]


class RoutePages(Page):
    """Which connection gets which work: by role, domain, company, channel and day."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            routes, names = read_routes(uow), [row.name for row in all_connections(uow)]
        scopes = sorted({route.scope for route in routes})
        shown = []
        for role, domain, company, channel in scopes:
            asked = Asked(role=role, domain=domain, company=company, channel=channel)
            mine = tuple(route for route in routes if route.scope == (role, domain, company, channel))
            spans = tuple(timeline(routes, asked))
            shown.append(Scoped(scope=asked, words=where(asked), routes=mine, spans=spans))
        roles = hub().outbox.roles
        return str(
            self.render("console/routes.html", shown=shown, names=names, roles=list(roles), domains=DOMAINS, told=told)
        )

    @expose("/add", methods=("POST",))
    def add(self) -> ResponseReturnValue:
        """Let a connection play a role."""
        form = _form()
        route = Route(
            role=form["role"], connection=form["connection"], domain=form["domain"], company=form["company"],
            channel=form["channel"], from_on=_day(form, "from"), until_on=_day(form, "until"),
            mode=form["mode"] or LIVE, share=_share(form["share"]),
        )  # fmt: skip
        return self._change(lambda uow: plan_add(uow, route, both=form["both"] == "yes"), "Add this route")

    @expose("/switch", methods=("POST",))
    def switch(self) -> ResponseReturnValue:
        """From a day on, let another connection take a scope."""
        form = _form()
        day = _day(form, "on")
        if day is None:
            raise Invalid("routes.dates", "say from which day on")
        scope = Asked(role=form["role"], domain=form["domain"], company=form["company"], channel=form["channel"])
        return self._change(
            lambda uow: plan_switch(uow, scope, form["old"], form["new"], day, keep=form["keep"]), "Switch"
        )

    @expose("/end", methods=("POST",))
    def end(self) -> ResponseReturnValue:
        """End a route on a day, or take it away."""
        form = _form()
        gap, day = form["gap"] == "yes", _day(form, "on")
        if day is None:
            return self._change(lambda uow: plan_remove(uow, form["route"], gap=gap), "Remove this route")
        return self._change(lambda uow: plan_end(uow, form["route"], day, gap=gap), "End this route")

    def _change(self, plan: Callable[[UnitOfWork], Change], button: str) -> ResponseReturnValue:
        who = actor(Permission.CONNECT)
        if sure():
            with hub().unit_of_work() as uow:
                hold_routes(uow)
                change = plan(uow)
                adopted = carry_out(uow, change, who, why())
            more = f" {adopted} deliveries that found no route go on." if adopted else ""
            flash(f"{change.said[:1].upper()}{change.said[1:]}.{more}")
            return redirect(url_for(".index"), 303)
        with reading() as uow:
            change = plan(uow)
        question = Question(
            title=button,
            sentences=(
                f"{change.said}. The days are those of the company's zone.",
                "What a connection was given before stays with it; its changes and shipments, too.",
            ),
            facts=tuple((told(span), span.text) for span in change.spans_after),
            button=button,
            back=url_for(".index"),
            given=tuple((name, value) for name, value in _form().items() if value),
            reason="Why? It is kept in the audit.",
            danger=True,
        )
        return ask(self, question)


_FIELDS = (
    "role", "connection", "domain", "company", "channel", "from", "until", "mode", "share", "both", "on", "old", "new",
    "keep", "route", "gap",
)  # fmt: skip


def _form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in _FIELDS}


def _day(form: Mapping[str, str], name: str) -> date | None:
    return day_of(form[name], name, "routes.dates") if form[name] else None


def _share(given: str) -> int:
    if given and not given.isdecimal():
        raise Invalid("routes.share", f"{given!r} is no share: give a whole number from 1 to 100")
    return int(given or 100)


def told(span: Span) -> str:
    """A span's days in words."""
    start = f"from {span.starts}" if span.starts else "since ever"
    return f"{start} until {span.ends}" if span.ends else start
