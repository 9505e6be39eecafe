"""`flask tax`: the table of rates, certificates of exemption, and how each company's tax is rounded."""

from __future__ import annotations

from decimal import Decimal
from typing import TextIO

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.pricing.canonical.tax import TaxLine, TaxRequest
from app.domains.pricing.policy.tax_quoting import TaxRule
from app.domains.pricing.policy.tax_sums import TaxMode, TaxRounding
from app.domains.pricing.policy.tax_table import Certificate, Place
from app.domains.pricing.queries.tax import certificates, jurisdictions, rules
from app.domains.pricing.service.tax_rates import (
    add_certificate,
    drop_jurisdiction,
    end_certificate,
    put_tax_table,
    set_tax_rule,
)
from app.domains.pricing.service.taxing import taxes_for
from app.infra.web.wiring import hub
from app.kernel.money import Half, Money
from app.kernel.written import day_of, number_of

taxes = Commands("tax", help="Tax rates by place and day, exemptions, and how tax is rounded.")
why_option = click.option("--why", default="", help="Kept in the audit.")
CERTIFICATE = "pricing.tax_certificate"  # the code of what is wrong with one
RATES = ("jurisdiction", "place", "tax_code", "name", "percent", "effective_from", "effective_to")


@taxes.command("put")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@why_option
@as_json
def put(file: TextIO, why: str, json_wanted: bool) -> None:
    """Put the jurisdictions of a CSV FILE in the place of those with their codes: all of it or nothing."""
    with hub().unit_of_work() as uow:
        taken = put_tax_table(uow, file.read(), who(), why)
    said = f"{taken.jurisdictions} jurisdictions with {taken.rates} rates hold now"
    tell(said, {"jurisdictions": taken.jurisdictions, "rates": taken.rates}, json_wanted=json_wanted)


@taxes.command("list")
@click.option("--country", default="", help="Of one country, such as DE.")
@as_json
def list_rates(country: str, json_wanted: bool) -> None:
    """Every rate with its place and days."""
    with hub().unit_of_work() as uow:
        rows = [
            {
                "jurisdiction": one.code, "place": place_of(one.country, one.region, one.postal_from, one.postal_to),
                "tax_code": rate.tax_code or "any", "name": rate.name, "percent": f"{rate.percent.normalize():f}",
                "effective_from": rate.effective_from, "effective_to": rate.effective_to, "compound": rate.compound,
                "shipping": one.shipping, "zone": one.zone,
            }
            for one in jurisdictions(uow, country.upper())
            for rate in one.rates
        ]  # fmt: skip
    listed(rows, RATES, json_wanted=json_wanted, nothing="No rate yet; `flask tax put FILE` takes them in.")


@taxes.command("drop")
@click.argument("jurisdiction")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def drop(jurisdiction: str, why: str, json_wanted: bool) -> None:
    """Take a JURISDICTION and its rates away."""
    with hub().unit_of_work() as uow:
        drop_jurisdiction(uow, jurisdiction, who(), why)
    tell(f"{jurisdiction} is gone", {"jurisdiction": jurisdiction}, json_wanted=json_wanted)


@taxes.command("rule")
@click.option("--company", default="", help="For one company; for all without.")
@click.option("--channel", default="", help="For one channel; for all without.")
@click.option("--system", required=True, help="Who will invoice, such as the ERP's connection.")
@click.option(
    "--rounding", type=click.Choice([one.value for one in TaxRounding]), default="document", show_default=True
)
@click.option("--half", type=click.Choice([one.value for one in Half]), default="up", show_default=True)
@click.option("--engine", default="", help="The connection that is asked for tax; the table without.")
@click.option("--budget-ms", default=300, show_default=True, help="How long an engine may take for a quote.")
@click.option("--keep-hours", default=720, show_default=True, help="How long its answers stand in for it.")
@click.option("--fallback", default="", metavar="PERCENT", help="The last word where nothing else is known.")
@as_json
def rule(
    company: str, channel: str, system: str, rounding: str, half: str, engine: str, budget_ms: int, keep_hours: int,
    fallback: str, json_wanted: bool,
) -> None:  # fmt: skip
    """Say how tax is rounded, as the system does that will invoice, and whom it is asked of."""
    wanted = TaxRule(
        system=system, mode=TaxMode(rounding=TaxRounding(rounding), half=Half(half)), engine=engine,
        budget_ms=budget_ms, keep_hours=keep_hours,
        fallback_percent=number_of(fallback, "fallback", "pricing.tax_rule", like="19") if fallback else None,
    )  # fmt: skip
    with hub().unit_of_work() as uow:
        set_tax_rule(uow, company, channel, wanted, who())
    tell(
        f"tax is {wanted.words}",
        {"company": company, "channel": channel, "mode": wanted.words},
        json_wanted=json_wanted,
    )


