"""Prices: lists with what they cost, promotions, and a quote that explains itself."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.pricing.canonical.basket import Asked, Basket, Destination
from app.domains.pricing.canonical.prices import Price, price_text
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.queries import lists, promotions
from app.domains.pricing.queries.lists import KeptList
from app.domains.pricing.service.lists import keep_prices, switch_list
from app.domains.pricing.service.promotions import end_promotion
from app.domains.pricing.service.quoting import quote
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid
from app.kernel.money import Money, UnitPrice

PAGE = 50
ASKED = ("currency", "channel", "company", "customer", "customer_group", "country", "region", "postal_code",
         "shipping", "lines")  # fmt: skip


class PriceListPages(Page):
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
                written=written(found, kept), price_text=price_text, title=code,
            )
        )  # fmt: skip

    @expose("/lists/<path:code>/set", methods=("POST",))
    def set(self, code: str) -> ResponseReturnValue:
        """Give one SKU the prices that were written down, in place of all it had in this list."""
        who, sku = actor(Permission.WORK), request.form.get("sku", "").strip()
        with hub().unit_of_work() as uow:
            kept = lists.price_list(uow, code)
            wanted = read(request.form.get("prices", ""), sku, kept)
            changed = keep_prices(uow, code, wanted, who, without=(sku,))
        flash(f"The prices of {sku} in {code} are {'as written here' if changed else 'what they were'}.")
        return redirect(url_for(".one", code=code, sku=sku), 303)

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
            self.render("console/promotion.html", promotion=found, clock=zone_of(found.zone),
                        title=code)
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
                found = quote(hub(), basket(given))
            except HubError as error:
                wrong = error.message
        return str(self.render("console/quote.html", given=given, quote=found, wrong=wrong, title="Quote"))


def basket(given: dict[str, str]) -> Basket:
    """The basket that a person wrote down: a SKU, a quantity and, where it is not the SKU's own, a unit on each line.

    Raises Invalid, naming the line.
    """
    asked = []
    for n, line in enumerate(given["lines"].splitlines(), 1):
        if parts := line.split():
            number = _number(parts[1] if len(parts) > 1 else "1", f"line {n}")
            asked.append(
                Asked(line_id=str(n), sku=parts[0], quantity=number, unit=parts[2] if len(parts) > 2 else "")
            )  # fmt: skip
    currency = given["currency"].upper()
    names = ("channel", "company", "customer", "customer_group")
    where = Destination(
        country=given["country"].upper(), region=given["region"].upper(), postal_code=given["postal_code"]
    )
    return Basket(
        currency=currency, at=hub().clock.now(), lines=tuple(asked), destination=where,
        shipping=Money.parse(given["shipping"], currency) if given["shipping"] else None,
        **{name: given[name] for name in names},
    )  # fmt: skip


def read(text: str, sku: str, kept: KeptList) -> list[Price]:
    """Prices as a person writes them: `from-quantity amount first-day last-day unit`, a dash for an open end."""
    if not sku:
        raise Invalid("pricing.price", "sku: name the item whose prices these are")
    found, zone = [], zone_of(kept.list.zone)
    for n, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) not in (3, 4, 5):
            raise Invalid("pricing.price", f"line {n}: write quantity, amount, first day, last day or -, and unit")
        until = parts[3] if len(parts) > 3 and parts[3] != "-" else ""
        found.append(
            Price(
                sku=sku, unit=parts[4] if len(parts) > 4 else "", min_quantity=_number(parts[0], f"line {n}"),
                amount=UnitPrice(_number(parts[1], f"line {n}"), kept.list.currency), from_at=begins(parts[2], zone),
                until_at=ends(until, zone) if until else None,
            )
        )  # fmt: skip
    return found


def written(prices: Sequence[Price], kept: KeptList) -> str:
    """Prices as `read` reads them."""
    zone = zone_of(kept.list.zone)

    def line(price: Price) -> str:
        times = [f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}" if at else "-" for at in (price.from_at, price.until_at)]
        return f"{price.min_quantity.normalize():f} {price_text(price.amount)} {' '.join(times)} {price.unit}".rstrip()

    return "\n".join(line(price) for price in prices)


def _clock(kept: KeptList) -> Any:
    """What the clock of the list's zone shows at an instant."""
    zone = zone_of(kept.list.zone)
    return lambda instant: f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _number(text: str, where: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as wrong:
        raise Invalid("pricing.price", f"{where}: {text!r} is no number") from wrong
