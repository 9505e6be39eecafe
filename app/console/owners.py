"""Owners: which system may change which group of fields in which company, and what was refused or held."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.flows import owning
from app.infra.connecting import all_connections
from app.infra.foreign import STATES, standing
from app.infra.ownership import (
    ANYBODY,
    DEFAULTS,
    HUB,
    ROLE,
    Owner,
    check,
    owner_in,
    read_rules,
    set_owner,
    unset_owner,
)
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

MOST = 100
FIELDS = ("company", "entity", "group", "owner", "otherwise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A group of an entity in a company, with who owns it."""

    entity: str
    group: str
    company: str
    owner: Owner


class OwnerPages(Page):
    """One system of record for each group of fields, by company."""

    @expose("/")
    def index(self) -> str:
        state = request.args.get("state", "")
        with reading() as uow:
            rules, connections = read_rules(uow), all_connections(uow)
            updates = standing(uow, state=state if state in STATES else "", most=MOST)
            roles = sorted(uow.hub.outbox.roles)
        named = [(entity, group, "") for entity, groups in DEFAULTS.items() for group in groups]
        keys = sorted({*named, *((entity, group, company) for company, entity, group in rules)})
        cells = [
            Cell(
                entity=entity, group=group, company=company,
                owner=rules.get((company, entity, group)) or owner_in(rules, company, entity, group),
            )
            for entity, group, company in keys
        ]  # fmt: skip
        owners = [ANYBODY, HUB, *(f"{ROLE}{role}" for role in roles), *(row.name for row in connections)]
        return str(
            self.render(
                "console/owners.html", cells=cells, rules=rules, entities=DEFAULTS, owners=owners, updates=updates,
                companies=sorted({row.company for row in connections} - {""}), state=state, states=STATES,
            )
        )  # fmt: skip

    @expose("/set", methods=("POST",))
    def set(self) -> ResponseReturnValue:
        """Name an owner, once the person has seen what that means."""
        who, given = actor(Permission.CONNECT), _form()
        company, entity, group, owner, otherwise = (given[name] for name in FIELDS)
        if sure():
            with hub().unit_of_work() as uow:
                set_owner(uow, company, entity, group, owner, who, why(), otherwise=otherwise)
            flash(f"{owner} owns {entity} {group or 'as a whole'}. Every process knows within a second.")
            return redirect(url_for(".index"), 303)
        with reading() as uow:
            check(uow, entity, group, owner, otherwise)
            before = owner_in(read_rules(uow), company, entity, group)
        others = "are kept for a person to decide" if otherwise == "hold" else "are refused"
        question = Question(
            title=f"Let {owner} own {entity} {group or 'as a whole'}",
            sentences=(
                f"Updates by others {others}; each is noted once and counted. What is there already stays.",
                "New things are taken in whole from whoever brings them, and people may change everything.",
            ),
            facts=(("For", company or "all companies"), ("Owner now", before.owner), ("Owner then", owner)),
            button="Name this owner", back=url_for(".index"), given=tuple(given.items()),
            reason="Why? It is kept in the audit.", danger=True,
        )  # fmt: skip
        return ask(self, question)

    @expose("/clear", methods=("POST",))
    def clear(self) -> ResponseReturnValue:
        """Take a rule away."""
        who, given = actor(Permission.CONNECT), _form()
        with hub().unit_of_work() as uow:
            unset_owner(uow, given["company"], given["entity"], given["group"], who)
        flash(f"Nobody is named for {given['entity']} {given['group'] or 'as a whole'} any more.")
        return redirect(url_for(".index"), 303)

    @expose("/decide", methods=("POST",))
    def decide(self) -> ResponseReturnValue:
        """Take a held update over, or drop it."""
        who, choice, update = actor(Permission.WORK), request.form.get("choice", ""), request.form.get("update", "")
        deeds = {"take": owning.take, "drop": owning.drop}
        if choice not in deeds:
            raise Invalid("ownership.unknown", "say whether to take it over or to drop it", about="choice")
        with hub().unit_of_work() as uow:
            deeds[choice](uow, update, who, request.form.get("why", "").strip())
        flash("The update was taken over." if choice == "take" else "The update was dropped.")
        return redirect(url_for(".index"), 303)


def _form() -> dict[str, str]:
    given = {name: request.form.get(name, "").strip() for name in FIELDS}
    return {**given, "otherwise": given["otherwise"] or "refuse"}
