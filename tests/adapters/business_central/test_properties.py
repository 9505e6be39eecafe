"""Whatever the order: the plan comes to its total, and the emulated Business Central agrees to the minor unit."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.business_central.mapping.document import build_plan
from app.adapters.business_central.mapping.pieces import exactly
from app.adapters.business_central.mapping.rounding import predicted_total
from app.adapters.business_central.mapping.terms import Mode, Terms
from app.domains.orders.canonical import Amount, Line, LineKind, Order, Tax, Totals
from app.kernel.money import Money, spread, total
from tests.adapters.business_central.erp import Erp, a_us_company, a_vat_company, an_erp
from tests.contracts.sales_order_sink import posting_of
from tests.factories import a_line, a_shipping, an_allocation, an_order, stated_total

pytestmark = pytest.mark.capability("ORD-5", "CM-1")

CURRENCIES = ("EUR", "USD", "JPY", "KWD")
SKUS = ("MO-TENT-2P", "MO-CAP-ONE", "MO-SCK-M", "MO-FIL-ONE", "MO-PLE-PAIR")
keys = itertools.count(1)


def _pair(amount: Money) -> Amount:
    return Amount(shop=amount, presentment=amount)


def _taxes(nets: list[Money], rates: list[tuple[str, Decimal]], *, included: bool) -> list[tuple[Tax, ...]]:
    """Taxes as the shop has them: each title rounded over the order and spread over its lines."""
    whole = sum((rate for _, rate in rates), Decimal(0))
    rows: list[list[Tax]] = [[] for _ in nets]
    weights = [net.minor for net in nets]
    if not sum(weights):
        return [() for _ in nets]
    for title, rate in rates:
        divisor = 1 + Fraction(whole) if included else Fraction(1)
        tax = Money.rounded(
            Fraction(total(nets, nets[0].currency).amount) * Fraction(rate) / divisor, nets[0].currency
        )  # fmt: skip
        for row, share in zip(rows, spread(tax, weights), strict=True):
            row.append(Tax(title=title, amount=_pair(share), rate=rate))
    return [tuple(row) for row in rows]


@st.composite
def orders(draw: Any, *, currency: str, rates: list[tuple[str, Decimal]], included: bool) -> Order:
    """Orders of one to five goods, perhaps a gift card, a tip and shipping; discounts; tax inside or on top."""
    prices = draw(st.lists(st.integers(1, 60000), min_size=1, max_size=5))
    bare: list[Line] = []
    for n, minor in enumerate(prices, start=1):
        quantity = draw(st.integers(1, 9))
        off = draw(st.integers(0, minor * quantity)) if draw(st.booleans()) else 0
        discount = Money(off, currency).text
        bare.append(
            a_line(
                str(n), sku=SKUS[n - 1], price=Money(minor, currency).text, quantity=quantity, currency=currency,
                allocations=(an_allocation(discount, currency=currency),) if off else (),
            )
        )  # fmt: skip
    nets = [
        line.unit_price.shop * line.qty_ordered - sum((a.amount.shop for a in line.allocations), Money.zero(currency))
        for line in bare
    ]
    freight = Money(draw(st.sampled_from([0, 490, 1295])), currency)
    *taxes, freight_taxes = _taxes([*nets, freight], rates, included=included)
    lines = [
        a_line(
            line.line_id, sku=line.sku, price=line.unit_price.shop.text, quantity=line.qty_ordered, currency=currency,
            allocations=line.allocations, taxes=own,
        )
        for line, own in zip(bare, taxes, strict=True)
    ]  # fmt: skip
    if draw(st.booleans()):
        lines.append(
            a_line("90", kind=LineKind.GIFT_CARD, sku="", price=Money(5000, currency).text, currency=currency,
                   taxable=False)
        )  # fmt: skip
    if draw(st.booleans()):
        lines.append(a_line("91", kind=LineKind.TIP, sku="", price=Money(300, currency).text, currency=currency))
    shipping = (a_shipping(price=freight.text, currency=currency, taxes=freight_taxes),) if freight else ()
    return an_order(currency=currency, lines=tuple(lines), shipping=shipping, taxes_included=included)


def _with_removed(order: Order, kept: int) -> Order:
    """The order after an edit left `kept` units of its first line; the source says what the rest is worth."""
    first, *others = order.lines
    removed = first.qty_ordered - kept
    net = first.unit_price.shop * first.qty_ordered - sum(
        (a.amount.shop for a in first.allocations), Money.zero(order.currency_shop)
    )
    due = net + (Money.zero(order.currency_shop) if order.taxes_included else _sum_taxes(first))
    share = Money.rounded(Fraction(due.amount) * removed / first.qty_ordered, order.currency_shop)
    given_ = {"qty_current": kept}
    lines = (type(first)(**{name: getattr(first, name) for name in first.__slots__} | given_), *others)
    left = order.totals.total.shop - share
    return type(order)(
        **{name: getattr(order, name) for name in order.__slots__}
        | {"lines": lines, "totals": Totals(total=order.totals.total, current_total=_pair(left)), "edited": True}
    )


def _sum_taxes(line: Line) -> Money:
    return sum((tax.amount.shop for tax in line.taxes), Money.zero(line.unit_price.shop.currency))


GROSS = [("MwSt", Decimal("0.19"))]
SALES_TAX = [("State tax", Decimal("0.055")), ("County tax", Decimal("0.01185"))]
CASES = {
    Mode.GROSS: (GROSS, True),
    Mode.NET: (GROSS, False),
    Mode.TAX_LINES: (SALES_TAX, False),
}


@pytest.fixture(scope="module")
def terms() -> dict[Mode, Terms]:
    with an_erp(a_us_company()) as erp:
        return {mode: Terms.of(erp.settings | {"tax_mode": str(mode)}) for mode in Mode}


@pytest.mark.parametrize("mode", CASES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_is_planned_to_its_total(mode: Mode, terms: dict[Mode, Terms], data: st.DataObject) -> None:
    rates, included = CASES[mode]
    order = data.draw(orders(currency=data.draw(st.sampled_from(CURRENCIES)), rates=rates, included=included))
    plan = build_plan(posting_of(order), terms[mode])
    assert predicted_total(plan.lines, plan.currency, includes_tax=included) == order.totals.current_total.shop
    rounding = plan.line(990000)
    assert rounding is None or mode is Mode.NET
    assert len({line.sequence for line in plan.lines}) == len(plan.lines)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_tax_inside_is_taken_out_of_prices_to_the_minor_unit(terms: dict[Mode, Terms], data: st.DataObject) -> None:
    order = data.draw(orders(currency=data.draw(st.sampled_from(CURRENCIES)), rates=SALES_TAX, included=True))
    plan = build_plan(posting_of(order), terms[Mode.TAX_LINES])
    assert plan.line(990000) is None
    assert total((line.amount(plan.currency) for line in plan.lines), plan.currency) == plan.total


@pytest.mark.capability("ORD-7")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data(), mode=st.sampled_from(sorted(CASES)))
def test_an_edited_order_is_planned_to_what_is_left_of_it(
    terms: dict[Mode, Terms], data: st.DataObject, mode: Mode
) -> None:
    rates, included = CASES[mode]
    order = data.draw(orders(currency="EUR", rates=rates, included=included))
    first = order.lines[0]
    order = _with_removed(order, data.draw(st.integers(1, first.qty_ordered)))
    plan = build_plan(posting_of(order), terms[mode])
    assert predicted_total(plan.lines, "EUR", includes_tax=included) == order.totals.current_total.shop


@given(minor=st.integers(0, 10**7), quantity=st.integers(1, 400), currency=st.sampled_from(CURRENCIES))
def test_a_split_price_is_worth_the_whole_and_has_five_decimals(minor: int, quantity: int, currency: str) -> None:
    amount = Money(minor, currency)
    pieces = exactly(amount, quantity)
    assert sum(number for number, _ in pieces) == quantity
    assert sum(number * price for number, price in pieces) == amount.amount
    assert all(-int(price.as_tuple().exponent) <= 5 and price >= 0 for _, price in pieces)


@pytest.mark.parametrize("mode", CASES)
def test_business_central_arrives_at_the_total_of_any_order(mode: Mode) -> None:
    rates, included = CASES[mode]
    spec = a_us_company() if mode is Mode.TAX_LINES else a_vat_company()
    with an_erp(spec, tax_mode=str(mode)) as erp:
        _agrees(erp, rates, included=included)


def _agrees(erp: Erp, rates: list[tuple[str, Decimal]], *, included: bool) -> None:
    @settings(max_examples=25, deadline=None)
    @given(order=orders(currency=erp.spec.currency, rates=rates, included=included))
    def agrees(order: Order) -> None:
        receipt = erp.orders.post(posting_of(order, key=str(next(keys))))
        [held] = [row for row in erp.held() if row["number"] == receipt.number]
        assert held["totalAmountIncludingTax"] == order.totals.total.shop.amount
        assert receipt.total == stated_total({name: getattr(order, name) for name in order.__slots__}).shop

    agrees()
