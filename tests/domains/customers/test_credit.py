"""Whose account an order is on, and how much room a limit leaves."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.customers import queries, service
from app.domains.customers.canonical import Address, Buyer, Credit
from app.domains.customers.policy import Exposure
from app.domains.customers.queries.credit import DEBTORS
from app.domains.customers.service import Terms, Writer
from app.infra.hub import Hub
from app.kernel.errors import Invalid
from app.kernel.money import Money

pytestmark = pytest.mark.capability("CUS-1", "ORD-9")
ANN = Writer(who="ann")
amounts = st.integers(min_value=-(10**12), max_value=10**12)


def a_company(hub: Hub, number: str, *, terms: bool = True) -> str:
    buyer = Buyer(connection="erp", order_key="", external_id=number, company=f"Firm {number}")
    with hub.unit_of_work() as uow:
        found = service.match_many(uow, [buyer])[0]
        if terms:
            service.set_terms(uow, found, Terms(currency="EUR", limit=Money(100, "EUR")), ANN)
    return found


def a_person(hub: Hub, number: str) -> str:
    with hub.unit_of_work() as uow:
        return service.match_many(uow, [Buyer(connection="shop", order_key="", external_id=number)])[0]


def debtor(hub: Hub, account: str, place: str = "") -> str:
    with hub.unit_of_work() as uow:
        return queries.debtors(uow, [(account, "shop", place)])[0]


@given(amounts.map(abs), amounts, amounts, amounts)
def test_what_is_beyond_is_never_less_than_nothing_and_the_parts_make_the_whole(
    limit: int, balance: int, open_orders: int, this: int
) -> None:
    made = [Money(minor, "EUR") for minor in (limit, balance, open_orders, this)]
    sum_of = Exposure(limit=made[0], balance=made[1], open_orders=made[2], this_order=made[3])
    assert sum_of.total.minor == balance + open_orders + this
    assert sum_of.beyond.minor == max(0, balance + open_orders + this - limit)
    assert sum_of.facts()["total"] == str(sum_of.total)


def test_a_place_comes_before_the_buyer_and_the_buyer_before_whom_he_acts_for(hub: Hub) -> None:
    owner, employer, person = a_company(hub, "1"), a_company(hub, "2"), a_person(hub, "9")
    with hub.unit_of_work() as uow:
        service.add_location(uow, owner, "Dock", Address(), ANN, connection="shop", external_id="44")
        service.add_member(uow, employer, person, ANN)
    assert debtor(hub, person) == employer
    assert debtor(hub, person, "44") == owner
    assert debtor(hub, person, "45") == employer
    with hub.unit_of_work() as uow:
        service.set_terms(uow, person, Terms(currency="EUR"), ANN)
    assert debtor(hub, person) == person


def test_who_acts_for_two_with_terms_is_nobodys_and_one_without_terms_does_not_count(hub: Hub) -> None:
    one, other, without = a_company(hub, "1"), a_company(hub, "2"), a_company(hub, "3", terms=False)
    person = a_person(hub, "9")
    with hub.unit_of_work() as uow:
        service.add_member(uow, one, person, ANN)
        service.add_member(uow, without, person, ANN)
    assert debtor(hub, person) == one
    with hub.unit_of_work() as uow:
        service.add_member(uow, other, person, ANN)
    assert debtor(hub, person) == ""


def test_a_household_is_the_account_its_people_and_what_was_merged_into_it(hub: Hub) -> None:
    company, gone, person = a_company(hub, "1"), a_company(hub, "2", terms=False), a_person(hub, "9")
    with hub.unit_of_work() as uow:
        service.add_member(uow, company, person, ANN)
        service.merge(uow, company, gone, "ann", "the same")
        assert queries.households(uow, [company]) == {company: {company, gone, person}}


def test_a_limit_in_another_currency_or_below_nothing_is_refused_by_name(hub: Hub) -> None:
    for limit in (Money(1, "USD"), Money(-1, "EUR")):
        with pytest.raises(Invalid) as refused:
            Credit(currency="EUR", limit=limit)
        assert (refused.value.code, refused.value.about) == ("customers.credit_limit", "limit")


def test_a_batch_of_buyers_without_terms_is_asked_by_index_in_a_blink(hub: Hub) -> None:
    more = """
        INSERT INTO customers.account (id, identity, kind) SELECT gen_random_uuid(), 'person|' || n, 'person'
          FROM generate_series(1, 20000) n"""
    places = """
        INSERT INTO customers.location (id, account_id, name, connection, external_id)
        SELECT gen_random_uuid(), id, identity, 'shop', 'p' || identity FROM customers.account"""
    with hub.unit_of_work() as uow:
        for statement in (more, places, "ANALYZE customers.account", "ANALYZE customers.location"):
            uow.sql(statement)
        found = [row[0] for row in uow.sql("SELECT id::text FROM customers.account LIMIT 50")]
        given = {"accounts": found, "connections": ["shop"] * 50, "places": ["", "9"] * 25}
        plan = "\n".join(line for (line,) in uow.sql(f"EXPLAIN {DEBTORS}", given))
        began = time.perf_counter()
        assert queries.debtors(uow, [(one, "shop", "9") for one in found]) == [""] * 50
        took = time.perf_counter() - began
    assert "Seq Scan on account" not in plan
    assert "Seq Scan on location" not in plan
    assert took < 0.5  # a few milliseconds on an idle machine
