"""Orders worked by hand, to the cent: what is planned, and what Business Central makes of it.

Figures: the five examples of the design's chapter on posting. VAT is 19 %, rounded once per group over the document.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from app.adapters.business_central.mapping.document import build_plan
from app.adapters.business_central.mapping.rounding import predicted_total
from app.adapters.business_central.mapping.terms import Terms
from app.domains.orders.canonical import Liable, LineKind, Order, Tax, Totals
from app.domains.orders.ports import Difference
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money
from tests.adapters.business_central.erp import a_us_company, a_vat_company, an_erp, settings_for
from tests.contracts.sales_order_sink import posting_of
from tests.factories import a_line, a_shipping, a_tax, an_allocation, an_order, eur, money

pytestmark = [pytest.mark.capability("ORD-5", "CM-1"), pytest.mark.capability("SYS-dynamics-bc")]
TENT, CAP, SOCKS = "MO-TENT-2P", "MO-CAP-ONE", "MO-SCK-M"


def vat(amount: str, rate: str = "0.19", currency: str = "EUR") -> Tax:
    return a_tax(amount, title="MwSt", rate=rate, currency=currency)


def the_gross_order() -> Order:
    """① 2 × 49.90 less 10.00, 1 × 25.00, a code of 10 % over both, shipping 4.90, tax inside."""
    a = a_line(
        "1", sku=TENT, price="49.90", quantity=2, currency="EUR", taxes=(vat("12.90"),),
        allocations=(an_allocation("10.00", currency="EUR"), an_allocation("8.98", currency="EUR")),
    )  # fmt: skip
    b = a_line(
        "2", sku=CAP, price="25.00", currency="EUR", taxes=(vat("3.59"),),
        allocations=(an_allocation("2.50", currency="EUR"),),
    )  # fmt: skip
    shipping = a_shipping(price="4.90", currency="EUR", taxes=(vat("0.78"),))
    return an_order(currency="EUR", lines=(a, b), shipping=(shipping,), taxes_included=True, total="108.22")


def test_prices_with_tax_come_to_the_total_by_construction_and_tax_may_differ_by_a_cent() -> None:
    with an_erp(a_vat_company(), order_customer="one", collecting_customers={"*": "WEB"}) as erp:
        receipt = erp.orders.post(posting_of(the_gross_order()))
        lines = erp.lines(receipt.number)
    assert (receipt.total, receipt.tax) == (Money.parse("108.22", "EUR"), Money.parse("17.28", "EUR"))
    assert receipt.differences == (Difference(field="tax", planned="17.27", found="17.28"),)
    figures = {
        n: (line["quantity"], line["unitPrice"], line["discountAmount"]) for n, line in lines.items() if n < 999000
    }
    assert figures == {
        1000: (2, Decimal("49.90"), Decimal("18.98")),
        2000: (1, Decimal("25.00"), Decimal("2.50")),
        800001: (1, Decimal("4.90"), 0),
    }


def test_net_prices_get_a_rounding_line_where_tax_is_rounded_by_group() -> None:
    """② three lines of 0.99: 3 × 0.19 of tax at the shop, round(2.97 × 0.19) = 0.56 in Business Central."""
    lines = tuple(
        a_line(str(n), sku=sku, price="0.99", currency="EUR", taxes=(vat("0.19"),))
        for n, sku in enumerate((TENT, CAP, SOCKS), start=1)
    )
    order = an_order(currency="EUR", lines=lines, total="3.54")
    with an_erp(a_vat_company(), tax_mode="net") as erp:
        receipt = erp.orders.post(posting_of(order))
        rounding = erp.lines(receipt.number)[990000]
        inserted = erp.calls().get("POST salesOrderLines", 0)
    assert receipt.total == Money.parse("3.54", "EUR")
    assert (rounding["unitPrice"], rounding["lineObjectNumber"]) == (Decimal("0.01"), "4910")
    assert inserted == 0  # it was in the first POST, not put right afterwards


def test_each_tax_of_a_sales_tax_company_is_a_line_on_its_account() -> None:
    """③ items 255.92, State tax 10.20, County tax 4.25: 270.37."""
    lines = (
        a_line("1", sku=TENT, price="129.99", taxes=(a_tax("5.20"), a_tax("2.60", title="County tax"))),
        a_line("2", sku=CAP, price="85.95", taxes=(a_tax("3.40"), a_tax("1.15", title="County tax"))),
        a_line("3", sku=SOCKS, price="39.98", taxes=(a_tax("1.60"), a_tax("0.50", title="County tax"))),
    )
    with an_erp(a_us_company()) as erp:
        receipt = erp.orders.post(posting_of(an_order(lines=lines, total="270.37")))
        held = erp.lines(receipt.number)
    assert (receipt.total, receipt.tax) == (Money.parse("270.37", "USD"), Money.zero("USD"))
    taxes = {n: (line["lineObjectNumber"], line["unitPrice"]) for n, line in held.items() if 900000 <= n < 980000}
    assert taxes == {900001: ("2310", Decimal("10.20")), 900002: ("2320", Decimal("4.25"))}
    assert receipt.differences == ()


@pytest.mark.parametrize(
    ("currency", "price", "tax", "total", "rounding"),
    [
        # JPY has no decimals: three times round(105 × 0.1) = 11 is 33, round(315 × 0.1) is 32 → one yen
        pytest.param("JPY", "105", "11", "348", "1", id="JPY"),
        # KWD has three: three times round(0.995 × 0.1) = 0.100 is 0.300, round(2.985 × 0.1) is 0.299 → 0.001
        pytest.param("KWD", "0.995", "0.100", "3.285", "0.001", id="KWD"),
    ],
)
def test_the_bound_is_in_minor_units_of_the_currency(
    currency: str, price: str, tax: str, total: str, rounding: str
) -> None:
    """④"""
    lines = tuple(
        a_line(str(n), sku=sku, price=price, currency=currency, taxes=(vat(tax, "0.10", currency),))
        for n, sku in enumerate((TENT, CAP, SOCKS), start=1)
    )
    order = an_order(currency=currency, lines=lines, total=total)
    with an_erp(a_vat_company(currency, standard="10"), tax_mode="net") as erp:
        receipt = erp.orders.post(posting_of(order))
        assert erp.lines(receipt.number)[990000]["unitPrice"] == Decimal(rounding)
    assert receipt.total == Money.parse(total, currency)


def test_a_sold_gift_card_is_a_liability_without_tax_and_a_redeemed_one_is_no_line() -> None:
    """⑤ gift card 50.00 and shirt 20.00, 19 % inside the shirt: 3.19."""
    card = a_line("1", kind=LineKind.GIFT_CARD, sku="", title="Gift card", price="50.00", currency="EUR", taxable=False)
    shirt = a_line("2", sku=CAP, price="20.00", currency="EUR", taxes=(vat("3.19"),))
    order = an_order(
        currency="EUR", lines=(card, shirt), taxes_included=True, total="70.00", gateways=("gift_card", "manual")
    )
    with an_erp(a_vat_company()) as erp:
        receipt = erp.orders.post(posting_of(order))
        held = erp.lines(receipt.number)
    assert (receipt.total, receipt.tax) == (Money.parse("70.00", "EUR"), Money.parse("3.19", "EUR"))
    assert (held[830001]["lineObjectNumber"], held[830001]["taxCode"]) == ("2400", "ZERO")
    assert sorted(held) == [2000, 830001, 999000]


def test_the_order_of_fields_is_the_one_that_business_central_does_not_recompute() -> None:
    with an_erp(a_us_company()) as erp:
        terms = Terms.of(erp.settings | {"location": "EAST"})
        known = {"variant": {TENT: "GREEN"}, "unit": {TENT: "PCS"}}
        posting = replace(posting_of(an_order(lines=(a_line(sku=TENT),))), known=known)
        plan = build_plan(posting, terms)
    line = plan.lines[0].body(
        {"item": {TENT: "item-id"}, "location": {"EAST": "place-id"}, "variant": {TENT: "variant-id"}}
    )
    assert list(line) == [
        "sequence", "itemId", "itemVariantId", "locationId", "unitOfMeasureCode", "taxCode", "quantity", "unitPrice",
        "discountAmount", "description",
    ]  # fmt: skip
    assert line["discountAmount"] == 0  # sent although it is nothing: else Business Central's own discounts apply


def test_tax_on_top_of_a_rate_unknown_to_business_central_is_a_case_and_stays_a_draft() -> None:
    """A wrong rate is not rounding: 7 % at the shop, 19 % in Business Central."""
    line = a_line(sku=TENT, currency="EUR", taxes=(vat("1.75", "0.07"),))
    order = an_order(currency="EUR", lines=(line,), total="26.75")
    with an_erp(a_vat_company(), tax_mode="net") as erp:
        with pytest.raises(NeedsAttention, match="is not the order") as caught:
            erp.orders.post(posting_of(order))
        [held] = erp.held()
    assert held["status"] == "Draft"
    told = {row["field"]: (row["planned"], row["found"]) for row in caught.value.facts["differences"]}
    assert told["line 1000 taxPercent"] == ("7", "19")
    assert told["total"] == ("26.75", "29.75")


def test_a_total_that_lines_do_not_come_to_is_refused_before_anything_is_posted() -> None:
    order = an_order(lines=(a_line(sku=TENT, price="25.00"),), total="25.02")
    with an_erp(a_us_company()) as erp:
        with pytest.raises(NeedsAttention, match="nothing was posted") as caught:
            erp.orders.post(posting_of(order))
        assert (caught.value.code, erp.held()) == ("erp.total_differs", [])


def test_a_company_that_may_not_have_prices_with_tax_gets_net_prices() -> None:
    """100.00 with 15.97 inside is 84.03, and 84.03 × 19 % is 15.97 again."""
    order = an_order(
        currency="EUR", taxes_included=True,
        lines=(a_line(sku=TENT, price="100.00", currency="EUR", taxes=(vat("15.97"),)),),
    )  # fmt: skip
    with an_erp(a_vat_company(), prices_include_tax_writable=False) as erp:
        receipt = erp.orders.post(posting_of(order))
        assert erp.held()[0]["pricesIncludeTax"] is False
        assert erp.lines(receipt.number)[1000]["unitPrice"] == Decimal("84.03")
    assert receipt.total == Money.parse("100.00", "EUR")


def test_a_net_price_that_does_not_divide_is_split_into_the_usual_units_and_an_odd_one() -> None:
    """Three at 11.90 with 5.70 inside leave 30.00 net; three with 5.71 leave 29.99: 2 × 9.99 and 1 × 10.01."""
    line = a_line(sku=TENT, price="11.90", quantity=3, taxes=(a_tax("5.71", rate="0.19"),))
    with an_erp(a_us_company()) as erp:
        receipt = erp.orders.post(posting_of(an_order(lines=(line,), taxes_included=True)))
        held = erp.lines(receipt.number)
    assert [(held[n]["quantity"], held[n]["unitPrice"]) for n in (1000, 1001)] == [
        (2, Decimal("9.99")), (1, Decimal("10.01"))
    ]  # fmt: skip
    assert held[900001]["unitPrice"] == Decimal("5.71")
    assert [line.line_id for line in receipt.lines if line.meaning == "line"] == ["501", "501"]
    assert receipt.total == Money.parse("35.70", "USD")


def test_what_the_marketplace_owes_is_a_line_on_its_own_account_in_every_mode() -> None:
    tax = a_tax("4.75", title="Marketplace VAT", rate="0.19", currency="EUR", liable=Liable.CHANNEL)
    order = an_order(currency="EUR", lines=(a_line(sku=TENT, price="25.00", currency="EUR", taxes=(tax,)),))
    for mode in ("net", "gross"):
        with an_erp(a_vat_company(), tax_mode=mode) as erp:
            receipt = erp.orders.post(posting_of(order))
            held = erp.lines(receipt.number)
        assert (held[900001]["lineObjectNumber"], held[900001]["unitPrice"]) == ("2360", Decimal("4.75"))
        assert held[1000]["taxCode"] == "ZERO"
        assert (receipt.total, receipt.tax) == (Money.parse("29.75", "EUR"), Money.zero("EUR"))


def test_the_side_of_the_document_decides_the_currency() -> None:
    line = replace(
        a_line(sku=TENT, price="25.00"), unit_price=replace(money("25.00"), presentment=Money.parse("23.10", "EUR"))
    )
    total = replace(money("25.00"), presentment=Money.parse("23.10", "EUR"))
    order = replace(
        an_order(lines=(line,)), currency_presentment="EUR", totals=Totals(total=total, current_total=total)
    )  # fmt: skip
    for side, expected in (("presentment", "23.10 EUR"), ("shop", "25.00 USD")):
        with an_erp(a_us_company(), document_currency=side) as erp:
            receipt = erp.orders.post(posting_of(order))
            assert str(receipt.total) == expected
            assert erp.held()[0]["currencyCode"] == expected[-3:]


def test_cash_rounding_makes_the_document_what_was_paid() -> None:
    order = an_order(lines=(a_line(sku=TENT, price="19.98"),), cash_rounding_payment=money("0.02"))
    with an_erp(a_us_company()) as erp:
        receipt = erp.orders.post(posting_of(order))
        assert erp.lines(receipt.number)[980000]["unitPrice"] == Decimal("0.02")
    assert receipt.total == Money.parse("20.00", "USD")


def test_a_prediction_knows_nothing_where_a_rate_is_not_stated() -> None:
    with an_erp(a_vat_company(), tax_mode="net") as erp:
        terms = Terms.of(erp.settings)
        order = an_order(
            currency="EUR",
            lines=(a_line(sku=TENT, currency="EUR", taxes=(a_tax("4.75", rate=None, currency="EUR"),)),),
        )
        plan = build_plan(posting_of(order), terms)
        assert predicted_total(plan.lines, "EUR", includes_tax=False) is None
        assert erp.orders.post(posting_of(order)).total == eur("29.75").shop


def test_a_failed_prediction_is_put_right_by_a_line_of_its_own() -> None:
    """The shop states no rate, so nobody foresees that 3 × 0.19 becomes 0.56: the line comes after the read-back."""
    lines = tuple(
        a_line(str(n), sku=sku, price="0.99", currency="EUR", taxes=(a_tax("0.19", rate=None, currency="EUR"),))
        for n, sku in enumerate((TENT, CAP, SOCKS), start=1)
    )
    with an_erp(a_vat_company(), tax_mode="net") as erp:
        receipt = erp.orders.post(posting_of(an_order(currency="EUR", lines=lines)))
        assert erp.calls()["POST salesOrderLines"] == 1
        again = erp.orders.post(posting_of(an_order(currency="EUR", lines=lines), again=True))
        found = erp.orders.find(posting_of(an_order(currency="EUR", lines=lines)))
        assert erp.calls()["POST salesOrderLines"] == 1
    assert receipt.total == again.total == Money.parse("3.54", "EUR")
    assert found is not None
    assert found.total == receipt.total


def test_a_company_that_files_from_business_central_takes_its_own_tax_within_rounding() -> None:
    """25.00 in Maine at 5.5 % is 1.375: 1.38 at the shop; Business Central computes it from the customer's area."""
    tax = a_tax("1.38", title="Maine State Tax", rate="0.055")
    with an_erp(a_us_company(), tax_mode="erp_tax", zero_tax_code="NONTAXABLE") as erp:
        area = next(row for row in erp.held("taxAreas") if row["code"] == "ME")
        erp.settings = settings_for(erp.served, erp.spec, tax_mode="erp_tax", tax_areas={"US": area["id"]})
        receipt = erp.orders.post(posting_of(an_order(lines=(a_line(sku=TENT, taxes=(tax,)),))))
        assert (receipt.total, receipt.tax) == (Money.parse("26.38", "USD"), Money.parse("1.38", "USD"))
        wrong = a_tax("2.00", title="Maine State Tax", rate="0.08")
        with pytest.raises(NeedsAttention, match="is not the order"):
            erp.orders.post(posting_of(an_order(lines=(a_line(sku=TENT, taxes=(wrong,)),)), key="2"))
