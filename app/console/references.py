"""References: whose id is what at which system, and changes of that, looked at before they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra import references
from app.infra.connecting import all_connections
from app.infra.references import Change
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

Plan = Callable[[UnitOfWork, Mapping[str, str]], Change]
FIELDS = ("deed", "connection", "kind", "key", "external_id", "number", "to", "past")
PLANS: Mapping[str, tuple[str, Plan]] = {
    "link": (
        "Link",
        lambda uow, on: references.plan_link(
            uow, on["connection"], on["kind"], on["key"], on["external_id"], on["number"]
        ),
    ),
    "unlink": ("Unlink", lambda uow, on: references.plan_unlink(uow, on["connection"], on["kind"], on["key"])),
    "forget": ("Forget", lambda uow, on: references.plan_forget(uow, on["connection"], on["kind"], on["key"])),
    "move": ("Move", lambda uow, on: references.plan_move(uow, on["connection"], on["kind"], on["key"], on["to"])),
    "merge": ("Merge", lambda uow, on: references.plan_merge(uow, on["kind"], on["key"], on["to"])),
    "restore": ("Bring back", lambda uow, on: references.plan_restore(uow, int(on["past"] or 0))),
}


class ReferencePages(Page):
    """Their ids and ours."""

    @expose("/")
    def index(self) -> str:
        words = request.args.get("q", "").strip()
        with reading() as uow:
            ties, past = references.found(uow, words) if words else ([], [])
            names = [row.name for row in all_connections(uow)]
        return str(self.render("console/references.html", words=words, ties=ties, past=past, names=names))

    @expose("/change", methods=("POST",))
    def change(self) -> ResponseReturnValue:
        """Do a deed, once the person has seen what follows from it."""
        who, given = actor(Permission.WORK), {name: request.form.get(name, "").strip() for name in FIELDS}
        if given["deed"] not in PLANS or not (given["past"] or "0").isdecimal():
            raise Invalid("references.empty", f"deed: give one of {', '.join(PLANS)}", about="deed")
        title, plan = PLANS[given["deed"]]
        back = url_for(".index", q=given["to"] or given["key"] or None)
        if sure():
            with hub().unit_of_work() as uow:
                change = plan(uow, given)
                references.carry_out(uow, change, who, why())
            flash(f"Done: {change.did}. {change.follows[0]}")
            return redirect(back, 303)
        with reading() as uow:
            change = plan(uow, given)
        facts = [(f"Goes: {one.kind} {one.key}", f"{one.external_id} at {one.connection}") for one in change.goes[:20]]
        facts += [(f"Comes: {one.kind} {one.key}", f"{one.external_id} at {one.connection}") for one in change.comes]
        question = Question(
            title=f"{title} {given['kind'] or 'this tie'} {given['key']}".strip(), sentences=change.follows,
            facts=facts, button=title, back=back, given=[(name, value) for name, value in given.items() if value],
            reason="Why? It is kept in the audit.", reason_needed=True, danger=True,
        )  # fmt: skip
        return ask(self, question)
