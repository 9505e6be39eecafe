"""Every kind of order becomes canonical, worked by hand: what is stated, what is made of it, to the minor unit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.domains.orders.canonical import (
    Amount,
    Company,
    Liable,
    LineKind,
    PaymentTerms,
    Property,
    RestockKind,
    Side,
    TransactionKind,
)
from app.domains.orders.policy import require_proof
from app.kernel.money import Money
from tests.adapters.shopify.deliveries import order_of

pytestmark = pytest.mark.capability("CM-1", "CM-2", "ORD-2", "SYS-shopify")


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


# fixture → total, discounts, tax on both sides as worked by hand in the fixture's own numbers
WORKED = {
    "orders_create__tax_included": ("108.22 EUR", "21.48 EUR", "17.27 EUR"),  # 80.82 + 22.50 + 4.90
    "orders_create__shipping_discount": ("48.55 USD", "5.00 USD", "3.60 USD"),  # 40.00 + 9.95 - 5.00 + 3.60
    "orders_create__tip": ("37.40 USD", "0.00 USD", "2.40 USD"),  # 30.00 + tip line 5.00 + 2.40
    "orders_create__tip_outside_lines": ("33.00 USD", "0.00 USD", "0.00 USD"),  # 30.00 + 3.00
    "orders_create__gift_card": ("70.00 EUR", "0.00 EUR", "3.19 EUR"),  # 50.00 liability + 20.00, tax within
    "orders_create__duties": ("135.55 USD", "0.00 USD", "1.15 USD"),  # 120.00 + 14.40 + 1.15
    "orders_create__fees": ("29.70 USD", "0.00 USD", "2.20 USD"),  # 25.00 + 2.50 + 2.20
    "orders_create__cash_rounding": ("10.02 CAD", "0.00 CAD", "0.00 CAD"),  # 3 x 3.34; 10.00 is what the till took
    "orders_create__yen": ("4100 JPY", "0 JPY", "372 JPY"),  # 3 x 1200 + 500, tax within
    "orders_create__dinar": ("11.110 KWD", "1.235 KWD", "0.000 KWD"),  # 12.345 - 1.235
    "orders_paid__b2b": ("2980.00 USD", "0.00 USD", "0.00 USD"),
    "orders_create__marketplace_tax": ("19.45 USD", "0.00 USD", "1.45 USD"),  # 18.00 + 1.17 + 0.28
    "orders_create__withheld": ("6.00 USD", "0.00 USD", "0.00 USD"),
    "orders_cancelled__unpaid": ("80.00 USD", "0.00 USD", "0.00 USD"),
    "orders_updated__refunded": ("48.20 USD", "0.00 USD", "3.20 USD"),
    "orders_updated__edited": ("75.00 USD", "0.00 USD", "0.00 USD"),
}


@pytest.mark.parametrize("fixture", WORKED)
def test_an_order_is_what_its_parts_make(fixture: str) -> None:
    order = order_of(fixture)
    proof = require_proof(order)
    assert proof.findings == ()
    assert order.totals.discounts is not None
    assert order.totals.tax is not None
    for side in Side:
        stated = (order.totals.total.of(side), order.totals.discounts.of(side), order.totals.tax.of(side))
        assert tuple(map(str, stated)) == WORKED[fixture]
    assert {row.computed for row in proof.rows if row.equation == "E1"} == {order.totals.total.shop}


def test_line_and_order_discounts_lie_on_the_lines_with_their_reason() -> None:
    boots, socks = order_of("orders_create__tax_included").lines
    assert [(one.amount.shop, one.application.kind, one.application.label) for one in boots.allocations] == [
        (eur("10.00"), "manual", "Scratched box"),
        (eur("8.98"), "discount_code", "HERBST10"),
    ]
    assert [one.amount.shop for one in socks.allocations] == [eur("2.50")]
    code = boots.allocations[1].application
    assert (code.value, code.value_kind, code.method, code.target) == ("10", "percentage", "across", "line_item")


def test_a_removed_shipping_line_is_kept_and_marked() -> None:
    express, courier = order_of("orders_create__shipping_discount").shipping
    assert (express.is_removed, courier.is_removed) == (False, True)
    assert express.allocations[0].application.target == "shipping_line"


def test_a_tip_that_is_a_line_is_not_counted_again() -> None:
    order = order_of("orders_create__tip")
    assert [line.kind for line in order.lines] == [LineKind.PRODUCT, LineKind.TIP]
    assert order.tip_outside_lines is None
    assert (order.channel.source_name, order.channel.location) == ("pos", "655441")


def test_a_tip_that_is_no_line_stands_beside_the_lines() -> None:
    assert order_of("orders_create__tip_outside_lines").tip_outside_lines == Amount(shop=usd("3"), presentment=usd("3"))


def test_a_gift_card_sold_is_a_line_and_one_redeemed_is_a_payment() -> None:
    order = order_of("orders_create__gift_card")
    card, shirt = order.lines
    assert (card.kind, card.taxable, card.requires_shipping) == (LineKind.GIFT_CARD, False, False)
    assert card.properties[1] == Property(name="_gift_note", value="Alles Gute!")
    assert shirt.taxes[0].rate == Decimal("0.19")
    assert order.gateways == ("gift_card", "shopify_payments")
    assert all(not line.allocations for line in order.lines)


def test_duties_and_fees_carry_their_own_taxes() -> None:
    (duty,) = order_of("orders_create__duties").lines[0].duties
    assert (duty.price.shop, duty.hs_code, duty.origin) == (usd("14.40"), "640391", "PT")
    assert duty.taxes[0].amount.shop == usd("1.15")
    (fee,) = order_of("orders_create__fees").fees
    assert (fee.name, fee.price.shop, fee.taxes[0].amount.shop) == ("Recycling fee", usd("2.50"), usd("0.20"))


def test_cash_rounding_is_what_the_till_rounded_and_nothing_else_has_any() -> None:
    rounded = order_of("orders_create__cash_rounding").cash_rounding_payment
    assert rounded is not None
    assert str(rounded.shop) == "-0.02 CAD"
    assert order_of("orders_create__tip").cash_rounding_payment is None


def test_two_currencies_are_kept_side_by_side() -> None:
    order = order_of("orders_create__two_currencies")
    assert (order.currency_shop, order.currency_presentment) == ("USD", "EUR")
    assert order.lines[0].unit_price == Amount(shop=usd("21.99"), presentment=eur("19.99"))
    assert require_proof(order).residual is None
    assert order.totals.outstanding is None  # a webhook states it in the shop's currency alone


def test_a_conversion_difference_has_a_name() -> None:
    residual = require_proof(order_of("orders_create__two_currencies_residual")).residual
    assert residual is not None
    assert (residual.kind, str(residual.amount)) == ("currency_conversion", "0.02 USD")


def test_a_company_buys_on_terms() -> None:
    order = order_of("orders_paid__b2b")
    assert order.company == Company(external_id="41001", location_id="51001")
    assert order.payment_terms == PaymentTerms(name="Net 30", due_at=datetime(2026, 12, 20, 8, 29, 58, tzinfo=UTC))
    assert (order.po_number, order.tags) == ("PO-2026-118", ("Net30", "wholesale"))
    assert order.tax_ids == (Property(name="VAT number", value="US-55-0101"),)
    assert order.customer is not None
    assert order.customer.tax_exempt


def test_a_marketplace_owes_its_taxes_and_a_tax_without_a_rate_stays_one() -> None:
    taxes = order_of("orders_create__marketplace_tax").lines[0].taxes
    assert [(one.liable, one.rate) for one in taxes] == [
        (Liable.CHANNEL, Decimal("0.065")), (Liable.UNKNOWN, None),
    ]  # fmt: skip


def test_a_customer_without_personal_data_is_no_guest() -> None:
    withheld = order_of("orders_create__withheld").customer
    assert withheld is not None
    assert (withheld.external_id, withheld.withheld, withheld.email) == ("7300002", True, "")
    assert order_of("orders_cancelled__unpaid").customer is None


def test_a_cancelled_order_is_a_whole_order() -> None:
    order = order_of("orders_cancelled__unpaid")
    assert (order.cancelled_at, order.cancel_reason) == (datetime(2026, 11, 20, 9, tzinfo=UTC), "customer")
    assert (order.test, order.edited, order.lines[0].qty_current) == (True, False, 0)


def test_a_refund_says_lines_shipping_difference_and_money_apart() -> None:
    order = order_of("orders_updated__refunded")
    (refund,) = order.refunds
    assert [(one.line_id, one.quantity, one.restock) for one in refund.lines] == [("251", 1, RestockKind.RETURN)]
    assert refund.shipping[0].amount.shop == usd("5.00")
    assert [(one.kind, one.amount.shop) for one in refund.adjustments] == [("refund_discrepancy", usd("1.70"))]
    assert [(one.kind, one.amount.shop) for one in refund.transactions] == [(TransactionKind.REFUND, usd("24.90"))]
    assert {row.equation for row in require_proof(order).rows if row.holds} >= {"E7", "E8"}
    assert not order.edited  # the missing unit was refunded


def test_an_edit_shows_in_a_webhook_and_is_proved_by_the_answers_agreements() -> None:
    assert order_of("orders_updated__edited").edited
    order = order_of("answer_order__edited")
    assert [(edit.reason, len(edit.sales)) for edit in order.edits] == [("order", 2), ("order_edit", 1)]
    proof = require_proof(order)
    assert (proof.decided_by, proof.edited) == ("E9", True)
    assert {(row.equation, row.holds) for row in proof.rows} >= {("E9", True), ("E1", False), ("E11", True)}
    assert [one.kind for one in order.transactions] == [TransactionKind.SALE]
    assert order.transactions[0].fees[0].amount == usd("2.48")


def test_identity_is_the_shops_own_and_time_is_utc() -> None:
    order = order_of("orders_create__tax_included")
    assert (str(order.ref), order.gid) == ("shop/5500001001", "gid://shopify/Order/5500001001")
    assert (order.name, order.number) == ("#1001", 1001)
    assert order.source_version == datetime(2026, 11, 20, 8, 30, 5, tzinfo=UTC)
    assert order.source_version.tzinfo is UTC
    assert order.ship_to is not None
    assert (order.ship_to.province_code, order.ship_to.country_code) == ("", "DE")
