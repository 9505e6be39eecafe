"""SKUs of channels: which ones nobody knows, what they may be, and what somebody has said of others."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.product import queries
from app.flows import sku_mapping
from app.flows.sku_mapping import Mapped
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub

MOST_SUGGESTED = 4  # unknown SKUs compared on one page: each reads the catalogue once, half a second of 200,000 SKUs
WHYS = {"gtin": "same GTIN", "sku": "same but for case and signs", "alias": "so at a channel", "title": "title alike"}


class SkuMappingPages(Page):
    """What channels call our SKUs."""

    @expose("/")
    def index(self) -> str:
        at, after = request.args.get("at", "")[:200], request.args.get("after", "")[:200]
        wanted = request.args.get("sku", "")[:200]
        with reading() as uow:
            missing = sku_mapping.unmapped(uow)
            asked = [one for one in missing if one.sku == wanted] or missing
            likely = {one.case_id: sku_mapping.suggest(uow, one) for one in asked[:MOST_SUGGESTED]}
            rows = queries.aliases(uow, after=(at, after), most=PAGE_ROWS + 1)
        following = ""
        if len(rows) > PAGE_ROWS:
            rows, last = rows[:PAGE_ROWS], rows[PAGE_ROWS - 1]
            following = url_for(".index", at=last.connection, after=last.external)
        return str(
            self.render(
                "console/sku_mapping.html", missing=missing, likely=likely, rows=rows, whys=WHYS, following=following,
            )
        )  # fmt: skip

    @expose("/map", methods=("POST",))
    def map(self) -> ResponseReturnValue:
        """Say what a channel's SKU is here; what waited for it goes on."""
        who = actor(Permission.WORK)
        form = {name: request.form.get(name, "").strip() for name in ("external", "sku", "company", "why")}
        with hub().unit_of_work() as uow:
            done = sku_mapping.map_sku(
                uow, form["external"], form["sku"], who, company=form["company"], why=form["why"]
            )
        flash(f"{form['external']} is {done.sku} at {', '.join(done.channels)}.{_went_on(done)}")
        return redirect(url_for(".index"), 303)

    @expose("/remove", methods=("POST",))
    def remove(self) -> ResponseReturnValue:
        """Forget what a channel's SKU is here, after a look at what it means."""
        who = actor(Permission.WORK)
        connection, external = request.form.get("connection", ""), request.form.get("external", "")
        back = url_for(".index")
        if sure():
            with hub().unit_of_work() as uow:
                sku_mapping.forget_sku(uow, connection, external, who, why())
            flash(f"{external} of {connection} is mapped no more.")
            return redirect(back, 303)
        question = Question(
            title=f"Forget what {external} is",
            sentences=(
                f"New orders of {connection} are then posted under {external} itself.",
                "Where the ERP has no such item they wait in one case.",
            ),
            button="Forget it", back=back, reason="Why? It is kept in the audit.", danger=True,
            given=[("connection", connection), ("external", external)],
        )  # fmt: skip
        return ask(self, question)


def _went_on(done: Mapped) -> str:
    if not done.cases:
        return ""
    cases = f"{done.cases} case{'' if done.cases == 1 else 's'}"
    return f" {done.released} deliveries that waited go on; {cases} closed."
