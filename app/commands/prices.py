"""`flask price-list …`, `flask promotion …`, `flask quote …`: prices from files, and a quote that explains itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import click
from marshmallow import ValidationError

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.domains.pricing.canonical.basket import Asked, Basket, Destination
from app.domains.pricing.canonical.prices import Floor, Price, PriceList, QuoteRule, Rounding, Scope, price_text
from app.domains.pricing.policy.channel_promotions import why_not_a_price
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.queries import lists, promotions
from app.domains.pricing.schemas.promotions import PromotionSchema, promotion_from
from app.domains.pricing.schemas.quotes import quote_body
from app.domains.pricing.service.lists import keep_list, keep_prices, switch_list
from app.domains.pricing.service.promotions import end_promotion, keep_promotion, set_rule
from app.domains.pricing.service.quoting import quote
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid
from app.kernel.money import Half, Money, UnitPrice
from app.kernel.written import number_of

NEEDED, KNOWN = {"sku", "amount", "from"}, {"sku", "unit", "min_quantity", "amount", "from", "until"}

PRICE = "pricing.price"  # the code of what is no price
price_lists = Commands("price-list", help="Price lists and their prices.")
quotes = Commands("quote", help="What a basket costs, and how quotes are made.")
promoted = Commands("promotion", help="Promotions: what they take off, and their end.")


@price_lists.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Every price list with those it is for."""
    with hub().unit_of_work() as uow:
        found = [kept.list for kept in lists.price_lists(uow)]
    rows = [
        {
            "code": each.code, "for": str(each.scope), "currency": each.currency, "zone": each.zone,
            "prices": "gross" if each.includes_tax else "net", "open": each.open,
        }
        for each in found
    ]  # fmt: skip
    listed(rows, ["code", "for", "currency", "prices", "zone", "open"], json_wanted=json_wanted, nothing="no list yet")


@price_lists.command("make")
@click.argument("code")
@click.option("--currency", required=True, help="As ISO 4217 writes it.")
@click.option("--zone", required=True, help="In which its days are counted, such as Europe/Berlin.")
@click.option("--gross/--net", required=True, help="Whether its prices include tax.")
@click.option("--title", default="")
@click.option("--company", default="", help="For one company alone.")
@click.option("--channel", default="", help="For one channel alone.")
@click.option("--group", default="", help="For one customer group alone.")
@click.option("--customer", default="", help="For one customer alone: a contract.")
@as_json
def make(
    code: str, currency: str, zone: str, gross: bool, title: str, company: str, channel: str, group: str,
    customer: str, json_wanted: bool,
) -> None:  # fmt: skip
    """Make the price list CODE, or change for whom it is."""
    scope = Scope(company=company, channel=channel, customer_group=group, customer=customer)
    wanted = PriceList(code=code, title=title, currency=currency, scope=scope, includes_tax=gross, zone=zone)
    with hub().unit_of_work() as uow:
        keep_list(uow, wanted, who())
    facts = {"code": code, "for": str(scope)}
    tell(
        f"{code} holds {'gross' if gross else 'net'} prices in {currency} for {scope}.", facts, json_wanted=json_wanted
    )


@price_lists.command("import")
@click.argument("code")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@as_json
def read_file(code: str, file: TextIO, json_wanted: bool) -> None:
    """Give the SKUs of a CSV FILE its prices in list CODE: sku, unit, min_quantity, amount, from, until.

    Days are those of the list's zone, `until` is the last one. All of the file, or nothing of it.
    """
    with hub().unit_of_work() as uow:
        kept = lists.price_list(uow, code).list
        found = list(_rows(file, kept.currency, zone_of(kept.zone)))
        changed = keep_prices(uow, code, found, who())
    facts = {"code": code, "prices": len(found), "changed": len(changed)}
    tell(f"{len(found)} prices read; {len(changed)} SKUs of {code} changed.", facts, json_wanted=json_wanted)


