"""Gates: what orders and customers must be like before they go to an ERP."""

from __future__ import annotations

from dataclasses import fields

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.frame import reading
from app.console.sign_in import actor
from app.flows import validating
from app.infra.connecting import all_connections
from app.infra.validation import CHECKS, GateRule, read_gates
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub

FIELDS = ("kind", "company", "field", "rule", "value", "fix")


class GatePages(Page):
    """Rules for documents, by type and company."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            rules = read_gates(uow)
            companies = sorted({row.company for row in all_connections(uow)} - {""})
        known = {kind: [one.name for one in fields(document)] for kind, document in validating.DOCUMENTS.items()}
        return str(self.render("console/gates.html", rules=rules, checks=CHECKS, companies=companies, known=known))

    @expose("/set", methods=("POST",))
    def set(self) -> ResponseReturnValue:
        """Set a rule."""
        who = actor(Permission.CONNECT)
        rule = GateRule(**{name: request.form.get(name, "").strip() for name in FIELDS})
        with hub().unit_of_work() as uow:
            again = validating.set_rule(uow, rule, who, request.form.get("why", "").strip())
        flash(f"{rule.kind} {rule.field}: {rule.rule} {rule.value}. {again} deliveries are looked at again.")
        return redirect(url_for(".index"), 303)

    @expose("/clear", methods=("POST",))
    def clear(self) -> ResponseReturnValue:
        """Take a rule away."""
        who = actor(Permission.CONNECT)
        with hub().unit_of_work() as uow:
            again = validating.unset_rule(uow, request.form.get("id", ""), who)
        flash(f"The rule is gone. {again} deliveries are looked at again.")
        return redirect(url_for(".index"), 303)
