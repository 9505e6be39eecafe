"""The forms of price lists: for whom a list is, and what a SKU costs in it by quantity and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from marshmallow import ValidationError

from app.console.forms import Form, errors_of, typed
from app.console.frame import reading
from app.console.price_previews import previewed
from app.console.sign_in import actor
from app.domains.pricing.canonical.prices import Price, price_text
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.queries import lists
from app.domains.pricing.queries.lists import KeptList
from app.domains.pricing.schemas.lists import PriceListSchema, list_of
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.infra.connecting import all_connections
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid, NotFound
from app.kernel.money import UnitPrice
from app.kernel.written import number_of

SCOPE = ("company", "channel", "customer_group", "customer")
FIELDS = ("code", "title", "currency", "prices", "zone", *SCOPE)
PLACES = {"pricing.scope_taken": "customer", "pricing.unknown_zone": "zone", "money.currency": "currency"}
ROW = ("min_quantity", "amount", "from", "until", "unit")
SPARE, MOST_ROWS = 3, 200  # empty rows under a SKU's prices; rows of one form
PRICE = "pricing.price"


class PriceListForms(Page):
    """Price lists by hand."""

    @expose("/new-list", methods=("GET", "POST"))
    def new_list(self) -> ResponseReturnValue:
        return self._list("", Form(given={"prices": "gross", "zone": "UTC"}), is_open=True)

    @expose("/lists/<path:code>/edit", methods=("GET", "POST"))
    def edit_list(self, code: str) -> ResponseReturnValue:
        with reading() as uow:
            kept = lists.price_list(uow, code).list
        given = {name: getattr(kept.scope, name) for name in SCOPE}
        given |= {name: getattr(kept, name) for name in ("code", "title", "currency", "zone")}
        return self._list(
            code, Form(given={**given, "prices": "gross" if kept.includes_tax else "net"}), is_open=kept.open
        )

    def _list(self, code: str, form: Form, *, is_open: bool) -> ResponseReturnValue:
        who = actor(Permission.WORK)
        if request.method == "POST":
            given = {**typed(FIELDS), **({"code": code} if code else {})}
            try:
                body = {name: given[name] for name in FIELDS if name not in ("code", "prices")}
                body["currency"] = body["currency"].upper()
                loaded = PriceListSchema().load(
                    {**body, "prices_include_tax": given["prices"] == "gross", "open": is_open}
                )
                with hub().unit_of_work() as uow:
                    _require_new(uow, given["code"], code)
                    keep_list(uow, list_of(given["code"], loaded), who)
                flash(f"The price list {given['code']} is kept.")
                return redirect(url_for(".one", code=given["code"]), 303)
            except (HubError, ValidationError) as error:
                form = Form(given=given, wrong=errors_of(error, (*FIELDS, "includes_tax"), PLACES))
        with reading() as uow:
            channels = [row.name for row in all_connections(uow)]
        page = self.render(
            "console/price_list_form.html", form=form, code=code, channels=channels,
            title=f"Change {code}" if code else "New price list",
        )  # fmt: skip
        return page, 422 if form.wrong else 200

    @expose("/lists/<path:code>/prices", methods=("GET", "POST"))
    def prices(self, code: str) -> ResponseReturnValue:
        """A SKU's prices, row by row; what is posted is tried on a basket, or takes the place of all it had here."""
        who, sku = actor(Permission.WORK), request.values.get("sku", "").strip()
        with reading() as uow:
            kept = lists.price_list(uow, code)
            rows = written(lists.prices(uow, kept, sku=sku) if sku else (), kept)
        looked: Any = ()
        wrong: Sequence[Any] = ()
        if request.method == "POST":
            rows = [dict(zip(ROW, row, strict=True)) for row in zip(*(_column(name) for name in ROW), strict=False)]
            try:
                wanted = read(rows, sku, kept)

                def change(uow: UnitOfWork) -> Any:
                    return keep_prices(uow, code, wanted, who, without=(sku,))

                if request.form.get("act") == "look":
                    instants = [at for price in wanted for at in (price.from_at, price.until_at)]
                    looked = previewed(kept.list.zone, change, instants, kept.list.currency)
                else:
                    with hub().unit_of_work() as uow:
                        changed = change(uow)
                    flash(f"The prices of {sku} in {code} are {'as written here' if changed else 'what they were'}.")
                    return redirect(url_for(".one", code=code, sku=sku), 303)
            except HubError as error:
                wrong = errors_of(error, ("sku", "lines"), {})
        blank = dict.fromkeys(ROW, "")
        filled = [row for row in rows if any(row.values())]
        page = self.render(
            "console/price_rows.html", kept=kept, sku=sku, rows=[*filled, *([blank] * SPARE)], looked=looked,
            names=["sku", "lines", *(f"row-{n}" for n in range(1, MOST_ROWS + 1))],
            form=Form(given=request.form, wrong=wrong), title=f"Prices of {sku or 'a SKU'} in {code}",
        )  # fmt: skip
        return page, 422 if wrong else 200


