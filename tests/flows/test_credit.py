"""Orders on account stay within their customer's limit, and nobody needs to push those that waited for room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domains.customers import queries, service
from app.domains.customers.canonical import Address, Credit, CustomerDraft, Kind
from app.domains.customers.service import Terms, Writer
from app.domains.orders.canonical import Amount, Company, Order, PaymentTerms, Totals
from app.domains.orders.lifecycle import HoldKind
from app.flows import acceptance
from app.flows.customers_in import WINDOW
from app.infra.windows import open_window
from app.kernel.money import Money
from tests.factories import a_customer, a_line, an_order
from tests.flows.builders import cancelled
from tests.flows.conftest import Story

pytestmark = pytest.mark.capability("ORD-3", "ORD-9", "CUS-1")
ANN = Writer(who="ann")


def on_account(n: int, price: str, **overrides: Any) -> Order:
    """An order of the Firm on terms of thirty days."""
    given: dict[str, Any] = {
        "external_id": str(n), "name": f"#{n}", "lines": (a_line(price=price),), "financial_status": "pending",
        "company": Company(external_id="9", name="Firm", location_id="44"), "email": "buyer@firm.example",
        "payment_terms": PaymentTerms(name="Net 30"),
        "customer": a_customer(external_id="900", email="buyer@firm.example"),
    }  # fmt: skip
    return an_order(**(given | overrides))


def firm(story: Story) -> str:
    with story.crank.uow() as uow:
        return service.match(
            uow, "shop", external_id="900", email="buyer@firm.example", phone="", name="", company="Firm",
            withheld=False,
        )  # fmt: skip


def terms(story: Story, account: str, limit: str | None, *, blocked: bool = False, currency: str = "USD") -> None:
    given = None if limit is None else Money.parse(limit, currency)
    with story.crank.uow() as uow:
        service.set_terms(uow, account, Terms(currency=currency, limit=given, days=30, blocked=blocked), ANN)


def told(story: Story, code: str = "orders.held_credit") -> Mapping[str, Any]:
    ((facts,),) = story.crank.rows(
        "SELECT facts FROM hub.exception_case WHERE code = %(c)s AND state NOT IN ('resolved', 'dismissed')", c=code
    )
    return dict(facts)


def states(story: Story, *orders: int) -> list[str]:
    return [story.state(str(n)) for n in orders]


@pytest.fixture
def shelf(story: Story) -> Story:
    story.stock(TENT_2P_GRN=100)
    return story


def test_an_order_beyond_the_limit_waits_with_its_sum_and_goes_on_when_the_limit_is_raised(shelf: Story) -> None:
    account = firm(shelf)
    terms(shelf, account, "100.00")
    shelf.post("orders/create", on_account(1, "70.00"))
    shelf.settle()
    shelf.post("orders/create", on_account(2, "30.01"))
    shelf.settle()
    assert states(shelf, 1, 2) == ["posted", "held"]
    facts = told(shelf)
    assert {name: facts[name] for name in ("limit", "balance", "open_orders", "this_order", "total", "beyond")} == {
        "limit": "100.00 USD", "balance": "0.00 USD", "open_orders": "70.00 USD", "this_order": "30.01 USD",
        "total": "100.01 USD", "beyond": "0.01 USD",
    }  # fmt: skip
    assert sum(shelf.reserved().values()) == 1  # what waits for credit is promised no stock
    terms(shelf, account, "100.01")
    shelf.settle()
    assert states(shelf, 1, 2) == ["posted", "posted"]
    assert shelf.cases() == {}


def test_an_order_that_fills_the_limit_exactly_goes_on(shelf: Story) -> None:
    terms(shelf, firm(shelf), "70.00")
    shelf.post("orders/create", on_account(1, "70.00"))
    shelf.settle()
    assert states(shelf, 1) == ["posted"]


def test_two_orders_in_one_batch_do_not_take_the_same_room(shelf: Story) -> None:
    terms(shelf, firm(shelf), "100.00")
    for n in range(1, 4):
        shelf.post("orders/create", on_account(n, "60.00"))
    shelf.settle()
    assert sorted(states(shelf, 1, 2, 3)) == ["held", "held", "posted"]


def test_a_person_lets_one_order_go_on_and_the_next_waits(shelf: Story) -> None:
    terms(shelf, firm(shelf), "10.00")
    for n in (1, 2):
        shelf.post("orders/create", on_account(n, "60.00"))
    shelf.settle()
    first = shelf.order_id("1")
    with shelf.crank.uow() as uow:
        acceptance.release(uow, first, HoldKind.CREDIT, "june", "the bank called")
    shelf.settle()
    assert states(shelf, 1, 2) == ["posted", "held"]
    acts = shelf.crank.rows("SELECT who, why FROM hub.act WHERE key = %(o)s", o=first)
    assert ("june", "the bank called") in acts


def test_no_order_of_a_blocked_customer_goes_on_paid_or_not_until_the_block_is_lifted(shelf: Story) -> None:
    account = firm(shelf)
    terms(shelf, account, None, blocked=True)
    shelf.post("orders/create", on_account(1, "5.00", financial_status="paid", payment_terms=None))
    shelf.settle()
    assert states(shelf, 1) == ["held"]
    terms(shelf, account, None)
    shelf.settle()
    assert states(shelf, 1) == ["posted"]


def test_paid_orders_and_customers_without_terms_are_asked_nothing(shelf: Story) -> None:
    terms(shelf, firm(shelf), "1.00")
    shelf.post("orders/create", on_account(1, "60.00", financial_status="paid"))
    shelf.post("orders/create", an_order(external_id="2"))
    shelf.settle()
    assert states(shelf, 1, 2) == ["posted", "posted"]


def test_an_amount_in_another_currency_is_compared_on_the_shops_side_or_waits(shelf: Story) -> None:
    account = firm(shelf)
    terms(shelf, account, "100.00", currency="EUR")
    both = Amount(shop=Money(9_000, "EUR"), presentment=Money(9_900, "USD"))
    line = replace(a_line(), unit_price=both)
    euro = on_account(
        1, "1.00", lines=(line,), currency_shop="EUR", currency_presentment="USD",
        totals=Totals(total=both, current_total=both),
    )  # fmt: skip
    shelf.post("orders/create", euro)
    shelf.post("orders/create", on_account(2, "1.00"))
    shelf.settle()
    assert states(shelf, 1, 2) == ["posted", "held"]
    (said,) = shelf.crank.rows("SELECT reason FROM orders.hold WHERE released_at IS NULL")[0]
    assert "the limit is in EUR" in said


def test_what_is_owed_in_the_books_counts_and_a_payment_there_makes_room(shelf: Story) -> None:
    def erp_says(balance: str) -> None:
        credit = Credit(currency="USD", limit=Money.parse("100.00", "USD"), balance=Money.parse(balance, "USD"))
        draft = CustomerDraft(
            external_id="c-9", number="C00009", kind=Kind.COMPANY, name="Firm", email="buyer@firm.example",
            version=datetime(2026, 11, 20, tzinfo=UTC), credit=credit,
        )  # fmt: skip
        with shelf.crank.uow() as uow:
            service.take_in(uow, "erp", "", [draft])

    erp_says("80.00")
    shelf.post("orders/create", on_account(1, "30.00"))
    shelf.settle()
    assert states(shelf, 1) == ["held"]
    assert (told(shelf)["balance"], told(shelf)["said_by"]) == ("80.00 USD", "erp")
    erp_says("70.00")
    shelf.settle()
    assert states(shelf, 1) == ["posted"]


def test_orders_of_people_who_act_for_a_company_and_of_its_places_are_on_its_account(shelf: Story) -> None:
    with shelf.crank.uow() as uow:
        company = service.match(uow, "erp", external_id="c-9", email="ap@firm.example", phone="", name="",
                                company="Firm Holding", withheld=False)  # fmt: skip
        person = service.match(uow, "shop", external_id="901", email="ann@firm.example", phone="", name="Ann",
                               company="", withheld=False)  # fmt: skip
        service.add_member(uow, company, person, ANN)
        service.add_location(uow, company, "Dock", Address(line1="1 Quay"), Writer(who="ann", source="shop"),
                             external_id="44")  # fmt: skip
    terms(shelf, company, "100.00")
    by_member = a_customer(external_id="901", email="ann@firm.example")
    shelf.post("orders/create", on_account(1, "60.00", company=None, customer=by_member, email=by_member.email))
    shelf.settle()
    shelf.post("orders/create", on_account(2, "60.00"))  # another buyer, for the company's place
    shelf.settle()
    assert states(shelf, 1, 2) == ["posted", "held"]
    assert told(shelf)["account_id"] == company


def test_room_that_another_order_gives_back_is_found_by_the_clock(shelf: Story) -> None:
    terms(shelf, firm(shelf), "100.00")
    first = on_account(1, "80.00")
    shelf.post("orders/create", first)
    shelf.post("orders/create", on_account(2, "80.00"))
    shelf.settle()
    held = next(n for n in (1, 2) if shelf.state(str(n)) == "held")
    going = on_account(3 - held, "80.00")
    shelf.post("orders/cancelled", cancelled(going, 5))
    shelf.settle()
    with shelf.crank.uow() as uow:
        open_window(uow, WINDOW, uow.hub.clock.now())
    shelf.settle()
    assert shelf.state(str(held)) == "posted"


def test_the_account_of_a_waiting_order_is_known_to_whoever_erases(shelf: Story) -> None:
    account = firm(shelf)
    terms(shelf, account, "1.00")
    shelf.post("orders/create", on_account(1, "60.00"))
    shelf.settle()
    assert shelf.crank.rows("SELECT account_id::text FROM orders.sales_order") == [(account,)]
    with shelf.crank.uow() as uow:
        assert queries.account(uow, account) is not None
