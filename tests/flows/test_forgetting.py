"""What was erased stays erased, whatever is told of it again; what is bought afterwards is a new sale."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domains.customers import service as customers
from app.domains.customers.canonical import Ask, Credit, CustomerDraft, Kind
from app.domains.customers.service import Subject
from app.domains.orders.canonical import Bell, FulfilmentReported
from app.flows import customers_in, privacy
from app.infra.erasing.messages import ERASED
from tests.factories import PLACED
from tests.flows.builders import cancelled, later
from tests.flows.conftest import Story
from tests.flows.paper import said
from tests.flows.test_privacy import EMAIL, NAME, her_order, traces

pytestmark = pytest.mark.capability("CUS-2")


@pytest.fixture
def erased(story: Story) -> Story:
    """A cancelled order of hers, then the merchant has her erased."""
    story.stock(TENT_2P_GRN=9)
    story.post("orders/create", her_order())
    story.settle()
    story.post("orders/cancelled", cancelled(her_order(), 5))
    story.settle()
    with story.crank.uow() as uow:
        privacy.ask_for(uow, Ask.ERASE, Subject(email=EMAIL), "ann", "she wrote", source="test")
    story.settle()
    assert traces(story) == {}
    return story


def bodies(story: Story, object_id: str) -> set[bytes]:
    return {
        bytes(row[0]) for row in story.crank.rows("SELECT body FROM hub.notice WHERE object_id = %(o)s", o=object_id)
    }


def test_a_later_message_about_an_erased_order_brings_nobody_back(erased: Story) -> None:
    erased.post("orders/updated", replace(later(her_order(), 60), tags=("vip",)))
    erased.settle()
    assert traces(erased) == {}
    assert bodies(erased, "450789469") == {ERASED}
    newest = "SELECT max(version) FROM orders.sales_order"
    assert erased.crank.rows(newest) == [(3,)]  # the version itself is kept


def test_an_order_of_hers_from_before_that_comes_only_now_is_taken_in_without_her(erased: Story) -> None:
    erased.post("orders/create", her_order(external_id="77", name="#77"))
    erased.settle()
    assert erased.state("77") == "posted"
    assert traces(erased) == {}
    assert erased.crank.rows("SELECT count(*) FROM customers.account WHERE email <> ''") == [(0,)]


def test_an_order_that_is_fetched_is_stripped_too(erased: Story) -> None:
    erased.shop.orders["450789469"] = later(her_order(), 90)
    erased.post("bells", Bell(kind="order", external_id="450789469", reason="a test"))
    erased.settle()
    assert erased.shop.fetched == 1
    assert traces(erased) == {}


def test_a_parcel_of_an_erased_order_leaves_no_address_behind(erased: Story) -> None:
    parcel = FulfilmentReported(
        external_id="F9", order_external_id="450789469", status="success", source_version=PLACED
    )
    body = said(parcel).replace(b"{", b'{"to": "%s", ' % EMAIL.encode(), 1)
    erased.keep("shop", "fulfillments/create", "order", "450789469", body, {})
    erased.settle()
    assert traces(erased) == {}


def test_what_she_buys_afterwards_is_a_new_sale(erased: Story) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=1)
    fresh = her_order(external_id="78", name="#78", placed_at=moment, created_at=moment, source_version=moment)
    erased.post("orders/create", fresh)
    erased.settle()
    assert erased.state("78") == "posted"
    assert erased.erp.postings[-1].order.email == EMAIL


def test_nothing_of_somebody_elses_is_taken_away(erased: Story) -> None:
    other = her_order(external_id="79", name="#79", customer=replace(her_order().customer, external_id="4711"))
    erased.post("orders/create", replace(other, placed_at=PLACED))
    erased.settle()
    assert erased.erp.postings[-1].order.email == EMAIL


def test_an_erp_that_keeps_her_by_law_does_not_bring_her_back(story: Story) -> None:
    draft = CustomerDraft(
        external_id="c-9", number="C00009", kind=Kind.PERSON, name=NAME, email=EMAIL, version=PLACED,
        credit=Credit(currency="USD"),
    )  # fmt: skip
    with story.crank.uow() as uow:
        customers.take_in(uow, "erp", "", [draft])
    with story.crank.uow() as uow:
        privacy.ask_for(uow, Ask.ERASE, Subject(email=EMAIL), "ann", "she wrote", source="test")
    story.settle()
    with story.crank.uow() as uow:
        assert customers_in.ours(uow, "erp", [draft]) == []
        assert customers_in.ours(uow, "erp", [replace(draft, external_id="c-10")]) != []


def test_the_hashes_tell_nobody_and_outlive_a_rotation_of_the_key(erased: Story) -> None:
    rows = erased.crank.rows("SELECT fingerprint FROM customers.forgotten")
    assert rows
    assert all(len(row[0]) == 64 for row in rows)
    named = ("order", "shop", "450789469")
    with erased.crank.uow() as uow:
        assert named in customers.erased_at(uow, [named])
        assert customers.erased_at(uow, [("order", "shop", "1")]) == {}
