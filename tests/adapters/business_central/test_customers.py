"""Customers of Business Central with their terms, credit and balance."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.business_central import SPEC
from app.adapters.business_central.client import Company
from app.adapters.business_central.customers import BusinessCentralCustomers, days_of, draft_of
from app.domains.customers.canonical import Kind
from app.domains.customers.ports import Batch, CustomerSource
from app.kernel.money import Money
from tests.adapters.business_central.erp import Erp, a_us_company, an_erp
from tests.contracts.customer_source import CustomerSourceContract

pytestmark = pytest.mark.capability("SYS-dynamics-bc", "CUS-1")


class Customers(Erp):
    """A bench of the contract: what people put into the company's customer list."""

    source: type[BusinessCentralCustomers] | None = None

    @property
    def port(self) -> CustomerSource:
        if self.source is not None:
            return self.source.build(self.remote, self.settings)
        return SPEC.port(CustomerSource, self.remote, self.settings)

    @property
    def currency(self) -> str:
        return str(self.settings["local_currency"])

    def add(self, number: str, name: str, **fields: Any) -> None:
        Company.of(self.remote, self.settings).post("customers", {"number": number, "displayName": name, **fields})

    def rename(self, number: str, name: str) -> None:
        self._edit(number, displayName=name)

    def limit(self, number: str, amount: str) -> None:
        self._edit(number, creditLimit=float(amount or 0))

    def owe(self, number: str, amount: str) -> None:
        self.people("edit", set="customerFinancialDetails", number=number, values={"balance": float(amount)})

    def block(self, number: str) -> None:
        self._edit(number, blocked="Ship")

    def spoil(self, number: str) -> None:
        self._edit(number, creditLimit=10.001)

    def collect(self, number: str) -> None:
        self.settings = self.settings | {"collecting_customers": {"*": number}}

    def _edit(self, number: str, **values: Any) -> None:
        self.people("edit", set="customers", number=number, values=values)


def _bench(source: type[BusinessCentralCustomers] | None = None) -> Iterator[Customers]:
    with an_erp(a_us_company()) as erp:
        made = Customers(served=erp.served, spec=erp.spec, settings=erp.settings)
        made.source = source
        yield made


class TestCustomers(CustomerSourceContract):
    @pytest.fixture
    def bench(self) -> Iterator[Customers]:
        yield from _bench()


class ForgetsBalances(BusinessCentralCustomers):
    """Believes that a customer's own stamp tells of what it owes."""

    def page(self, *, since: Any, after: str = "", most: int = 500) -> Batch:
        page = super().page(since=since, after=after, most=most)
        return Batch(drafts=page.drafts, refused=page.refused) if page.after.startswith("limited:") else page


@pytest.mark.parametrize(
    ("twin", "promise"),
    [(ForgetsBalances, "test_only_what_changed_since_comes_and_whoever_has_a_limit")],
)
def test_a_source_that_breaks_its_promise_is_caught(twin: type[BusinessCentralCustomers], promise: str) -> None:
    for bench in _bench(twin):
        with pytest.raises(AssertionError):
            getattr(CustomerSourceContract(), promise)(bench)


ROW = {
    "id": "0f5c8f7e-9d4f-4a1e-8a5c-2f1d3b4c5d6e", "number": "C00010", "displayName": "Adatum Corporation",
    "type": "Company", "addressLine1": "192 Market Square", "addressLine2": "", "city": "Atlanta", "state": "GA",
    "country": "US", "postalCode": "31772", "phoneNumber": "+1 404 555 0100", "email": "ap@adatum.example",
    "taxRegistrationNumber": "", "creditLimit": Decimal("20000"), "blocked": "_x0020_",
    "lastModifiedDateTime": "2026-11-20T10:00:00.123Z",
    "customerFinancialDetail": {"id": "x", "balance": Decimal("1234.5")},
    "paymentTerm": {"id": "x", "code": "1M(8D)", "dueDateCalculation": "1M"},
}  # fmt: skip


def test_a_customer_is_an_account_with_credit_in_the_companys_own_currency() -> None:
    draft = draft_of(ROW, "USD")
    assert (draft.number, draft.kind, draft.name, draft.country) == ("C00010", Kind.COMPANY, "Adatum Corporation", "US")
    credit = draft.credit
    assert (credit.limit, credit.balance) == (Money(2_000_000, "USD"), Money(123_450, "USD"))
    assert (credit.days, credit.terms, credit.blocked) == (30, "1M(8D)", False)
    assert draft.address is not None
    assert draft.address.line1 == "192 Market Square"


def test_nothing_told_is_nothing_kept() -> None:
    bare = ROW | {"creditLimit": Decimal(0), "addressLine1": "", "paymentTerm": None, "customerFinancialDetail": None}
    draft = draft_of(bare, "USD")
    assert (draft.credit.limit, draft.credit.balance, draft.credit.days, draft.address) == (None, None, 0, None)


@pytest.mark.parametrize(("blocked", "is_blocked"), [(" ", False), ("Ship", True), ("Invoice", True), ("All", True)])
def test_blocked_in_any_way_is_blocked(blocked: str, is_blocked: bool) -> None:
    assert draft_of(ROW | {"blocked": blocked}, "USD").credit.blocked is is_blocked


@pytest.mark.parametrize(
    ("formula", "days"), [("14D", 14), ("1M", 30), ("<2W>", 14), ("CM", 0), ("", 0), ("D15", 0), ("9Y", 730)]
)
def test_a_period_is_about_so_many_days(formula: str, days: int) -> None:
    assert days_of(formula) == days