@taxes.command("rules")
@as_json
def list_rules(json_wanted: bool) -> None:
    """Every rule, with whom it is for."""
    with hub().unit_of_work() as uow:
        rows = [
            {
                "company": company or "all", "channel": channel or "all", "mode": one.words,
                "engine": one.engine or "rate table", "budget_ms": one.budget_ms, "fallback": one.fallback_percent,
            }
            for company, channel, one in rules(uow)
        ]  # fmt: skip
    columns = ("company", "channel", "mode", "engine", "budget_ms", "fallback")
    listed(rows, columns, json_wanted=json_wanted, nothing=f"No rule: tax is {TaxRule().words}.")


@taxes.command("exempt")
@click.argument("customer")
@click.argument("certificate_id")
@click.option("--country", required=True)
@click.option("--region", default="", help="Of one region; of the whole country without.")
@click.option("--tax-code", default="", help="Of one tax code; of all without.")
@click.option("--since", required=True, metavar="DAY", help="The first day it holds, such as 2026-01-31.")
@click.option("--until", default="", metavar="DAY", help="The last day it holds; for good without.")
@as_json
def exempt(
    customer: str, certificate_id: str, country: str, region: str, tax_code: str, since: str, until: str,
    json_wanted: bool,
) -> None:  # fmt: skip
    """Keep that CUSTOMER owes no tax, by the certificate CERTIFICATE_ID."""
    given = Certificate(
        certificate_id=certificate_id, customer=customer, country=country.upper(), region=region.upper(),
        tax_code=tax_code, effective_from=day_of(since, "since", CERTIFICATE),
        effective_to=day_of(until, "until", CERTIFICATE) if until else None,
    )  # fmt: skip
    with hub().unit_of_work() as uow:
        add_certificate(uow, given, who())
    facts = {"customer": customer, "certificate": certificate_id}
    tell(f"{customer} is exempt by {certificate_id}", facts, json_wanted=json_wanted)


@taxes.command("exempt-end")
@click.argument("customer")
@click.argument("certificate_id")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def exempt_end(customer: str, certificate_id: str, why: str, json_wanted: bool) -> None:
    """Take a certificate away."""
    with hub().unit_of_work() as uow:
        end_certificate(uow, customer, certificate_id, who(), why)
    facts = {"customer": customer, "certificate": certificate_id}
    tell(f"{customer} is exempt by {certificate_id} no longer", facts, json_wanted=json_wanted)


@taxes.command("exemptions")
@click.option("--customer", default="")
@as_json
def list_exemptions(customer: str, json_wanted: bool) -> None:
    """Every certificate, of one customer or of all."""
    columns = ("customer", "certificate_id", "country", "region", "tax_code", "effective_from", "effective_to")
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(one, name) for name in columns} for one in certificates(uow, customer)]
    listed(rows, columns, json_wanted=json_wanted, nothing="Nobody is exempt.")


@taxes.command("try")
@click.argument("amount")
@click.argument("tax_code")
@click.option("--country", required=True)
@click.option("--region", default="")
@click.option("--postal-code", default="")
@click.option("--currency", default="EUR", show_default=True)
@click.option("--gross/--net", default=False, show_default=True, help="Whether AMOUNT includes its tax.")
@click.option("--company", default="")
@click.option("--channel", default="")
@click.option("--customer", default="")
@as_json
def try_tax(
    amount: str, tax_code: str, country: str, region: str, postal_code: str, currency: str, gross: bool, company: str,
    channel: str, customer: str, json_wanted: bool,
) -> None:  # fmt: skip
    """What an AMOUNT of a TAX_CODE costs at a place now, by the rule and rates that hold."""
    line = TaxLine(line_id="1", sku="", tax_code=tax_code, quantity=Decimal(1), amount=Money.parse(amount, currency))
    request = TaxRequest(
        company=company, channel=channel, customer=customer, currency=currency, at=hub().clock.now(),
        includes_tax=gross, country=country.upper(), region=region.upper(), postal_code=postal_code, lines=(line,),
    )  # fmt: skip
    place = Place(country=request.country, region=request.region, postal_code=postal_code)
    with hub().unit_of_work() as uow:
        tax = taxes_for(uow, company=company, channel=channel, customer=customer, place=place)
    quote = tax(request)
    found = quote.lines[0]
    parts = [
        {"jurisdiction": one.jurisdiction, "name": one.name, "percent": one.percent, "amount": one.amount.text,
         "certificate": one.certificate}
        for one in found.parts
    ]  # fmt: skip
    facts = {
        "net": found.net.text, "tax": found.tax.text, "gross": (found.net + found.tax).text, "parts": parts,
        "mode": quote.mode, "source": quote.source, "estimated": quote.estimated, "reason": quote.reason,
    }  # fmt: skip
    said = f"{found.net} net and {found.tax} tax, {quote.mode}, by the {quote.source}"
    tell(said + (f"; estimated: {quote.reason}" if quote.estimated else ""), facts, json_wanted=json_wanted)


def place_of(country: str, region: str, postal_from: str, postal_to: str) -> str:
    """A jurisdiction's place in words."""
    postal = f"{postal_from} to {postal_to}" if postal_from else ""
    return ", ".join(part for part in (country, region, postal) if part) or "everywhere else"
