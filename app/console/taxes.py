"""Tax: which rates hold where and when, how each company's tax is rounded, and who is exempt by which certificate."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.pricing.policy.tax_quoting import TaxRule
from app.domains.pricing.policy.tax_reading import COLUMNS
from app.domains.pricing.policy.tax_table import Certificate, Jurisdiction, Rate
from app.domains.pricing.queries.tax import certificates, jurisdictions, rules
from app.domains.pricing.service.tax_rates import add_certificate, drop_jurisdiction, end_certificate, put_tax_table
from app.infra.acts import ActRow
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid
from app.kernel.written import day_of

MOST_SHOWN = 200  # jurisdictions on one page; a country with more is looked at by its region
MOST_ACTS = 10


class TaxPages(Page):
    """Rates by place, rules, certificates; a table is put whole or not at all."""

    @expose("/")
    def index(self) -> str:
        country = request.args.get("country", "").strip().upper()
        region = request.args.get("region", "").strip().upper()
        with reading() as uow:
            found = [one for one in jurisdictions(uow, country) if region in ("", one.region)]
            every, held = rules(uow), certificates(uow)
            acts = uow.session.query(ActRow).filter_by(kind="tax").order_by(ActRow.id.desc()).limit(MOST_ACTS).all()
        now = hub().clock.now()
        return str(
            self.render(
                "console/taxes.html", found=found[:MOST_SHOWN], more=len(found) - MOST_SHOWN, rules=every, held=held,
                usual=TaxRule(), country=country, region=region, columns=COLUMNS, acts=acts,
                stands=lambda there, rate: stands(there, rate, there.day_of(now)), today=now.date(), place=place,
            )
        )  # fmt: skip

    @expose("/put", methods=("POST",))
    def put(self) -> ResponseReturnValue:
        """A CSV file takes the place of the jurisdictions that it names."""
        who = actor(Permission.WORK)
        sent = request.files.get("table")
        if sent is None or not sent.filename:
            raise Invalid("pricing.tax_table", "table: choose a CSV file first", about="table")
        try:
            text = sent.read().decode("utf-8")
        except UnicodeDecodeError as wrong:
            raise Invalid("pricing.tax_table", "table: save the file as UTF-8", about="table") from wrong
        with hub().unit_of_work() as uow:
            taken = put_tax_table(uow, text, who, why())
        flash(f"{taken.jurisdictions} jurisdictions with {taken.rates} rates hold now, under your name.")
        return redirect(url_for(".index"), 303)

    @expose("/drop", methods=("POST",))
    def drop(self) -> ResponseReturnValue:
        """A jurisdiction goes, with its rates."""
        who, code = actor(Permission.WORK), request.form.get("jurisdiction", "")
        with hub().unit_of_work() as uow:
            drop_jurisdiction(uow, code, who, why())
        flash(f"{code} is gone, under your name.")
        return redirect(url_for(".index"), 303)

    @expose("/exempt", methods=("POST",))
    def exempt(self) -> ResponseReturnValue:
        """A customer's certificate is kept."""
        who, given = actor(Permission.WORK), request.form
        held = Certificate(
            certificate_id=given.get("certificate_id", "").strip(), customer=given.get("customer", "").strip(),
            country=given.get("country", "").strip().upper(), region=given.get("region", "").strip().upper(),
            tax_code=given.get("tax_code", "").strip(), effective_from=_day("since") or hub().clock.now().date(),
            effective_to=_day("until"),
        )  # fmt: skip
        with hub().unit_of_work() as uow:
            add_certificate(uow, held, who)
        flash(f"{held.customer} is exempt by {held.certificate_id}, under your name.")
        return redirect(url_for(".index"), 303)

    @expose("/exempt/end", methods=("POST",))
    def end(self) -> ResponseReturnValue:
        """A certificate is taken away."""
        who, given = actor(Permission.WORK), request.form
        with hub().unit_of_work() as uow:
            end_certificate(uow, given.get("customer", ""), given.get("certificate_id", ""), who, why())
        flash("Taken away, under your name: tax is charged from now on.")
        return redirect(url_for(".index"), 303)


def place(one: Jurisdiction) -> str:
    """Where a jurisdiction is, in words."""
    postal = f"{one.postal_from} to {one.postal_to}" if one.postal_from else ""
    return ", ".join(part for part in (one.country, one.region, postal) if part) or "everywhere else"


def stands(there: Jurisdiction, rate: Rate, day: date) -> str:
    """Whether a rate holds on a day of its zone, is over, or is to come."""
    return "holds" if rate.holds_on(day) else "over" if rate.effective_from <= day else "coming"


def _day(name: str) -> date | None:
    given = request.form.get(name, "").strip()
    return day_of(given, name, "pricing.tax_certificate") if given else None
