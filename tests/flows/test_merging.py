"""Two accounts that are one customer: found with reasons, merged by a person, and apart again without a trace."""

from __future__ import annotations

from typing import Any

import pytest

from app.domains.customers import queries, service
from app.domains.customers.canonical import Address, Buyer, Purpose
from app.flows import merging
from app.kernel.errors import Invalid, NotFound, Refused
from tests.factories import a_customer, an_order
from tests.flows.conftest import Story

WHO = "ada@ours.example"


def accounts(story: Story, *given: dict[str, Any]) -> list[str]:
    found = []
    for n, one in enumerate(given):
        buyer = Buyer(**{"connection": "shop", "order_key": f"o{n}", "country": "GB", **one})
        with story.crank.uow() as uow:
            found += service.match_many(uow, [buyer])
    return found


def pairs(story: Story, state: str = "open") -> list[tuple[int, tuple[str, ...]]]:
    with story.crank.uow() as uow:
        return [(one.score, one.signs) for one in queries.pairs(uow, state=state, most=1000)]


def search(story: Story) -> None:
    with story.crank.uow() as uow:
        merging.find_duplicates(uow, WHO)
    story.settle()


def two_orders(story: Story) -> tuple[str, str]:
    """Two customers of the shop with one e-mail, each with an order."""
    story.stock(TENT_2P_GRN=9)
    story.post("orders/create", an_order())
    second = a_customer(external_id="88", first_name="J.")
    story.post("orders/create", an_order(external_id="2", name="#1002", customer=second))
    story.settle()
    first, other = (row[0] for row in story.crank.rows("SELECT id::text FROM customers.account ORDER BY id"))
    return first, other


def orders_of(story: Story, account_id: str) -> int:
    rows = story.crank.rows("SELECT count(*) FROM orders.sales_order WHERE account_id = %(a)s::uuid", a=account_id)
    return int(rows[0][0])


@pytest.mark.capability("CUS-1")
def test_pairs_are_scored_by_what_speaks_for_them_and_a_household_is_none(story: Story) -> None:
    mill = Address(line1="1 Mill St", postal_code="N1", country_code="GB")
    bea, same, cousin, far = accounts(
        story,
        {"external_id": "1", "email": "bea@example.org", "name": "Bea Novak", "phone": "020 7946 0000"},
        {"external_id": "2", "email": "bea@work.example", "name": "bea novak", "phone": "+44 20 7946 0000"},
        {"external_id": "3", "email": "jan@example.org", "name": "Jan Novak", "phone": "020 7946 0000"},
        {"external_id": "4", "email": "far@example.org", "name": "Bea Novak"},
    )
    with story.crank.uow() as uow:
        for account_id in (bea, cousin):
            service.keep_address(uow, account_id, Purpose.SHIPPING, mill)
    search(story)
    with story.crank.uow() as uow:
        (pair,) = queries.pairs(uow)
    assert {pair.one.account_id, pair.other.account_id} == {bea, same}
    assert (pair.score, pair.signs) == (55, ("same phone number", "same name"))
    assert far not in {pair.one.account_id, pair.other.account_id}

    search(story)
    assert len(pairs(story)) == 1


@pytest.mark.capability("CUS-1")
def test_an_account_that_shares_its_phone_with_a_whole_call_centre_is_compared_with_nobody(story: Story) -> None:
    accounts(story, *({"external_id": str(n), "email": f"n{n}@example.org", "name": "Desk", "phone": "+442079460000"}
                      for n in range(22)))  # fmt: skip
    search(story)
    assert pairs(story) == []
    story.crank.rows(
        "UPDATE customers.account SET phone = '' WHERE email IN ('n1@example.org', 'n2@example.org') RETURNING 1"
    )
    search(story)
    assert len(pairs(story)) == 20 * 19 / 2


