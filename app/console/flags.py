"""Flags: what is open, for whom, why a key passes or not, and the switches."""

from __future__ import annotations

from decimal import Decimal

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.connecting import all_connections
from app.infra.flagging import all_rules, check_scope, clear_flag, percentage, set_flag
from app.infra.flags import DIMENSIONS, DOMAINS, FLAGS, Scope, declared, explain, read_rules
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError


class FlagPages(Page):
    """What an operator opens and closes while the hub runs."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("flag", "key", *DIMENSIONS)}
        found, wrong = None, ""
        with reading() as uow:
            rules, connections = all_rules(uow), all_connections(uow)
            if chosen["flag"] and chosen["key"]:
                try:
                    check_scope(uow, _scope(chosen))
                    found = explain(read_rules(uow.session), chosen["flag"], _scope(chosen), chosen["key"])
                except HubError as error:
                    wrong = error.message
        return str(
            self.render(
                "console/flags.html", flags=FLAGS.values(), rules=rules, scope_of=_of_row, chosen=chosen, found=found,
                wrong=wrong, names=[row.name for row in connections], domains=DOMAINS,
                companies=sorted({row.company for row in connections} - {""}),
            )
        )  # fmt: skip

    @expose("/set", methods=("POST",))
    def set(self) -> ResponseReturnValue:
        """Give a flag a value in a scope, once the person has seen what that means."""
        who, given = actor(Permission.CONNECT), {name: request.form.get(name, "").strip() for name in _FIELDS}
        name, scope = given["flag"], _scope(given)
        if sure():
            with hub().unit_of_work() as uow:
                percent = set_flag(uow, name, given["percent"], scope, who, why())
            flash(f"{name} lets {percent} % through, {scope.text}. Every process knows within a second.")
            return redirect(url_for(".index"), 303)
        flag, percent = declared(name), percentage(given["percent"])
        with reading() as uow:
            check_scope(uow, scope)
            before = _percent(uow, name, scope)
        question = Question(
            title=f"Set {name} to {percent} %",
            sentences=(
                f"This flag decides whether to {flag.meaning}: {scope.text}.",
                "What it closes waits in its order and costs no attempt; nothing is lost.",
            ),
            facts=(("Lets through now", f"{before} %"), ("Will let through", f"{percent} %")),
            button=f"Set to {percent} %",
            back=url_for(".index"),
            given=tuple(given.items()),
            reason="Why? It is kept in the audit.",
            danger=percent < before,
        )
        return ask(self, question)

    @expose("/clear", methods=("POST",))
    def clear(self) -> ResponseReturnValue:
        """Take a rule away."""
        who, given = actor(Permission.CONNECT), {name: request.form.get(name, "").strip() for name in _FIELDS}
        with hub().unit_of_work() as uow:
            clear_flag(uow, given["flag"], _scope(given), who)
        flash(f"{given['flag']} has no rule any more, {_scope(given).text}.")
        return redirect(url_for(".index"), 303)


_FIELDS = ("flag", "percent", *DIMENSIONS)


def _scope(given: dict[str, str]) -> Scope:
    return Scope(**{name: given[name] for name in DIMENSIONS})


def _of_row(row: object) -> Scope:
    return Scope(**{name: getattr(row, name) for name in DIMENSIONS})


def _percent(uow: UnitOfWork, name: str, scope: Scope) -> Decimal:
    return explain(read_rules(uow.session), name, scope, "").percent