@price_lists.command("show")
@click.argument("code")
@click.argument("sku")
@as_json
def show(code: str, sku: str, json_wanted: bool) -> None:
    """What SKU costs in list CODE, past and to come too, by the clock of the list's zone."""
    with hub().unit_of_work() as uow:
        kept = lists.price_list(uow, code)
        found = lists.prices(uow, kept, sku=sku)
    zone = zone_of(kept.list.zone)
    rows = [
        {
            "unit": price.unit, "from_quantity": f"{price.min_quantity.normalize():f}",
            "amount": price_text(price.amount), "from": f"{price.from_at.astimezone(zone):%Y-%m-%d %H:%M}",
            "until": f"{price.until_at.astimezone(zone):%Y-%m-%d %H:%M}" if price.until_at else "",
        }
        for price in found
    ]  # fmt: skip
    columns = ["unit", "from_quantity", "amount", "from", "until"]
    listed(rows, columns, json_wanted=json_wanted, nothing=f"{code} has no price of {sku}")


@price_lists.command("open")
@click.argument("code")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def open_list(code: str, why: str, json_wanted: bool) -> None:
    """Let the prices of list CODE count again."""
    _switch(code, why, on=True, json_wanted=json_wanted)


@price_lists.command("close")
@click.argument("code")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def shut(code: str, why: str, json_wanted: bool) -> None:
    """Let the prices of list CODE count no more."""
    _switch(code, why, on=False, json_wanted=json_wanted)


@quotes.command("rule")
@click.option("--company", default="", help="For one company alone.")
@click.option("--channel", default="", help="For one channel alone; it goes before a company's.")
@click.option("--rounding", type=click.Choice([each.value for each in Rounding]), default="line", show_default=True)
@click.option("--half", type=click.Choice([each.value for each in Half]), default="up", show_default=True)
@click.option("--margin", default="", help="On the cost, that no discount goes below: 0.25 is a quarter.")
@click.option("--floor", type=click.Choice([each.value for each in Floor]), default="cut", show_default=True)
@as_json
def rule(
    company: str, channel: str, rounding: str, half: str, margin: str, floor: str, json_wanted: bool
) -> None:  # fmt: skip
    """Say how quotes are rounded, and what happens to a discount below the margin: cut it, or refuse the quote."""
    least = number_of(margin, "margin", PRICE, like="12.50") if margin else None
    wanted = QuoteRule(rounding=Rounding(rounding), half=Half(half), margin=least, floor=Floor(floor))
    with hub().unit_of_work() as uow:
        set_rule(uow, wanted, who(), company=company, channel=channel)
    facts = {"company": company, "channel": channel, "rounding": rounding, "half": half, "margin": margin}
    said = " ".join(part for part in (company and f"company {company}", channel and f"channel {channel}") if part)
    tell(f"Quotes of {said or 'everybody'} go by this rule from now on.", facts, json_wanted=json_wanted)


@quotes.command("basket")
@click.argument("lines", nargs=-1, required=True)
@click.option("--currency", required=True)
@click.option("--country", required=True, help="Where it goes, as ISO 3166 writes it.")
@click.option("--region", default="")
@click.option("--company", default="")
@click.option("--channel", default="")
@click.option("--group", default="")
@click.option("--customer", default="")
@click.option("--shipping", default="", help="What is charged for it.")
@as_json
def ask(
    lines: tuple[str, ...], currency: str, country: str, region: str, company: str, channel: str, group: str,
    customer: str, shipping: str, json_wanted: bool,
) -> None:  # fmt: skip
    """What a basket costs, and why. LINES are SKU=QUANTITY."""
    pairs = [line.rpartition("=") if "=" in line else (line, "", "1") for line in lines]
    basket = Basket(
        currency=currency, at=hub().clock.now(), company=company, channel=channel, customer=customer,
        customer_group=group, destination=Destination(country=country, region=region),
        shipping=Money.parse(shipping, currency) if shipping else None,
        lines=tuple(
            Asked(line_id=str(n), sku=sku, quantity=number_of(number, f"line {n}", PRICE))
            for n, (sku, _, number) in enumerate(pairs, 1)
        ),
    )  # fmt: skip
    body = quote_body(quote(hub(), basket))
    if json_wanted:
        one(body, json_wanted=True)
        return
    rows = [
        {"sku": line["sku"], "amount": reason["amount"], "stage": reason["stage"], "because": reason["said"]}
        for line in (*body["lines"], *([{**body["shipping"], "sku": "shipping"}] if body["shipping"] else []))
        for reason in line["reasons"]
    ]
    listed(rows, ["sku", "amount", "stage", "because"], json_wanted=False, nothing="")
    click.echo(f"net {body['net']}, tax {body['tax']}, gross {body['gross']} {currency}")


