"""What every TaxQuoter must do, whoever built it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

import pytest

from app.domains.pricing.canonical.tax import TaxLine, TaxRequest
from app.domains.pricing.policy.tax_quoting import check_answer
from app.domains.pricing.ports import TaxQuoter
from app.kernel.errors import HubError, Transient
from app.kernel.money import Money
from tests.contracts.order_source import pause

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


class TaxBench(Protocol):
    """An engine with switches that taxes `code` at its `country` with `percent`, shipping too."""

    country: str
    code: str
    percent: Decimal

    @property
    def port(self) -> TaxQuoter: ...

    def throttle(self) -> None: ...

    def lose_answer(self) -> None: ...


def basket(bench: TaxBench, *amounts: str, currency: str = "EUR", **more: Any) -> TaxRequest:
    lines = tuple(
        TaxLine(
            line_id=f"l{n}", sku=f"S{n}", tax_code=bench.code, quantity=Decimal(n + 1),
            amount=Money.parse(amount, currency),
        )
        for n, amount in enumerate(amounts)
    )  # fmt: skip
    asked = TaxRequest(
        company="", channel="shop", customer="", currency=currency, at=AT, includes_tax=False, country=bench.country,
        lines=lines,
    )  # fmt: skip
    return replace(asked, **more)


@pytest.mark.capability("PRC-3")
class TaxQuoterContract:
    """The promises of `app.domains.pricing.ports.TaxQuoter`."""

    @pytest.mark.parametrize("includes_tax", [False, True])
    @pytest.mark.parametrize(("amounts", "currency"), [(("100.00", "0.05", "0.00"), "EUR"), (("105", "1"), "JPY")])
    def test_every_line_is_answered_in_its_order_and_adds_up(
        self, bench: TaxBench, amounts: tuple[str, ...], currency: str, includes_tax: bool
    ) -> None:
        asked = basket(
            bench, *amounts, currency=currency, includes_tax=includes_tax, shipping=Money.parse(5, currency)
        )  # fmt: skip
        check_answer(bench.port.quote(asked), asked)

    def test_a_net_amount_is_taxed_with_the_percentage_and_says_so(self, bench: TaxBench) -> None:
        (line,) = bench.port.quote(basket(bench, "100.00")).lines
        assert line.tax.amount == bench.percent
        assert sum(part.percent for part in line.parts) == bench.percent
        assert all(part.jurisdiction and part.name for part in line.parts)

    def test_a_gross_amount_holds_its_tax(self, bench: TaxBench) -> None:
        gross = Money.rounded(Decimal(100) + bench.percent, "EUR")
        (line,) = bench.port.quote(basket(bench, gross.text, includes_tax=True)).lines
        assert (line.net.text, line.tax.amount) == ("100.00", bench.percent)

    def test_no_shipping_asked_is_none_answered(self, bench: TaxBench) -> None:
        assert bench.port.quote(basket(bench, "1.00")).shipping is None

    def test_the_same_again_is_the_same(self, bench: TaxBench) -> None:
        asked = basket(bench, "12.34", "5.67")
        assert bench.port.quote(asked) == bench.port.quote(asked)

    def test_it_says_how_it_rounds_and_that_it_is_no_guess(self, bench: TaxBench) -> None:
        quote = bench.port.quote(basket(bench, "1.00"))
        assert (bool(quote.mode), quote.estimated) == (True, False)

    def test_being_throttled_says_when_to_come_back(self, bench: TaxBench) -> None:
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.quote(basket(bench, "1.00"))
        assert pause(refused.value) > 0

    def test_an_answer_that_is_lost_changed_nothing_and_may_be_asked_for_again(self, bench: TaxBench) -> None:
        bench.lose_answer()
        with pytest.raises(Transient):
            bench.port.quote(basket(bench, "1.00"))
        assert bench.port.quote(basket(bench, "1.00")).lines
