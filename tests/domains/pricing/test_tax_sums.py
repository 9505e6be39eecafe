"""Taxes worked by hand. Rates say which statute or authority published them; sums beside a figure are our own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.pricing.policy.tax_sums import Taxable, Taxed, TaxMode, TaxRounding, taxed, with_shipping
from app.domains.pricing.policy.tax_table import (
    Certificate,
    Jurisdiction,
    Place,
    Rate,
    ShippingTax,
    TaxTable,
    check_rates,
)
from app.kernel.errors import HubError, Invalid, Refused
from app.kernel.money import Half, Money

pytestmark = pytest.mark.capability("PRC-3")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = date(2000, 1, 1)
LINE, UNIT, DOCUMENT = TaxMode(), TaxMode(rounding=TaxRounding.UNIT), TaxMode(rounding=TaxRounding.DOCUMENT)


def rate(jurisdiction: str, percent: str, name: str = "", **more: object) -> Rate:
    given = {"effective_from": LONG_AGO, **more}
    return Rate(jurisdiction=jurisdiction, name=name or f"{percent} %", percent=Decimal(percent), **given)  # type: ignore[arg-type]


# Umsatzsteuergesetz, section 12 (1): 19 % since 1 January 2007 (Haushaltsbegleitgesetz 2006, BGBl. I 2006 p. 1402);
# section 12 (2): 7 % since 1 July 1983. Section 28 (1) to (3) made them 16 % and 5 % from 1 July to 31 December 2020
# (Zweites Corona-Steuerhilfegesetz, BGBl. I 2020 p. 1513). An ancillary supply such as postage shares the treatment of
# the goods (Umsatzsteuer-Anwendungserlass 3.10); that it is divided by value is worked by hand.
GERMANY = Jurisdiction(
    code="DE", title="Germany", zone="Europe/Berlin", country="DE",
    rates=(
        rate("DE", "19", "USt 19 %", tax_code="standard", effective_from=date(2007, 1, 1),
             effective_to=date(2020, 6, 30)),
        rate("DE", "16", "USt 16 %", tax_code="standard", effective_from=date(2020, 7, 1),
             effective_to=date(2020, 12, 31)),
        rate("DE", "19", "USt 19 %", tax_code="standard", effective_from=date(2021, 1, 1)),
        rate("DE", "7", "USt 7 %", tax_code="books", effective_from=date(1983, 7, 1), effective_to=date(2020, 6, 30)),
        rate("DE", "5", "USt 5 %", tax_code="books", effective_from=date(2020, 7, 1), effective_to=date(2020, 12, 31)),
        rate("DE", "7", "USt 7 %", tax_code="books", effective_from=date(2021, 1, 1)),
    ),
)  # fmt: skip
# Japan: 10 %, and 8 % on food and drink without liquor, since 1 October 2019 (Ministry of Finance, "Material on
# Consumption Taxation", mof.go.jp/english/tax_policy/tax_system/consumption). That a document rounds once for each rate
# is our mode `document`; its figures here are worked by hand.
JAPAN = Jurisdiction(
    code="JP", title="Japan", zone="Asia/Tokyo", country="JP",
    rates=(
        rate("JP", "10", tax_code="standard", effective_from=date(2019, 10, 1)),
        rate("JP", "8", tax_code="food", effective_from=date(2019, 10, 1)),
    ),
)  # fmt: skip
# Canada: GST of 5 % and Quebec's QST of 9.975 % on the price without GST since 1 January 2013; before that 9.5 % on the
# price with GST (Revenu Québec, "Basic Rules for Applying the GST/HST and QST", and its release of 17 December 2012,
# whose example of 100.00 is the first one below). The first days of the 5 % and the 9.5 % are not asked for here.
CANADA = Jurisdiction(code="CA", title="Canada", zone="America/Toronto", country="CA", rates=(rate("CA", "5", "GST"),))
QUEBEC = Jurisdiction(
    code="CA-QC", title="Quebec", zone="America/Montreal", country="CA", region="QC",
    rates=(
        rate("CA-QC", "9.5", "QST", position=2, compound=True, effective_from=date(2012, 1, 1),
             effective_to=date(2012, 12, 31)),
        rate("CA-QC", "9.975", "QST", position=2, effective_from=date(2013, 1, 1)),
    ),
)  # fmt: skip
# California: 7.25 % statewide. In the City of Los Angeles 9.5 % in all until 31 March 2025 (CDTFA, "City and County
# Sales and Use Tax Rates", of 1 July 2019), so 2.25 % of district taxes; since 1 April 2025 a countywide 0.50 % stands
# in the place of one of 0.25 % (CDTFA, "Explanation of Tax Rate Changes Operative April 1, 2025"), so 2.50 %. Delivery
# by carrier at cost that is charged apart is not taxed (CDTFA publication 100, "Applying Sales Tax"). The ZIP codes of
# the city and the exemption of food are made up to fit.
CALIFORNIA = Jurisdiction(
    code="US-CA", title="California", zone="America/Los_Angeles", country="US", region="CA",
    shipping=ShippingTax.EXEMPT, rates=(rate("US-CA", "7.25"), rate("US-CA", "0", "exempt", tax_code="food")),
)  # fmt: skip
LOS_ANGELES = Jurisdiction(
    code="US-CA-LA", title="Los Angeles", zone="America/Los_Angeles", country="US", region="CA", postal_from="90001",
    postal_to="90089", shipping=ShippingTax.EXEMPT,
    rates=(
        rate("US-CA-LA", "2.25", effective_from=date(2019, 7, 1), effective_to=date(2025, 3, 31)),
        rate("US-CA-LA", "2.5", effective_from=date(2025, 4, 1)),
        rate("US-CA-LA", "0", "exempt", tax_code="food"),
    ),
)  # fmt: skip
EVERYWHERE = (GERMANY, JAPAN, CANADA, QUEBEC, CALIFORNIA, LOS_ANGELES)


def table(country: str, region: str = "", postal: str = "", at: datetime = NOW, *certificates: Certificate) -> TaxTable:
    return TaxTable.of(EVERYWHERE, Place(country=country, region=region, postal_code=postal), at, certificates)


def eur(amount: str) -> Money:
    return Money.parse(amount, "EUR")


def line(there: TaxTable, amount: str, code: str = "standard", quantity: int = 1, currency: str = "EUR") -> Taxable:
    money = Money.parse(amount, currency)
    return Taxable(key=f"{code} {amount}", amount=money, quantity=Decimal(quantity), rates=there.rates_for(code))


def taxes(lines: Iterable[Taxed]) -> list[str]:
    return [one.tax.text for one in lines]


def test_german_vat_is_added_to_a_net_price() -> None:
    there = table("DE")
    done = taxed([line(there, "100.00"), line(there, "10.00", "books")], LINE, includes_tax=False)
    assert taxes(done) == ["19.00", "0.70"]  # 100 × 0.19; 10 × 0.07
    assert [one.gross.text for one in done] == ["119.00", "10.70"]


def test_german_vat_is_taken_out_of_a_gross_price() -> None:
    there = table("DE")
    done = taxed([line(there, "119.00"), line(there, "9.99", "books")], LINE, includes_tax=True)
    # 119 / 1.19 = 100; 9.99 / 1.07 = 9.33645 → 9.34, and 9.99 - 9.34 = 0.65
    assert [(one.net.text, one.tax.text) for one in done] == [("100.00", "19.00"), ("9.34", "0.65")]


def test_a_rate_changes_at_midnight_of_its_own_zone() -> None:
    before = datetime(2020, 6, 30, 21, 59, 59, tzinfo=UTC)  # 23:59:59 in Berlin, which is UTC+2 in summer
    after = datetime(2020, 6, 30, 22, 0, 0, tzinfo=UTC)
    for code, percents in (("standard", ["19", "16"]), ("books", ["7", "5"])):
        assert [str(table("DE", at=at).rates_for(code)[0].percent) for at in (before, after)] == percents


def test_japan_rounds_once_for_each_rate_of_an_invoice() -> None:
    there = table("JP")
    cut = TaxMode(rounding=TaxRounding.DOCUMENT, half=Half.DOWN)
    lines = [
        Taxable(key=str(n), amount=Money(116, "JPY"), quantity=Decimal(1), rates=there.rates_for("food"))
        for n in range(3)
    ]
    # By hand: 348 × 0.08 = 27.84, cut off: 27, and 9 for each line; line by line 116 × 0.08 = 9.28 → 9
    assert taxes(taxed(lines, cut, includes_tax=False)) == ["9", "9", "9"]
    # rounded up it is 28: 28 / 3 = 9.33, the unit that is over goes to the first line
    assert taxes(taxed(lines, DOCUMENT, includes_tax=False)) == ["10", "9", "9"]


def test_quebec_taxed_the_tax_until_2013() -> None:
    then = taxed([line(table("CA", "QC", at=datetime(2012, 6, 1, tzinfo=UTC)), "100.00")], LINE, includes_tax=False)
    # GST 5.00; QST (100 + 5) × 0.095 = 9.975 → 9.98, as Revenu Québec has it
    assert [(owed.name, amount.text) for owed, amount in then[0].taxes] == [("GST", "5.00"), ("QST", "9.98")]
    now = taxed([line(table("CA", "QC"), "200.00")], LINE, includes_tax=False)
    # GST 10.00; QST 200 × 0.09975 = 19.95
    assert [(owed.name, amount.text) for owed, amount in now[0].taxes] == [("GST", "10.00"), ("QST", "19.95")]


def test_a_gross_price_holds_compound_taxes_in_their_order() -> None:
    there = table("CA", "QC", at=datetime(2012, 6, 1, tzinfo=UTC))
    (done,) = taxed([line(there, "114.98")], LINE, includes_tax=True)
    # 114.98 / 1.14975 = 100.0043… → 100.00; 14.98 split as 5 : 9.975 → 5.0017 and 9.9783 → 5.00 and 9.98
    assert (done.net.text, [amount.text for _, amount in done.taxes]) == ("100.00", ["5.00", "9.98"])


def test_several_jurisdictions_tax_one_line_by_its_postal_code() -> None:
    inside, outside = table("US", "CA", "90012"), table("US", "CA", "94103")
    done = taxed([line(inside, "80.00")], LINE, includes_tax=False)[0]
    assert [(owed.jurisdiction, amount.text) for owed, amount in done.taxes] == [
        ("US-CA", "5.80"),  # 80 × 0.0725
        ("US-CA-LA", "2.00"),  # 80 × 0.025
    ]
    before = table("US", "CA", "90012", datetime(2025, 4, 1, 6, 59, 59, tzinfo=UTC))  # the last second of March there
    assert taxes(taxed([line(before, "80.00")], LINE, includes_tax=False)) == ["7.60"]  # 80 × 0.095
    assert taxes(taxed([line(outside, "80.00")], LINE, includes_tax=False)) == ["5.80"]
    assert taxes(taxed([line(inside, "80.00", "food")], LINE, includes_tax=False)) == ["0.00"]


@pytest.mark.parametrize(
    ("mode", "each"),
    [(LINE, "0.56"), (UNIT, "0.57"), (DOCUMENT, "0.56")],  # 2.97 × 0.19 = 0.5643; 0.99 × 0.19 = 0.1881 → 0.19 × 3
)
def test_tax_is_rounded_by_line_or_by_unit(mode: TaxMode, each: str) -> None:
    assert taxes(taxed([line(table("DE"), "2.97", quantity=3)], mode, includes_tax=False)) == [each]


def test_a_document_rounds_each_rate_once_and_spreads_it_over_its_lines() -> None:
    lines = [line(table("DE"), "0.33") for _ in range(3)]
    lines = [Taxable(key=str(place), amount=one.amount, rates=one.rates) for place, one in enumerate(lines)]
    assert taxes(taxed(lines, LINE, includes_tax=True)) == ["0.05", "0.05", "0.05"]  # 0.33 / 1.19 = 0.2773 → 0.28
    assert taxes(taxed(lines, DOCUMENT, includes_tax=True)) == ["0.06", "0.05", "0.05"]  # 0.99 / 1.19 → 0.83, 0.16


@pytest.mark.parametrize(
    ("half", "tax"), [(Half.UP, "0.13"), (Half.EVEN, "0.12"), (Half.DOWN, "0.12")]  # 2.50 × 0.05 = 0.125
)  # fmt: skip
def test_exactly_a_half_goes_the_way_that_is_configured(half: Half, tax: str) -> None:
    done = taxed([line(table("CA", "ON"), "2.50", currency="CAD")], TaxMode(half=half), includes_tax=False)
    assert taxes(done) == [tax]


@pytest.mark.parametrize(
    ("amount", "currency", "tax"),
    [("105", "JPY", "11"), ("1.005", "KWD", "0.101"), ("1.05", "EUR", "0.11")],  # 10.5; 0.1005; 0.105
)
def test_tax_is_exact_to_the_minor_unit_of_its_currency(amount: str, currency: str, tax: str) -> None:
    there = table("JP")
    assert taxes(taxed([line(there, amount, currency=currency)], LINE, includes_tax=False)) == [tax]


def test_shipping_shares_the_rates_of_the_goods_by_value() -> None:
    there = table("DE")
    lines = [line(there, "30.00"), line(there, "10.00", "books")]
    shipping = with_shipping(there, lines, ["standard", "books"], eur("4.00"), "shipping")
    done = taxed([*lines, *shipping], LINE, includes_tax=False)
    # 4.00 over 30 : 10 is 3.00 and 1.00: 3 × 0.19 = 0.57, 1 × 0.07 = 0.07
    assert [(one.key, one.tax.text) for one in done][-1] == ("shipping", "0.64")
    assert done[-1].net.text == "4.00"


def test_shipping_that_is_charged_apart_is_not_taxed_in_california() -> None:
    there = table("US", "CA", "90012")
    lines = [line(there, "80.00")]
    done = taxed(
        [*lines, *with_shipping(there, lines, ["standard"], eur("5.00"), "shipping")], LINE, includes_tax=False
    )
    assert (done[-1].key, done[-1].tax.text, done[-1].taxes) == ("shipping", "0.00", ())


def certificate(**more: object) -> Certificate:
    given = {"certificate_id": "DE-77", "customer": "c", "country": "DE", "effective_from": date(2026, 1, 1), **more}
    return Certificate(**given)  # type: ignore[arg-type]


def test_a_certificate_frees_on_its_days_and_is_named() -> None:
    held = certificate(effective_to=date(2026, 11, 21))
    free, charged = table("DE", "", "", NOW, held), table("DE", "", "", datetime(2026, 11, 22, tzinfo=UTC), held)
    (done,) = taxed([line(free, "100.00")], LINE, includes_tax=False)
    assert [(owed.certificate, amount.text) for owed, amount in done.taxes] == [("DE-77", "0.00")]
    assert taxes(taxed([line(charged, "100.00")], LINE, includes_tax=False)) == ["19.00"]


def test_who_is_exempt_does_not_pay_the_tax_that_a_gross_price_holds() -> None:
    free = table("DE", "", "", NOW, certificate(tax_code="books"))
    done = taxed([line(free, "10.70", "books"), line(free, "11.90")], LINE, includes_tax=True)
    assert [(one.net.text, one.gross.text) for one in done] == [("10.00", "10.00"), ("10.00", "11.90")]


def test_a_tax_code_that_nobody_knows_is_named_with_those_that_are() -> None:
    with pytest.raises(Refused) as wrong:
        table("DE").rates_for("alcohol")
    assert (wrong.value.code, wrong.value.facts["known"]) == ("pricing.unknown_tax_code", ["books", "standard"])


def test_a_country_that_nobody_taxes_is_an_error_and_not_a_tax_of_zero() -> None:
    with pytest.raises(Refused) as wrong:
        table("FR")
    assert wrong.value.code == "pricing.no_tax_jurisdiction"
    rest = Jurisdiction(code="XX", title="Elsewhere", zone="UTC", rates=(rate("XX", "0"),))
    there = TaxTable.of([*EVERYWHERE, rest], Place(country="FR"), NOW)
    assert taxes(taxed([line(there, "5.00")], LINE, includes_tax=False)) == ["0.00"]


def test_a_day_without_a_rate_is_a_gap() -> None:
    with pytest.raises(Refused) as wrong:
        TaxTable.of([GERMANY], Place(country="DE"), datetime(1999, 1, 1, tzinfo=UTC)).rates_for("standard")
    assert wrong.value.code == "pricing.tax_rate_gap"


@pytest.mark.parametrize(
    ("first_until", "code"),
    [
        (date(2020, 6, 29), "pricing.tax_rate_gap"),
        (date(2020, 7, 1), "pricing.tax_rate_overlap"),
        (None, "pricing.tax_rate_overlap"),
        (date(1999, 1, 1), "pricing.tax_rate_overlap"),
    ],
)
def test_rates_of_one_tax_follow_one_another_without_a_day_between(first_until: date | None, code: str) -> None:
    later = rate("DE", "16", effective_from=date(2020, 7, 1))
    check_rates([later, rate("DE", "19", effective_to=date(2020, 6, 30))])
    with pytest.raises(HubError) as wrong:
        check_rates([later, rate("DE", "19", effective_to=first_until)])
    assert wrong.value.code == code


def test_a_negative_amount_is_not_taxed() -> None:
    with pytest.raises(Invalid) as wrong:
        taxed([line(table("DE"), "-1.00")], LINE, includes_tax=False)
    assert wrong.value.code == "pricing.amount_negative"


BASKETS = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(1, 50), st.sampled_from(["standard", "books"])),
    min_size=1,
    max_size=20,
)
MODES = st.builds(TaxMode, rounding=st.sampled_from(TaxRounding), half=st.sampled_from(Half))


@given(basket=BASKETS, mode=MODES, includes_tax=st.booleans())
def test_whatever_is_rounded_lines_and_taxes_add_up(
    basket: list[tuple[int, int, str]], mode: TaxMode, includes_tax: bool
) -> None:
    there = table("DE")
    lines = [
        Taxable(key=str(n), amount=Money(minor, "EUR"), quantity=Decimal(count), rates=there.rates_for(code))
        for n, (minor, count, code) in enumerate(basket)
    ]
    done = taxed(lines, mode, includes_tax=includes_tax)
    given = [one.gross if includes_tax else one.net for one in done]
    assert given == [one.amount for one in lines]
    assert done == taxed(lines, mode, includes_tax=includes_tax)
    if mode.rounding is TaxRounding.DOCUMENT and not includes_tax:
        for owed in {owed for one in done for owed, _ in one.taxes}:
            base = sum(one.net.minor for one in done if owed in dict(one.taxes))
            tax = sum(dict(one.taxes)[owed].minor for one in done if owed in dict(one.taxes))
            assert abs(tax - base * owed.share) <= (1 if mode.half is Half.DOWN else Decimal("0.5"))