@promoted.command("list")
@as_json
def list_promotions(json_wanted: bool) -> None:
    """Every promotion, those that ended too."""
    with hub().unit_of_work() as uow:
        found = promotions.promotions(uow)
    rows = [
        {
            "code": each.code,
            "does": each.words,
            "from": each.from_at,
            "until": each.until_at,
            "open": each.open,
            "at_channels": why_not_a_price(each) or "yes",
        }
        for each in found
    ]
    listed(rows, ["code", "does", "from", "until", "open"], json_wanted=json_wanted, nothing="no promotion yet")


@promoted.command("set")
@click.argument("code")
@click.argument("file", type=click.File(encoding="utf-8"))
@as_json
def set_promotion(code: str, file: TextIO, json_wanted: bool) -> None:
    """Make or change promotion CODE from a JSON FILE, as PUT /api/v1/promotions takes it; - reads what is piped in."""
    try:
        given = PromotionSchema().loads(file.read())
    except (ValidationError, ValueError) as wrong:
        raise Invalid("pricing.promotion", f"the file does not hold: {wrong}", about=code) from wrong
    wanted = promotion_from(code, given)
    with hub().unit_of_work() as uow:
        keep_promotion(uow, wanted, who())
    tell(f"{code}: {wanted.words}.", {"code": code, "does": wanted.words}, json_wanted=json_wanted)


@promoted.command("end")
@click.argument("code")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def end(code: str, why: str, json_wanted: bool) -> None:
    """End promotion CODE at once."""
    with hub().unit_of_work() as uow:
        ended = end_promotion(uow, code, who(), why)
    tell(f"{code} {'ended' if ended else 'had ended before'}.", {"code": code, "ended": ended}, json_wanted=json_wanted)


def _switch(code: str, why: str, *, on: bool, json_wanted: bool) -> None:
    with hub().unit_of_work() as uow:
        changed = switch_list(uow, code, who(), why, on=on)
    state = "open" if on else "closed"
    said = f"{code} is {state}{'' if changed else ', as it was'}."
    tell(said, {"code": code, "state": state, "changed": changed}, json_wanted=json_wanted)


def _rows(file: TextIO, currency: str, zone: ZoneInfo) -> Iterator[Price]:
    """The prices of a file. Raises Invalid with the line that is wrong."""
    reader = csv.DictReader(file)
    named = set(reader.fieldnames or ())
    if not NEEDED <= named <= KNOWN:
        raise Invalid(
            "pricing.file",
            f"line 1: the columns are {', '.join(sorted(named)) or 'none'}; give {', '.join(sorted(NEEDED))}, and "
            f"where wanted {', '.join(sorted(KNOWN - NEEDED))}",
        )
    for row in reader:
        try:
            yield _price(row, currency, zone)
        except HubError as wrong:
            raise Invalid(wrong.code, f"line {reader.line_num}: {wrong.message}") from wrong


def _price(row: dict[str, Any], currency: str, zone: ZoneInfo) -> Price:
    given = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    if not given["sku"]:
        raise Invalid("pricing.price", "sku: is empty; name the item")
    until = given.get("until", "")
    return Price(
        sku=given["sku"], unit=given.get("unit", ""), from_at=begins(given["from"], zone),
        until_at=ends(until, zone) if until else None,
        min_quantity=number_of(given.get("min_quantity") or "1", "min_quantity", PRICE),
        amount=UnitPrice(number_of(given["amount"], "amount", PRICE, like="12.50"), currency),
    )  # fmt: skip
