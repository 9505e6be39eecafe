"""Whatever an order is made of: the sum of its parts is proved, and nothing else is."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.orders.canonical import Amount, Duty, Fee, Order, Tax, Totals
from app.domains.orders.policy import prove, require_proof
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money
from tests.factories import a_line, a_shipping, an_allocation, an_order, money

pytestmark = pytest.mark.capability("CM-2", "ORD-2")


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Orders whose parts are anything; their total is stated as the sum of them."""
    currency = draw(st.sampled_from(("USD", "JPY", "KWD")))

    def an_amount(lowest: int = 0, highest: int = 10**7) -> Amount:
        whole = Money(draw(st.integers(lowest, highest)), currency)
        return Amount(shop=whole, presentment=whole)

    def taxes() -> tuple[Tax, ...]:
        titles = draw(st.lists(st.sampled_from(("State", "County")), max_size=2))
        return tuple(Tax(title=title, amount=an_amount(), rate=Decimal("0.05")) for title in titles)

    def a_row() -> dict[str, object]:
        allocations = tuple(replace(an_allocation("0", currency=currency), amount=an_amount()) for _ in range(draw(n)))
        return {"allocations": allocations, "taxes": taxes()}

    n = st.integers(0, 2)
    lines = tuple(
        a_line(
            str(number), currency=currency, price="0", quantity=draw(st.integers(0, 50)),
            **(a_row() | {"unit_price": an_amount(), "duties": (Duty(price=an_amount(), taxes=taxes()),) * draw(n)}),
        )
        for number in range(draw(st.integers(1, 5)))
    )  # fmt: skip
    shipping = tuple(
        a_shipping(str(700 + number), **(a_row() | {"price": "0", "currency": currency})) for number in range(draw(n))
    )
    fees = tuple(Fee(name="Fee", price=an_amount(), taxes=taxes()) for _ in range(draw(n)))
    return an_order(
        currency=currency,
        taxes_included=draw(st.booleans()),
        duties_included=draw(st.booleans()),
        lines=lines,
        shipping=tuple(replace(one, price=an_amount(), is_removed=draw(st.booleans())) for one in shipping),
        fees=fees,
        tip_outside_lines=an_amount() if draw(st.booleans()) else None,
    )


class TestProperties:
    @given(orders())
    def test_a_total_that_is_the_sum_of_its_parts_is_proved(self, order: Order) -> None:
        proof = require_proof(order)
        assert proof.residual is None
        assert all(one.difference.minor == 0 for one in proof.rows)

    @given(orders(), st.integers(-(10**6), 10**6).filter(bool))
    def test_any_other_total_is_a_case_with_exactly_the_difference(self, order: Order, off: int) -> None:
        total = order.totals.total.shop + Money(off, order.currency_shop)
        stated = money(total.text, order.currency_shop)
        wrong = replace(order, totals=Totals(total=stated, current_total=stated))
        with pytest.raises(NeedsAttention) as stopped:
            require_proof(wrong)
        assert stopped.value.facts["difference"] == str(Money(off, order.currency_shop))

    @given(orders(), st.randoms(use_true_random=False))
    def test_the_order_of_rows_does_not_matter(self, order: Order, chance: random.Random) -> None:
        lines = list(order.lines)
        chance.shuffle(lines)
        assert prove(replace(order, lines=tuple(lines))).rows == prove(order).rows
