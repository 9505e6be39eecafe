"""The form of a promotion: made, changed, and tried on a basket before it is kept."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from marshmallow import ValidationError

from app.console.forms import Form, errors_of, typed
from app.console.frame import reading
from app.console.price_previews import previewed
from app.console.sign_in import actor
from app.domains.pricing.canonical.promotions import Kind, Promotion
from app.domains.pricing.policy.channel_promotions import why_not_a_price
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.queries import promotions
from app.domains.pricing.schemas.promotions import PromotionSchema, promotion_body, promotion_from
from app.domains.pricing.service.promotions import keep_promotion
from app.infra.connecting import all_connections
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid, NotFound

LISTS = ("skus", "categories", "product_types", "stacks_with")
WHOLE = ("buy", "get", "most_times", "priority")
NUMBERS = ("min_quantity", "min_amount")
WORDS = ("title", "kind", "level", "value", "currency", "company", "channel", "customer_group", "zone", "from", "until",
         "best_of")  # fmt: skip
FIELDS = ("code", *WORDS, *LISTS, *WHOLE, *NUMBERS, "exclusive", "open")
PLACES = {"pricing.no_stacking_rule": "stacks_with", "pricing.unknown_zone": "zone", "money.currency": "currency"}
KINDS = {
    Kind.PERCENTAGE: "Per cent off", Kind.AMOUNT: "An amount off", Kind.FIXED_PRICE: "A price of its own",
    Kind.BUY_X_GET_Y: "Buy some, get some cheaper",
}  # fmt: skip


class PromotionForms(Page):
    """Promotions by hand."""

    @expose("/new-promotion", methods=("GET", "POST"))
    def new_promotion(self) -> ResponseReturnValue:
        blank = {"zone": "UTC", "level": "line", "kind": "percentage", "open": "yes"}
        return self._promotion("", Form(given=blank))

    @expose("/promotions/<path:code>/edit", methods=("GET", "POST"))
    def edit_promotion(self, code: str) -> ResponseReturnValue:
        with reading() as uow:
            found = promotions.promotion(uow, code)
        return self._promotion(code, Form(given=_given(found)))

    def _promotion(self, code: str, form: Form) -> ResponseReturnValue:
        """The form; what is posted is tried on a basket, or kept. Nothing is kept of what is refused."""
        who = actor(Permission.WORK)
        looked: Any = ()
        if request.method == "POST":
            given = {**typed(FIELDS), **({"code": code} if code else {})}
            form = Form(given=given)
            try:
                wanted = read(given)
                if not code:
                    _require_new(wanted.code)
                if request.form.get("act") == "look":
                    looked = previewed(
                        wanted.zone, lambda uow: keep_promotion(uow, wanted, who), (wanted.from_at, wanted.until_at)
                    )
                else:
                    with hub().unit_of_work() as uow:
                        keep_promotion(uow, wanted, who)
                    flash(f"{wanted.code} is kept: {wanted.words}.")
                    return redirect(url_for(".promotion", code=wanted.code), 303)
            except (HubError, ValidationError) as error:
                form = Form(given=given, wrong=errors_of(error, (*FIELDS, "lines"), PLACES))
        with reading() as uow:
            channels = [row.name for row in all_connections(uow)]
        page = self.render(
            "console/promotion_form.html", form=form, code=code, kinds=KINDS, looked=looked, channels=channels,
            title=f"Change {code}" if code else "New promotion",
        )  # fmt: skip
        return page, 422 if form.wrong else 200


def read(given: dict[str, str]) -> Promotion:
    """The promotion that a form says. Raises Invalid or ValidationError, naming the fields that are wrong."""
    body: dict[str, Any] = {name: given[name] for name in WORDS if given[name]}
    body |= {name: given[name] for name in (*WHOLE, *NUMBERS) if given[name]}
    body |= {name: given[name].replace(",", " ").split() for name in LISTS if name != "categories"}
    body["categories"] = [one.strip() for one in given["categories"].split(",") if one.strip()]
    body |= {name: given[name] == "yes" for name in ("exclusive", "open")}
    if body.get("currency"):
        body["currency"] = body["currency"].upper()
    loaded = PromotionSchema().load(body)
    zone = zone_of(loaded["zone"])
    wrong = [*_untimely("from", loaded["from_"], begins, zone), *_untimely("until", loaded["until"], ends, zone)]
    if wrong:
        raise Invalid("pricing.promotion", "the times are wrong", errors=wrong)
    return promotion_from(given["code"], loaded)


def _require_new(code: str) -> None:
    """A new promotion must not take the place of another by a slip of the keyboard."""
    try:
        with reading() as uow:
            promotions.promotion(uow, code)
    except NotFound:
        return
    said = f"code: there is a promotion {code!r} already; change that one, or take another code"
    raise Invalid("pricing.promotion", said)


def shown_at_channels(promotion: Promotion) -> str:
    """Whether channels show it as a price, in words."""
    if why := why_not_a_price(promotion):
        return f"no: {why}. Quotes and orders have it all the same"
    return "yes: as the price of each item, the one without it struck through, from its begin until its end"


def _untimely(name: str, text: str, read_time: Any, zone: Any) -> list[dict[str, str]]:
    try:
        if text:
            read_time(text, zone)
    except Invalid as error:
        return [{"field": name, "rule": error.message, "fix": ""}]
    return []


def _given(found: Promotion) -> dict[str, str]:
    """What a promotion says in the fields of its form."""
    body = promotion_body(found)
    body["from"] = body["from_"]
    given = {name: ", ".join(body[name]) for name in LISTS}
    given |= {name: str(body[name]) for name in (*WORDS, *WHOLE, *NUMBERS, "code")}
    for name in ("value", *NUMBERS):
        given[name] = f"{Decimal(body[name]).normalize():f}"
    given |= {name: "" for name in (*WHOLE, *NUMBERS) if given[name] == "0"}
    given |= {name: _clock(given[name]) for name in ("from", "until") if given[name]}
    return given | {name: "yes" if body[name] else "" for name in ("exclusive", "open")}


def _clock(text: str) -> str:
    """A time without seconds, as a field of a form takes it."""
    moment = datetime.fromisoformat(text)
    return f"{moment:%Y-%m-%dT%H:%M}" if moment.second == 0 else text
