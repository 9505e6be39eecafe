"""An engine behind real HTTP keeps the promises of its port, and each promise has something that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from app.domains.pricing.canonical.tax import TaxQuote, TaxRequest
from app.domains.pricing.ports import TaxQuoter
from app.infra.remote.client import Outbound
from app.kernel.errors import HubError, Refused
from tests.contracts.tax_quoter import TaxQuoterContract
from tests.domains.pricing.tax_engine import Engine, HttpQuoter, an_engine, spec


@dataclass
class Bench:
    engine: Engine
    kind: Callable[[Outbound], TaxQuoter] = HttpQuoter
    country: str = "DE"
    code: str = "standard"
    percent: Decimal = Decimal(20)

    @property
    def port(self) -> TaxQuoter:
        return self.kind(spec().connect({"url": self.engine.url}))

    def throttle(self) -> None:
        self.engine.status = 429

    def lose_answer(self) -> None:
        self.engine.loses = 1


class TestHttpQuoter(TaxQuoterContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        with an_engine() as engine:
            yield Bench(engine)


class ForgetsShipping(HttpQuoter):
    """Answers for the lines alone."""

    def quote(self, request: TaxRequest) -> TaxQuote:
        return super().quote(replace(request, shipping=None))


class TakesGrossForNet(HttpQuoter):
    """Adds tax to whatever it is given."""

    def quote(self, request: TaxRequest) -> TaxQuote:
        return super().quote(replace(request, includes_tax=False))


class GivesUpAtOnce(HttpQuoter):
    """Sees a wrong basket in whatever goes wrong."""

    def quote(self, request: TaxRequest) -> TaxQuote:
        try:
            return super().quote(request)
        except HubError as error:
            raise Refused(error.code, error.message) from None


CONTRACT = TaxQuoterContract()


def adds_up(bench: Any) -> None:
    CONTRACT.test_every_line_is_answered_in_its_order_and_adds_up(bench, ("100.00",), "EUR", True)


CAUGHT_BY: dict[type[HttpQuoter], tuple[Callable[[Any], None], ...]] = {
    ForgetsShipping: (adds_up,),
    TakesGrossForNet: (adds_up, CONTRACT.test_a_gross_amount_holds_its_tax),
    GivesUpAtOnce: (
        CONTRACT.test_being_throttled_says_when_to_come_back,
        CONTRACT.test_an_answer_that_is_lost_changed_nothing_and_may_be_asked_for_again,
    ),
}  # fmt: skip


@pytest.mark.capability("PRC-3")
@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type[HttpQuoter]) -> None:
    for promise in CAUGHT_BY[twin]:
        with an_engine() as engine, pytest.raises((AssertionError, HubError)):
            promise(Bench(engine, twin))
