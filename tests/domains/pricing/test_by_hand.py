"""Whole baskets worked out by hand, each figure with its sum; a figure that a vendor gives names its document."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domains.pricing.canonical.prices import QuoteRule, Rounding
from app.domains.pricing.canonical.promotions import Kind, Level
from app.domains.pricing.canonical.quote import Quote, Stage
from app.domains.pricing.policy.tax_quoting import TaxRule
from app.domains.pricing.policy.tax_sums import TaxMode, TaxRounding
from app.domains.pricing.service.promotions import set_rule
from app.domains.pricing.service.tax_rates import set_tax_rule
from app.kernel.money import Half
from tests.domains.pricing.shop import GERMANY, WHO, Shop, reasons

pytestmark = pytest.mark.capability("PRC-1", "PRC-2", "PRC-3")
CAMP = {"TENT": "199.00", "STOVE": "49.95", "GUIDE": "24.90", "PEG": ((1, "0.99"), (100, "0.79"))}
NEW_JERSEY = "\nUS-NJ,New Jersey,US,NJ,,,America/New_York,,,,1,State,7,,2018-01-01,\n"


def tax_by(shop: Shop, rounding: TaxRounding) -> None:
    with shop.hub.unit_of_work() as uow:
        set_tax_rule(uow, "", "", TaxRule(mode=TaxMode(rounding=rounding)), WHO)


@pytest.fixture
def camp(shop: Shop) -> Shop:
    """An outdoor shop in Germany with gross prices: 19 % by UStG § 12 (1), books 7 % by § 12 (2), Anlage 2 no. 49."""
    shop.tax(GERMANY)
    tax_by(shop, TaxRounding.LINE)
    shop.items(
        TENT="category=tents tax_code=standard",
        STOVE="tax_code=standard",
        GUIDE="tax_code=reduced",
        PEG="category=pegs tax_code=standard",
    )
    shop.list("retail-eur", CAMP, channel="shop")
    shop.list("acme-eur", {"PEG": ((1, "0.89"), (500, "0.375"))}, customer="ACME")
    shop.promotion("tents-10", categories=["tents"], stacks_with=["five-off"])
    shop.promotion("pegs-3-for-2", Kind.BUY_X_GET_Y, "100", buy=2, get=1, skus=["PEG"], stacks_with=["five-off"])
    shop.promotion("five-off", Kind.AMOUNT, "5", level=Level.ORDER, min_amount=Decimal(100))
    return shop


def test_a_german_basket_with_three_promotions_and_shipping(camp: Shop) -> None:
    found = camp.quote({"TENT": 1, "STOVE": 2, "GUIDE": 1, "PEG": 7}, shipping="4.90")

    assert [line.list_amount.text for line in found.lines] == [
        "199.00",  # 1 x 199.00
        "99.90",  # 2 x 49.95
        "24.90",  # 1 x 24.90
        "6.93",  # 7 x 0.99: the break of 100 is not reached
    ]
    assert reasons(found, 0, Stage.LINE_PROMOTION) == [("tents-10", "-19.90")]  # 10 % of 199.00
    assert reasons(found, 3, Stage.LINE_PROMOTION) == [("pegs-3-for-2", "-1.98")]  # 7 // 3 = 2 free x 0.99
    # 179.10 + 99.90 + 24.90 + 4.95 = 308.85 is left; 5.00 over it: 2.8995 + 1.6173 + 0.4031 + 0.0801, floored 2.89 +
    # 1.61 + 0.40 + 0.08 = 4.98, the two cents that are left to the largest remainders, .95 and .73.
    shares = [reasons(found, n, Stage.ORDER_PROMOTION) for n in range(4)]
    assert shares == [
        [("five-off", "-2.90")],
        [("five-off", "-1.62")],
        [("five-off", "-0.40")],
        [("five-off", "-0.08")],
    ]
    assert [line.amount.text for line in found.lines] == ["176.20", "98.28", "24.50", "4.87"]
    # UStG: tax is what 119 and 107 hold of 19 and 7. 176.20 / 1.19 = 148.0672, 98.28 / 1.19 = 82.5882,
    # 24.50 / 1.07 = 22.8972, 4.87 / 1.19 = 4.0924.
    assert [line.net.text for line in found.lines] == ["148.07", "82.59", "22.90", "4.09"]
    assert [line.tax.text for line in found.lines] == ["28.13", "15.69", "1.60", "0.78"]
    # Shipping shares the goods' rates (UStAE 3.10: a dependent supply). 279.35 of 303.85 at 19 %: 4.50490 of 4.90, and
    # 0.39510 at 7 %; floored 4.50 + 0.39, the cent to .51: 4.50 + 0.40. 4.50 / 1.19 = 3.7815, 0.40 / 1.07 = 0.3738.
    assert found.shipping is not None
    assert (found.shipping.net.text, found.shipping.tax.text) == ("4.15", "0.75")  # 3.78 + 0.37; 0.72 + 0.03
    assert totals(found) == ("330.73", "26.88", "261.80", "46.95", "308.75")  # 303.85 + 4.90 = 308.75


def test_the_same_basket_rounded_as_a_document(camp: Shop) -> None:
    tax_by(camp, TaxRounding.DOCUMENT)
    found = camp.quote({"TENT": 1, "STOVE": 2, "GUIDE": 1, "PEG": 7})
    # At 19 %: 176.20 + 98.28 + 4.87 = 279.35 / 1.19 = 234.7479, tax 44.60. Over the lines by their amounts: 28.1319 +
    # 15.6911 + 0.7775, floored 28.13 + 15.69 + 0.77 = 44.59, the cent to .75. At 7 %: 24.50 / 1.07 = 22.8972, 1.60.
    assert [line.tax.text for line in found.lines] == ["28.13", "15.69", "1.60", "0.78"]
    assert found.tax.text == "46.20"
    assert found.tax_mode == "rounded by document, half up, as erp invoices"


def test_a_contract_price_goes_before_the_shop_s_and_its_break_counts_over_all_lines(camp: Shop) -> None:
    found = camp.quote({"PEG": 500}, customer="ACME")
    assert found.lines[0].list_amount.text == "187.50"  # 500 x 0.375, the contract's break
    said = found.lines[0].reasons[0]
    assert (said.rule, said.said) == (
        "acme-eur",
        "price list acme-eur for customer ACME: 0.375 EUR from 500, since 2026-01-01 00:00 Europe/Berlin",
    )
    # 500 // 3 = 166 free: 166 x 0.375 = 62.25; 187.50 - 62.25 = 125.25, and five euros off the order.
    assert found.lines[0].amount.text == "120.25"
    stranger = camp.quote({"PEG": 500})
    assert stranger.lines[0].list_amount.text == "395.00"  # 500 x 0.79, the shop's break of 100


def test_shopify_s_own_example_of_an_amount_across_three_lines(shop: Shop) -> None:
    """Order 450789469 of contracts/shopify/rest-2026-07/order.json: TENOFF, 10.00 off 3 × 199.00: 3.34, 3.33, 3.33."""
    shop.tax()
    skus = ("IPOD2008GREEN", "IPOD2008RED", "IPOD2008BLACK")
    shop.list("us", dict.fromkeys(skus, "199.00"), currency="USD", includes_tax=False)
    shop.promotion("TENOFF", Kind.AMOUNT, "10.00", level=Level.ORDER, currency="USD")
    found = shop.quote(dict.fromkeys(skus, 1), currency="USD", country="US")
    assert [line.discount.text for line in found.lines] == ["3.34", "3.33", "3.33"]
    assert (found.list_amount.text, found.discount.text) == ("597.00", "10.00")


def test_shopify_s_own_example_of_a_percentage(shop: Shop) -> None:
    """contracts/shopify/rest-2026-07/order.json: FAKE30, 9.00 per cent, takes 17.91 off 199.00 and leaves 181.09."""
    shop.tax()
    shop.list("us", {"IPOD": "199.00"}, currency="USD", includes_tax=False)
    shop.promotion("FAKE30", Kind.PERCENTAGE, "9.0", level=Level.ORDER)
    assert shop.quote({"IPOD": 1}, currency="USD").lines[0].discount.text == "17.91"


@pytest.mark.parametrize("rounding", TaxRounding)
def test_taxjar_s_own_example_of_new_jersey(shop: Shop, rounding: TaxRounding) -> None:
    """contracts/taxjar/taxes.json: 15.00 and 1.50 shipping at 7 % are 1.05 and 0.11, 1.16 to collect."""
    shop.tax(NEW_JERSEY)
    tax_by(shop, rounding)
    shop.list("us", {"ITEM": "15.00"}, currency="USD", includes_tax=False)
    found = shop.quote({"ITEM": 1}, currency="USD", country="US", region="NJ", shipping="1.50")
    assert found.shipping is not None
    assert (found.lines[0].tax.text, found.shipping.tax.text, found.tax.text) == ("1.05", "0.11", "1.16")
    assert found.gross.text == "17.66"  # 16.50 + 1.16


def test_a_price_of_six_places_is_rounded_by_line_or_by_order(shop: Shop) -> None:
    shop.tax()
    shop.list("net", {"SCREW": "0.333333", "NUT": "0.041667"}, includes_tax=False)
    # By line: 5 x 0.333333 = 1.666665 -> 1.67; 7 x 0.041667 = 0.291669 -> 0.29.
    assert amounts(shop.quote({"SCREW": 5, "NUT": 7})) == ["1.67", "0.29"]
    with shop.hub.unit_of_work() as uow:
        set_rule(uow, QuoteRule(rounding=Rounding.ORDER), WHO)
    # By order: 1.958334 -> 1.96, floored 1.66 + 0.29 by their shares 1.66808 and 0.29192, the cent to .81.
    assert amounts(shop.quote({"SCREW": 5, "NUT": 7})) == ["1.67", "0.29"]
    # By line 3 x 0.041667 = 0.125001 -> 0.13 and 1 x 0.333333 -> 0.33, together 0.46; by order 0.458334 -> 0.46.
    assert amounts(shop.quote({"SCREW": 1, "NUT": 3})) == ["0.33", "0.13"]
    # By line 0.666666 -> 0.67 and 0.166668 -> 0.17, together 0.84; by order 0.833334 -> 0.83, of which 0.66400 and
    # 0.16600: floored 0.66 + 0.16, the cent to .60.
    assert amounts(shop.quote({"SCREW": 2, "NUT": 4})) == ["0.66", "0.17"]


@pytest.mark.parametrize(
    ("currency", "price", "quantity", "amount", "tax"),
    [
        ("JPY", "333.5", 3, "1001", "100"),  # 1000.5 yen -> 1001; 10 % of 1001 = 100.1 -> 100
        ("KWD", "1.2345", 3, "3.704", "0.370"),  # 3.7035 -> 3.704 (three decimals); 10 % of 3.704 = 0.3704 -> 0.370
        ("EUR", "1.005", 1, "1.01", "0.10"),  # half of a cent goes up
    ],
)
def test_amounts_are_exact_to_the_minor_unit_of_each_currency(
    shop: Shop, currency: str, price: str, quantity: int, amount: str, tax: str
) -> None:
    """ISO 4217: the yen has no minor unit, the Kuwaiti dinar three decimals."""
    shop.tax("\nX,Everywhere,,,,,UTC,,,,1,Tax,10,,2000-01-01,\n")
    shop.list("list", {"THING": price}, currency=currency, includes_tax=False)
    found = shop.quote({"THING": quantity}, currency=currency)
    assert (found.lines[0].net.text, found.lines[0].tax.text) == (amount, tax)


@pytest.mark.parametrize(("half", "amount"), [(Half.UP, "0.13"), (Half.EVEN, "0.12"), (Half.DOWN, "0.12")])
def test_exactly_half_a_cent_goes_where_the_rule_says(shop: Shop, half: Half, amount: str) -> None:
    shop.tax()
    shop.list("list", {"THING": "0.125"}, includes_tax=False)
    with shop.hub.unit_of_work() as uow:
        set_rule(uow, QuoteRule(half=half), WHO, channel="shop")
    found = shop.quote({"THING": 1})
    assert found.net.text == amount
    assert found.rounding == f"amounts and percentages: each line, half {half}, by the quote rule of channel shop"


def amounts(found: Quote) -> list[str]:
    return [line.list_amount.text for line in found.lines]


def totals(found: Quote) -> tuple[str, ...]:
    return tuple(getattr(found, name).text for name in ("list_amount", "discount", "net", "tax", "gross"))