def read(rows: Sequence[dict[str, str]], sku: str, kept: KeptList) -> list[Price]:
    """The prices of a form's rows; empty rows are none. Raises Invalid, naming row, field, rule and fix."""
    if not sku:
        raise Invalid(PRICE, "sku: name the item whose prices these are")
    zone, found, wrong = zone_of(kept.list.zone), [], []
    for n, row in enumerate((row for row in rows if any(row.values())), 1):
        try:
            found.append(_price(row, sku, kept.list.currency, zone))
        except HubError as error:
            wrong.append({"field": f"row-{n}", "rule": error.message, "fix": ""})
    if wrong:
        raise Invalid(PRICE, "some rows are no prices", errors=wrong)
    return found


def written(prices: Sequence[Price], kept: KeptList) -> list[dict[str, str]]:
    """Prices as the form's rows show them, in the times of the list's zone."""
    zone = zone_of(kept.list.zone)
    return [
        {
            "min_quantity": f"{price.min_quantity.normalize():f}", "amount": price_text(price.amount),
            "from": _time(price.from_at, zone), "until": _until(price.until_at, zone) if price.until_at else "",
            "unit": price.unit,
        }
        for price in prices
    ]  # fmt: skip


def _price(row: dict[str, str], sku: str, currency: str, zone: ZoneInfo) -> Price:
    return Price(
        sku=sku, unit=row["unit"], min_quantity=number_of(row["min_quantity"] or "1", "from quantity", PRICE),
        amount=UnitPrice(number_of(row["amount"], "each", PRICE, like="12.50"), currency),
        from_at=_instant("first day", row["from"], begins, zone),
        until_at=_instant("last day", row["until"], ends, zone) if row["until"] else None,
    )  # fmt: skip


def _instant(name: str, text: str, reading_of: Callable[[str, ZoneInfo], datetime], zone: ZoneInfo) -> datetime:
    try:
        return reading_of(text, zone)
    except Invalid as error:
        raise Invalid(error.code, f"{name}: {error.message}") from error


def _time(at: datetime, zone: ZoneInfo) -> str:
    """A day where it begins with it, else a time of the zone's clock."""
    there = at.astimezone(zone)
    if there.time() == time():
        return f"{there:%Y-%m-%d}"
    return f"{there:%Y-%m-%dT%H:%M:%S}" if there.second else f"{there:%Y-%m-%dT%H:%M}"


def _until(at: datetime, zone: ZoneInfo) -> str:
    """The last day where it ends with one, else the time at which it ends."""
    there = at.astimezone(zone)
    return f"{there.date() - timedelta(days=1)}" if there.time() == time() else _time(at, zone)


def _column(name: str) -> list[str]:
    return [text.strip() for text in request.form.getlist(name)[:MOST_ROWS]]


def _require_new(uow: UnitOfWork, code: str, before: str) -> None:
    """A new list must not take the place of another by a slip of the keyboard."""
    if before:
        return
    try:
        lists.price_list(uow, code)
    except NotFound:
        return
    raise Invalid(
        "pricing.list", f"code: there is a price list {code!r} already; change that one, or take another code"
    )
