"""The rules of quotes by hand: where they are rounded, and the margin that no discount goes below."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.forms import Form, errors_of, typed
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.pricing.canonical.prices import Floor, QuoteRule, Rounding
from app.domains.pricing.queries.promotions import quote_rules
from app.domains.pricing.service.promotions import set_rule
from app.infra.connecting import all_connections
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError
from app.kernel.money import Half
from app.kernel.written import number_of

FIELDS = ("company", "channel", "rounding", "half", "margin", "floor")
ROUNDINGS = {Rounding.LINE: "each line by itself", Rounding.ORDER: "the sum of the order, spread back"}
HALVES = {Half.UP: "up", Half.EVEN: "to the even one", Half.DOWN: "down"}
FLOORS = {Floor.CUT: "the discount is cut back", Floor.REFUSE: "the quote is refused"}


class QuoteRules(Page):
    """How quotes are made, for everybody, a company or a channel."""

    @expose("/rules", methods=("GET", "POST"))
    def rules(self) -> ResponseReturnValue:
        """Every rule, and the form that sets one; promotions that channels show are counted anew by it."""
        form = Form(given={})
        if request.method == "POST":
            who, given = actor(Permission.WORK), typed(FIELDS)
            try:
                with hub().unit_of_work() as uow:
                    set_rule(uow, _rule(given), who, company=given["company"], channel=given["channel"])
                named = given["channel"] or given["company"] or "everybody"
                flash(f"Quotes of {named} go by this rule from now on.")
                return redirect(url_for(".rules"), 303)
            except HubError as error:
                form = Form(given=given, wrong=errors_of(error, FIELDS, {}))
        with reading() as uow:
            found = quote_rules(uow)
            channels = [row.name for row in all_connections(uow)]
        page = self.render(
            "console/quote_rules.html", form=form, found=found, channels=channels, roundings=ROUNDINGS, halves=HALVES,
            floors=FLOORS, title="Quote rules",
        )  # fmt: skip
        return page, 422 if form.wrong else 200


def _rule(given: dict[str, str]) -> QuoteRule:
    """The rule that a form says; its margin is per cent. Raises Invalid for what is no number."""
    margin = number_of(given["margin"], "margin", "pricing.margin", like="25") / 100 if given["margin"] else None
    return QuoteRule(
        rounding=Rounding(given["rounding"] or Rounding.LINE), half=Half(given["half"] or Half.UP), margin=margin,
        floor=Floor(given["floor"] or Floor.CUT),
    )  # fmt: skip
