"""Tax of a quote: from the table that people keep, or from an engine that may not answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest
import redis
from sqlalchemy import Engine as Database

from app import flows
from app.domains.pricing.canonical.basket import Asked, Basket, Destination
from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.domains.pricing.canonical.tax import TaxLine, TaxQuote, TaxRequest
from app.domains.pricing.policy.tax_quoting import TaxRule
from app.domains.pricing.policy.tax_reading import COLUMNS
from app.domains.pricing.policy.tax_sums import TaxMode, TaxRounding
from app.domains.pricing.policy.tax_table import Certificate, Place
from app.domains.pricing.queries.tax import jurisdictions
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.domains.pricing.service.quoting import quote
from app.domains.pricing.service.tax_rates import (
    add_certificate,
    drop_jurisdiction,
    end_certificate,
    put_tax_table,
    set_tax_rule,
)
from app.domains.pricing.service.taxing import taxes_for
from app.infra.uow import NetworkInsideTransaction
from app.kernel.errors import HubError, Invalid, NotFound, Transient
from app.kernel.money import Half, Money, UnitPrice
from app.settings import Settings
from tests.domains.pricing.tax_engine import Engine, an_engine, spec
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRC-3")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEAD = ",".join(COLUMNS)
GERMANY = f"""{HEAD}
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 19 %,19,,2007-01-01,2020-06-30
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 16 %,16,,2020-07-01,2020-12-31
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 19 %,19,,2021-01-01,
DE,Germany,DE,,,,Europe/Berlin,,,books,1,USt 7 %,7,,2007-01-01,
"""
ANGELES = f"""{HEAD}
US-CA,California,US,CA,,,America/Los_Angeles,exempt,,,1,State,7.25,,2017-01-01,
US-CA-LA,Los Angeles,US,CA,90001,90089,America/Los_Angeles,exempt,,,1,District,2.25,,2017-07-01,
"""


@pytest.fixture(name="crank")
def _crank(settings: Settings, database: Database, redis_client: redis.Redis) -> Iterator[Crank]:
    flows.load()
    crank = Crank(settings, adapter=lambda name: spec())
    yield crank
    crank.close()


@pytest.fixture(name="taxes")
def _taxes(crank: Crank) -> Iterator[Engine]:
    """An engine that is asked for all tax, within 5 s unless a test says otherwise; nothing can stand in for it."""
    with an_engine() as engine:
        crank.connect("taxes", "tax_engine", url=engine.url)
        ask_engine(crank)
        yield engine


def ask_engine(crank: Crank, **more: Any) -> None:
    rule = replace(TaxRule(engine="taxes", budget_ms=5000), **more)
    with crank.uow() as uow:
        set_tax_rule(uow, "", "", rule, "anna")


def a_request(*amounts: str, code: str = "standard", country: str = "DE", **more: Any) -> TaxRequest:
    lines = tuple(
        TaxLine(line_id=f"l{n}", sku=f"S{n}", tax_code=code, quantity=Decimal(1), amount=Money.parse(amount, "EUR"))
        for n, amount in enumerate(amounts or ("100.00",))
    )
    given = {"company": "", "channel": "shop", "customer": "", "currency": "EUR", "at": NOW, "includes_tax": False}
    return TaxRequest(**{**given, "country": country, "lines": lines, **more})


def ask(crank: Crank, request: TaxRequest) -> TaxQuote:
    place = Place(country=request.country, region=request.region, postal_code=request.postal_code)
    with crank.uow() as uow:
        tax = taxes_for(uow, company=request.company, channel=request.channel, customer=request.customer, place=place)
    return tax(request)


def put(crank: Crank, table: str) -> None:
    with crank.uow() as uow:
        put_tax_table(uow, table, "anna")


def test_a_quote_is_taxed_from_the_table_and_says_by_which_mode_and_for_whom(crank: Crank) -> None:
    put(crank, GERMANY)
    with crank.uow() as uow:
        mode = TaxMode(rounding=TaxRounding.LINE, half=Half.EVEN)
        set_tax_rule(uow, "", "", TaxRule(system="all others"), "anna")
        set_tax_rule(uow, "", "shop", TaxRule(system="erp", mode=mode), "anna")
    quote = ask(crank, a_request("100.00", "10.50", shipping=Money.parse("5.00", "EUR")))
    assert [line.tax.text for line in quote.lines] == ["19.00", "2.00"]  # 10.50 × 0.19 = 1.995: to the even 2.00
    assert quote.shipping is not None
    assert (quote.shipping.tax.text, quote.shipping.line_id) == ("0.95", "shipping")
    assert (quote.source, quote.estimated) == ("rate table", False)
    assert quote.mode == "rounded by line, half even, as erp invoices"
    part = quote.lines[0].parts[0]
    assert (part.jurisdiction, part.name, part.percent, part.amount.text) == ("DE", "USt 19 %", Decimal(19), "19.00")


def test_a_postal_code_decides_which_jurisdictions_are_added_up(crank: Crank) -> None:
    put(crank, ANGELES)
    there = {"country": "US", "region": "CA"}
    inside = ask(crank, a_request("80.00", postal_code="90012-1234", **there))
    outside = ask(crank, a_request("80.00", postal_code="94103", **there))
    assert [(part.jurisdiction, part.amount.text) for part in inside.lines[0].parts] == [
        ("US-CA", "5.80"), ("US-CA-LA", "1.80")
    ]  # fmt: skip
    assert [part.jurisdiction for part in outside.lines[0].parts] == ["US-CA"]


def test_a_certificate_frees_its_customer_while_it_holds(crank: Crank) -> None:
    put(crank, GERMANY)
    held = Certificate(
        certificate_id="AT-1", customer="c1", country="DE", effective_from=date(2026, 1, 1),
        effective_to=date(2026, 11, 21),
    )  # fmt: skip
    with crank.uow() as uow:
        add_certificate(uow, held, "anna")
    free = ask(crank, a_request(customer="c1")).lines[0]
    assert (free.tax.text, free.parts[0].certificate) == ("0.00", "AT-1")
    assert ask(crank, a_request(customer="c2")).lines[0].tax.text == "19.00"
    assert ask(crank, a_request(customer="c1", at=NOW + timedelta(days=1))).lines[0].tax.text == "19.00"
    with crank.uow() as uow:
        end_certificate(uow, "c1", "AT-1", "anna", "withdrawn")
    assert ask(crank, a_request(customer="c1")).lines[0].tax.text == "19.00"


@pytest.mark.parametrize("more", [{"certificate_id": " "}, {"customer": ""}, {"effective_to": date(2025, 1, 1)}])
def test_an_exemption_without_number_customer_or_days_is_refused(crank: Crank, more: dict[str, Any]) -> None:
    given = {"certificate_id": "X", "customer": "c", "country": "DE", "effective_from": date(2026, 1, 1), **more}
    with crank.uow() as uow, pytest.raises(Invalid) as wrong:
        add_certificate(uow, Certificate(**given), "anna")
    assert wrong.value.code == "pricing.tax_certificate"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("DE,,DE,,,,Europe/Berlin,,,standard,1,USt,nineteen,,2007-01-01,", "percent"),
        ("DE,,DE,,,,Europe/Berlin,,,standard,1,USt,-1,,2007-01-01,", "percent"),
        ("DE,,DE,,,,Berlin,,,standard,1,USt,19,,2007-01-01,", "zone"),
        ("DE,,Germany,,,,Europe/Berlin,,,standard,1,USt,19,,2007-01-01,", "country"),
        ("DE,,DE,,,,Europe/Berlin,,,standard,1,USt,19,,01.01.2007,", "effective_from"),
        ("DE,,DE,,,,Europe/Berlin,sometimes,,standard,1,USt,19,,2007-01-01,", "shipping"),
        ("DE,,DE,,9,1,Europe/Berlin,,,standard,1,USt,19,,2007-01-01,", "postal_to"),
        ("DE,,DE,,,,Europe/Berlin,,,standard,first,USt,19,,2007-01-01,", "position"),
        ("DE,,DE,,,,Europe/Berlin,,,standard,1,USt,19,maybe,2007-01-01,", "compound"),
        (",,DE,,,,Europe/Berlin,,,standard,1,USt,19,,2007-01-01,", "jurisdiction"),
    ],
)
def test_a_table_with_a_fault_changes_nothing_and_names_line_field_rule_and_fix(
    crank: Crank, line: str, field: str
) -> None:
    put(crank, GERMANY)
    with crank.uow() as uow, pytest.raises(Invalid) as wrong:
        put_tax_table(uow, f"{ANGELES}{line}\n", "anna")
    assert wrong.value.code == "pricing.tax_table"
    (error,) = wrong.value.facts["errors"]  # type: ignore[misc]
    assert (error["line"], error["field"], bool(error["rule"]), bool(error["fix"])) == (4, field, True, True)
    with crank.uow() as uow:
        assert [(one.code, len(one.rates)) for one in jurisdictions(uow)] == [("DE", 4)]


def test_a_gap_between_two_rates_is_named_and_nothing_is_taken_in(crank: Crank) -> None:
    with crank.uow() as uow, pytest.raises(HubError) as wrong:
        put_tax_table(uow, GERMANY.replace("2020-07-01", "2020-07-02"), "anna")
    assert wrong.value.code == "pricing.tax_rate_gap"
    assert crank.rows("SELECT count(*) FROM pricing.tax_rate") == [(0,)]


def test_a_table_that_is_put_again_takes_the_place_of_the_first_and_is_in_the_audit(crank: Crank) -> None:
    put(crank, GERMANY)
    put(crank, GERMANY.replace(",19,,2021", ",20,,2021"))
    assert ask(crank, a_request()).lines[0].tax.text == "20.00"
    with crank.uow() as uow:
        drop_jurisdiction(uow, "DE", "anna", "moved away")
        with pytest.raises(NotFound):
            drop_jurisdiction(uow, "DE", "anna", "moved away")
    assert crank.rows("SELECT did FROM hub.act WHERE kind = 'tax' ORDER BY id") == [
        ("put tax rates",), ("put tax rates",), ("dropped a tax jurisdiction",)
    ]  # fmt: skip


def test_an_engine_that_knows_no_taxes_is_refused_as_one(crank: Crank) -> None:
    with crank.uow() as uow, pytest.raises(NotFound):
        set_tax_rule(uow, "", "", TaxRule(engine="nobody"), "anna")


def test_an_engine_answers_in_time_and_is_named(crank: Crank, taxes: Engine) -> None:
    quote = ask(crank, a_request("50.00"))
    assert (quote.lines[0].tax.text, quote.source, quote.estimated) == ("10.00", "taxes", False)
    assert taxes.asked == 1


def test_an_engine_that_hangs_costs_its_budget_and_no_more(crank: Crank, taxes: Engine) -> None:
    ask(crank, a_request("50.00"))
    taxes.hangs = True
    ask_engine(crank, budget_ms=100)
    began = perf_counter()
    quote = ask(crank, a_request("50.00"))
    took = perf_counter() - began
    assert (quote.lines[0].tax.text, quote.estimated) == ("10.00", True)
    assert "connections.budget_spent" in quote.reason
    assert "as it said of the same basket" in quote.reason
    assert 0.1 <= took < 3  # 5 s is when the connection itself would give up


def test_another_basket_is_estimated_by_the_rates_the_engine_gave_for_the_place(crank: Crank, taxes: Engine) -> None:
    ask(crank, a_request("50.00", shipping=Money.parse("5.00", "EUR")))
    taxes.status = 503
    quote = ask(crank, a_request("7.00", "3.00", shipping=Money.parse("2.00", "EUR")))
    assert [line.tax.text for line in quote.lines] == ["1.40", "0.60"]
    assert (quote.shipping and quote.shipping.tax.text, quote.source, quote.estimated) == (
        "0.40", "taxes, last known", True
    )  # fmt: skip
    with pytest.raises(Transient) as nothing:
        ask(crank, a_request(country="FR"))
    assert nothing.value.code == "pricing.tax_unavailable"


def test_what_the_engine_never_said_comes_from_the_table_or_the_percentage_of_the_rule(
    crank: Crank, taxes: Engine
) -> None:
    taxes.status = 500
    put(crank, GERMANY)
    table = ask(crank, a_request())
    assert (table.lines[0].tax.text, table.source, table.estimated) == ("19.00", "rate table", True)
    ask_engine(crank, fallback_percent=Decimal("21"))
    flat = ask(crank, a_request(country="NL"))
    assert (flat.lines[0].tax.text, flat.source, flat.estimated) == ("21.00", "fallback", True)
    assert "21 % as configured" in flat.reason


def test_an_answer_that_is_too_old_is_not_good_any_more(crank: Crank, taxes: Engine) -> None:
    ask(crank, a_request("50.00"))
    taxes.status = 500
    assert ask(crank, a_request("50.00")).estimated
    with crank.uow() as uow:
        uow.sql("UPDATE pricing.tax_answer SET answered_at = answered_at - interval '721 hours'")
    with pytest.raises(Transient):
        ask(crank, a_request("50.00"))
    taxes.status = 200
    ask(crank, a_request("60.00"))
    assert crank.rows("SELECT count(*) FROM pricing.tax_answer") == [(2,)]  # the old ones are gone


def test_an_answer_that_does_not_add_up_is_not_believed(crank: Crank, taxes: Engine) -> None:
    ask(crank, a_request("50.00"))

    def spoil(answer: dict[str, Any]) -> None:
        answer["lines"][0]["tax"]["amount"] = "0.01"

    taxes.spoils = spoil
    quote = ask(crank, a_request("50.00"))
    assert (quote.lines[0].tax.text, quote.estimated) == ("10.00", True)
    assert "pricing.tax_answer_wrong" in quote.reason


def test_while_its_breaker_is_open_an_engine_is_not_asked(crank: Crank, taxes: Engine) -> None:
    put(crank, GERMANY)
    taxes.status = 503
    with crank.uow() as uow:
        uow.sql(
            "UPDATE hub.connection SET version = version + 1, "
            'settings = settings || \'{"breaker": {"volume": 3, "open": 60}}\' WHERE name = \'taxes\''
        )
    crank.hub.connections.forget()
    reasons = [ask(crank, a_request()).reason for _ in range(6)]
    assert taxes.asked < 6
    assert "connections.breaker_open" in reasons[-1]


def test_a_quote_that_asks_twice_has_one_budget_and_gives_an_engine_up_once(crank: Crank, taxes: Engine) -> None:
    put(crank, GERMANY)
    taxes.status = 500
    with crank.uow() as uow:
        tax = taxes_for(uow, company="", channel="", customer="", place=Place(country="DE"))
    assert [tax(a_request("1.00")).estimated, tax(a_request("2.00")).estimated] == [True, True]
    assert taxes.asked == 1


def test_more_questions_than_may_hang_at_once_are_answered_without_waiting(crank: Crank, taxes: Engine) -> None:
    put(crank, GERMANY)
    taxes.hangs = True
    ask_engine(crank, budget_ms=20)
    reasons = [ask(crank, a_request()).reason for _ in range(5)]
    assert ["connections.budget_spent" in reason for reason in reasons] == [True] * 4 + [False]
    assert "connections.busy" in reasons[4]


def test_nobody_is_asked_while_a_transaction_is_open(crank: Crank, taxes: Engine) -> None:
    with crank.uow() as uow, pytest.raises(NetworkInsideTransaction):
        taxes_for(uow, company="", channel="", customer="", place=Place(country="DE"))(a_request())
    assert taxes.asked == 0


def test_a_whole_quote_keeps_its_word_while_the_engine_hangs_and_says_what_is_estimated(
    crank: Crank, taxes: Engine
) -> None:
    with crank.uow() as uow:
        keep_list(uow, PriceList(code="all", currency="EUR", scope=Scope(), includes_tax=False, zone="UTC"), "anna")
        price = Price(sku="S0", min_quantity=Decimal(0), from_at=NOW, amount=UnitPrice(Decimal("50"), "EUR"))
        keep_prices(uow, "all", [price], "anna")
    basket = Basket(
        channel="shop", currency="EUR", at=NOW + timedelta(hours=1), destination=Destination(country="DE"),
        lines=(Asked(line_id="l0", sku="S0", quantity=Decimal(2)),),
    )  # fmt: skip
    asked = quote(crank.hub, basket)
    assert (asked.tax.text, asked.tax_source, asked.estimated) == ("20.00", "taxes", False)
    taxes.hangs = True
    ask_engine(crank, budget_ms=50)
    estimated = quote(crank.hub, basket)
    assert (estimated.tax, estimated.gross, estimated.estimated) == (asked.tax, asked.gross, True)
    assert "connections.budget_spent" in estimated.reason


def test_a_tax_rule_names_an_engine_that_offers_taxes(crank: Crank) -> None:
    crank.connect("mute", "tax_engine", url="http://127.0.0.1:9")
    with crank.uow() as uow:
        set_tax_rule(uow, "", "", TaxRule(engine="mute"), "anna")
        with pytest.raises(Invalid):
            set_tax_rule(uow, "", "", TaxRule(budget_ms=1), "anna")
