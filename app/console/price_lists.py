"""Prices: lists with what they cost, promotions, and a quote that explains itself."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.price_list_forms import PriceListForms
from app.console.price_previews import ASKED, basket
from app.console.promotion_forms import PromotionForms, shown_at_channels
from app.console.quote_rules import QuoteRules
from app.console.sign_in import actor
from app.domains.pricing.canonical.prices import price_text
from app.domains.pricing.policy.periods import zone_of
from app.domains.pricing.queries import lists, promotions
from app.domains.pricing.queries.lists import KeptList
from app.domains.pricing.service.lists import switch_list
from app.domains.pricing.service.promotions import end_promotion
from app.domains.pricing.service.quoting import quote
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError

PAGE = 50


class PriceListPages(PriceListForms, PromotionForms, QuoteRules):
    """What things cost, for whom, and why."""

    @expose("/")
    def index(self) -> str:
        after = {name: request.args.get(name, "") for name in ("list", "promotion")}
        with reading() as uow:
            kept = lists.price_lists(uow, after=after["list"], most=PAGE + 1)
            promoted = promotions.promotions(uow, after=after["promotion"], most=PAGE + 1)
        return str(self.render("console/price_lists.html", lists=kept, promotions=promoted, page=PAGE))

    @expose("/lists/<path:code>")
    def one(self, code: str) -> str:
        sku, after = request.args.get("sku", "").strip(), request.args.get("after", "")
        with reading() as uow:
            kept = lists.price_list(uow, code)
            found = lists.prices(uow, kept, sku=sku, after=after, most=PAGE)
        skus = sorted({price.sku for price in found})
        older = url_for(".one", code=code, after=skus[-1]) if len(skus) == PAGE else ""
        return str(
            self.render(
                "console/price_list.html", kept=kept, prices=found, sku=sku, older=older, clock=_clock(kept),
                price_text=price_text, title=code,
            )
        )  # fmt: skip

    @expose("/lists/<path:code>/open", methods=("POST",))
    def open(self, code: str) -> ResponseReturnValue:
        """Close a list, or open it again."""
        who = actor(Permission.WORK)
        with reading() as uow:
            opened = lists.price_list(uow, code).list.open
        if sure():
            with hub().unit_of_work() as uow:
                switch_list(uow, code, who, why(), on=request.form.get("opened") == "no")
            flash(f"{code} is {'closed' if request.form.get('opened') == 'yes' else 'open'}.")
            return redirect(url_for(".one", code=code), 303)
        question = Question(
            title=f"{'Close' if opened else 'Open'} the price list {code}",
            sentences=(
                ("Its prices stop to count at once: a less particular list prices its SKUs, where there is one.",)
                if opened
                else ("Its prices count again at once, before those of less particular lists.",)
            ),
            button="Close it" if opened else "Open it",
            back=url_for(".one", code=code),
            given=(("opened", "yes" if opened else "no"),),
            reason="Why? It is kept in the audit.",
            danger=opened,
        )
        return ask(self, question)

    @expose("/promotions/<path:code>")
    def promotion(self, code: str) -> str:
        with reading() as uow:
            found = promotions.promotion(uow, code)
        return str(
            self.render(
                "console/promotion.html", promotion=found, clock=zone_of(found.zone), title=code,
                at_channels=shown_at_channels(found),
            )
        )  # fmt: skip

    @expose("/promotions/<path:code>/end", methods=("POST",))
    def end(self, code: str) -> ResponseReturnValue:
        """End a promotion at once."""
        who = actor(Permission.WORK)
        if sure():
            with hub().unit_of_work() as uow:
                ended = end_promotion(uow, code, who, why())
            flash(f"{code} {'ended' if ended else 'had ended before'}.")
            return redirect(url_for(".promotion", code=code), 303)
        with reading() as uow:
            found = promotions.promotion(uow, code)
        question = Question(
            title=f"End the promotion {code}",
            sentences=(f"No quote takes it any more: {found.words}.", "Orders that were placed keep what they had."),
            button="End it",
            back=url_for(".promotion", code=code),
            reason="Why? It is kept in the audit.",
            danger=True,
        )
        return ask(self, question)

    @expose("/quote")
    def quote(self) -> str:
        given = {name: request.args.get(name, "").strip() for name in ASKED}
        found, wrong = None, ""
        if given["lines"]:
            try:
                found = quote(hub(), basket(given, hub().clock.now()))
            except HubError as error:
                wrong = error.message
        return str(self.render("console/quote.html", given=given, quote=found, wrong=wrong, title="Quote"))


def _clock(kept: KeptList) -> Any:
    """What the clock of the list's zone shows at an instant."""
    zone = zone_of(kept.list.zone)
    return lambda instant: f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