@pytest.mark.capability("CUS-1", "CM-4")
def test_orders_and_bindings_follow_the_survivor_and_a_later_order_too(story: Story) -> None:
    first, other = two_orders(story)
    assert pairs(story) == [(55, ("same e-mail",))]
    with story.crank.uow() as uow:
        merging.merge(uow, first, other, WHO, "she said so")
    assert (orders_of(story, first), orders_of(story, other)) == (2, 0)
    assert pairs(story) == []

    for external_id in ("88", "207119551"):
        third = an_order(external_id=f"3{external_id}", customer=a_customer(external_id=external_id))
        story.post("orders/create", third)
    story.settle()
    assert orders_of(story, first) == 4
    with story.crank.uow() as uow:
        shown = queries.whole(uow, first)
    assert shown.family == (first, other)
    assert {one["external_id"] for one in shown.parts["known_as"] if one["kind"] == "channel_customer"} == {
        "207119551", "88",
    }  # fmt: skip


@pytest.mark.capability("CUS-1")
def test_an_undone_merge_leaves_everything_as_it_was(story: Story) -> None:
    first, other = two_orders(story)
    story.crank.rows("UPDATE customers.account SET phone = '+15035550199' WHERE id = %(o)s::uuid RETURNING 1", o=other)
    story.crank.rows("UPDATE customers.account SET phone = '' WHERE id = %(o)s::uuid RETURNING 1", o=first)
    before = everything(story)
    with story.crank.uow() as uow:
        merge_id = merging.merge(uow, first, other, WHO, "she said so")
    assert everything(story) != before
    with story.crank.uow() as uow:
        merging.unmerge(uow, merge_id, WHO, "two sisters")

    assert everything(story) == before
    assert pairs(story) == [(55, ("same e-mail",))]
    with pytest.raises(Refused, match="undone"), story.crank.uow() as uow:
        merging.unmerge(uow, merge_id, WHO, "again")


def everything(story: Story) -> list[Any]:
    return [
        story.crank.rows(statement)
        for statement in (
            "SELECT id, name, email, phone, guest, merged_into FROM customers.account ORDER BY id",
            "SELECT id, account_id FROM orders.sales_order ORDER BY id",
            "SELECT connection, kind, key, external_id FROM hub.binding ORDER BY 1, 2, 3",
        )
    ]


@pytest.mark.capability("CUS-1")
def test_a_chain_of_merges_leads_to_the_last_survivor_and_back(story: Story) -> None:
    one, two, three = accounts(
        story, *({"external_id": str(n), "email": f"{n}@example.org"} for n in range(3))
    )  # fmt: skip
    with story.crank.uow() as uow:
        merging.merge(uow, two, three, WHO, "same")
    with story.crank.uow() as uow:
        last = merging.merge(uow, one, two, WHO, "same")
    again = {"external_id": "2", "email": "2@example.org"}
    assert accounts(story, again) == [one]
    with story.crank.uow() as uow:
        merging.unmerge(uow, last, WHO, "not the same")
    assert accounts(story, again) == [two]


@pytest.mark.capability("CUS-1")
def test_accounts_that_were_kept_apart_are_never_asked_about_again(story: Story) -> None:
    first, other = two_orders(story)
    with story.crank.uow() as uow:
        service.keep_apart(uow, first, other, WHO, "mother and daughter")
    search(story)
    assert pairs(story) == []
    assert pairs(story, "distinct") == [(55, ("same e-mail",))]


@pytest.mark.capability("CUS-1")
def test_what_cannot_be_one_is_refused(story: Story) -> None:
    person, company = accounts(
        story, {"external_id": "1", "email": "a@example.org"},
        {"external_id": "2", "email": "a@example.org", "company": "A Ltd"},
    )  # fmt: skip
    nobody = "01938f2e-6b1a-7c3d-8e4f-5a6b7c8d9e10"
    for survivor, gone, why, error in (
        (person, company, "why", Refused), (person, person, "why", Refused), (person, nobody, "why", NotFound),
        (person, company, " ", Invalid),
    ):  # fmt: skip
        with pytest.raises(error), story.crank.uow() as uow:
            merging.merge(uow, survivor, gone, WHO, why)
    with pytest.raises(NotFound), story.crank.uow() as uow:
        service.keep_apart(uow, person, company, WHO, "why")
