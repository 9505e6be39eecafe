"""What a source says besides orders, and what comes before its time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from app.domains.orders.canonical import Bell, Deleted, FulfilmentReported, Uninstalled
from app.domains.orders.lifecycle import HoldKind
from app.domains.orders.service import hold, lock, open_holds
from app.flows import acceptance
from app.infra.uow import Trail
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid, Refused
from tests.factories import PLACED, an_order
from tests.flows.builders import later
from tests.flows.conftest import Story

SHIPMENT = {
    "shipment_number": "S-1", "order_number": "SO-4711", "shipped_at": "2026-11-20T18:00:00Z",
    "lines": [{"sku": "TENT-2P-GRN", "quantity": "1"}],
}  # fmt: skip


@dataclass(frozen=True)
class Ahead:
    """A clock that is so far ahead of the machine's."""

    by: timedelta

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + self.by


@pytest.mark.capability("RT-4")
def test_a_number_that_stays_unknown_for_a_day_is_a_case(story: Story) -> None:
    story.call_back("shipments", SHIPMENT)
    story.settle()
    assert story.ended("intake.take_in") == [("due", "orders.unknown_erp_number")]
    story.crank.hub.clock = Ahead(timedelta(days=2))  # a process whose clock is wrong does not give up sooner
    story.crank.hasten()
    story.settle()
    assert story.ended("intake.take_in") == [("due", "orders.unknown_erp_number")]
    with story.crank.uow() as uow:
        uow.sql("UPDATE hub.event SET at = at - interval '1 day 1 minute'")
    story.crank.hasten()
    story.settle()
    assert story.ended("intake.take_in") == [("parked", "orders.unknown_erp_number")]
    assert story.cases() == {"orders.unknown_erp_number": "order SO-4711"}


def test_a_deleted_order_is_a_case_and_an_unknown_one_is_nothing(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.post("bells", Deleted(kind="order", external_id="450789469"))
    story.post("bells", Deleted(kind="order", external_id="1"))
    story.settle()
    assert story.cases() == {"orders.deleted_at_channel": "order #1001"}
    assert story.ended("intake.take_in")[-1] == ("due", "orders.unknown_order")
    an_hour_later(story)
    assert story.ended("intake.take_in")[-1] == ("superseded", "orders.unknown_order")


@pytest.mark.capability("RT-5")
def test_a_shop_that_removed_the_app_is_paused_once_with_a_case(story: Story) -> None:
    for _ in range(2):
        story.post("bells", Uninstalled(shop="demo.myshopify.com"))
        story.settle()
    assert story.crank.rows("SELECT state FROM hub.connection WHERE name = 'shop'") == [("paused",)]
    assert story.cases() == {"connections.uninstalled": "shop"}


def fulfilment_of(external_id: str) -> FulfilmentReported:
    return FulfilmentReported(external_id="F-1", order_external_id=external_id, status="success", source_version=PLACED)


def an_hour_later(story: Story) -> None:
    with story.crank.uow() as uow:
        uow.sql("UPDATE hub.event SET at = at - interval '61 min'")
    story.crank.hasten()
    story.settle()


@pytest.mark.capability("RT-4")
def test_a_deletion_that_came_before_its_order_is_a_case_once_the_order_is_there(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("bells", Deleted(kind="order", external_id="450789469"))
    story.settle()
    assert story.ended("intake.take_in") == [("due", "orders.unknown_order")]
    story.post("orders/create", an_order())
    story.settle()
    story.crank.hasten()
    story.settle()
    assert story.cases() == {"orders.deleted_at_channel": "order #1001"}


@pytest.mark.capability("RT-4")
def test_a_fulfilment_that_came_before_its_order_fetches_it_once_and_is_then_told_of(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    early = fulfilment_of("450789469")
    story.shop.orders["450789469"] = an_order()
    story.post("bells", early)
    story.settle()
    for _ in range(2):
        story.crank.hasten()
        story.settle()
    assert (story.shop.fetched, story.state()) == (1, "posted")
    assert story.findings() == ["orders.fulfilled_at_channel"]
    assert set(story.ended("intake.take_in")) == {("done", None)}


@pytest.mark.capability("RT-4")
def test_a_payment_or_refund_that_came_before_its_order_fetches_the_order_with_it(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.shop.orders["450789469"] = an_order()
    for reason in ("order_transactions/create", "refunds/create"):
        story.post("bells", Bell(kind="order", external_id="450789469", reason=reason))
    story.settle()
    assert (story.state(), story.erp.calls, story.cases()) == ("posted", ["post"], {})
    story.post("orders/create", an_order())
    story.settle()
    assert story.erp.calls == ["post"]
    assert story.ended("intake.take_in")[-1] == ("superseded", "orders.same_version")


@pytest.mark.capability("RT-4")
def test_what_is_told_of_an_order_that_its_channel_does_not_hold_ends_after_an_hour(story: Story) -> None:
    story.post("bells", fulfilment_of("7"))
    story.settle()
    an_hour_later(story)
    assert story.ended("intake.take_in") == [("superseded", "orders.unknown_order")]
    assert (story.shop.fetched, story.cases()) == (1, {})


@pytest.mark.capability("ORD-2")
def test_unreadable_bodies_of_one_topic_are_one_case_whatever_is_wrong_with_them(story: Story) -> None:
    for n, body in enumerate((b"[]", b"{", b'{"id": 7}', b"\xff")):
        story.post("orders/create", an_order(external_id=str(n)), body=body)
    story.post("orders/updated", an_order(external_id="9"), body=b"[]")
    story.settle()
    open_ones = story.crank.rows("SELECT about, count FROM hub.exception_case ORDER BY about")
    assert open_ones == [("orders/create", 4), ("orders/updated", 1)]


def test_many_bells_of_one_order_are_one_look(story: Story) -> None:
    story.shop.orders["450789469"] = an_order()
    for reason in ("refunds/create", "orders/edited", "returns/request"):
        story.post("bells", Bell(kind="order", external_id="450789469", reason=reason))
    story.settle()
    assert story.shop.fetched == 1
    assert story.crank.states("intake.fetch_order") == {"done": 1, "superseded": 2}


@pytest.mark.capability("ORD-2", "ORD-7")
def test_an_edited_order_that_its_message_does_not_prove_is_fetched_before_anybody_is_asked(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.shop.orders["450789469"] = an_order(edited=True)
    story.post("orders/updated", an_order(edited=True, total="24.00"))
    story.settle()
    assert (story.state(), story.shop.fetched, story.cases()) == ("posted", 1, {})
    assert story.crank.rows("SELECT count(*) FROM orders.hold") == [(0,)]


@pytest.mark.capability("ORD-2", "ORD-7")
@pytest.mark.parametrize("minutes", [None, -1, 0, 1], ids=["nothing", "an older one", "the same", "a newer one"])
def test_an_edited_order_that_its_channel_cannot_prove_either_is_a_case(story: Story, minutes: int | None) -> None:
    story.stock(TENT_2P_GRN=5)
    unproved = an_order(edited=True, total="24.00")
    if minutes is not None:
        told = unproved.source_version + timedelta(minutes=minutes)
        story.shop.orders["450789469"] = replace(unproved, source_version=told)
    story.post("orders/updated", unproved)
    story.settle()
    assert (story.state(), story.shop.fetched, story.erp.calls) == ("held", 1, [])
    assert story.cases() == {"orders.totals_do_not_add_up": "shop/450789469"}


@pytest.mark.capability("ORD-5", "ORD-3")
@pytest.mark.parametrize(
    ("post_when", "waits", "goes_on"),
    [("paid", "authorized", "paid"), ("paid", "partially_paid", "paid"), ("authorised", "pending", "authorized")],
)
def test_an_order_waits_for_its_payment_and_goes_on_by_itself(
    story: Story, post_when: str, waits: str, goes_on: str
) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post_when(post_when)
    story.post("orders/create", an_order(financial_status=waits))
    story.settle()
    assert (story.state(), story.erp.calls, story.cases(), story.reserved()) == ("held", [], {}, {})
    story.post("orders/updated", later(an_order(financial_status=goes_on), 3))
    story.settle()
    assert (story.state(), story.erp.calls, story.cases()) == ("posted", ["post"], {})
    assert story.crank.rows("SELECT kind, released_by FROM orders.hold") == [("payment", "hub")]


@pytest.mark.capability("ORD-3")
def test_a_person_may_let_an_unpaid_order_go_on(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post_when("paid")
    story.post("orders/create", an_order(financial_status="pending"))
    story.settle()
    order_id = story.order_id()
    with story.crank.uow() as uow:
        acceptance.release(uow, order_id, HoldKind.PAYMENT, "june", "a regular customer")
    story.settle()
    assert (story.state(), story.erp.calls, story.cases()) == ("posted", ["post"], {})


def test_one_bad_notice_does_not_hold_up_the_good_ones_of_its_batch(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    for n in range(3):
        story.post("orders/create", an_order(external_id=str(n), name=f"#{n}"))
    story.post("orders/create", an_order(external_id="3"), body=b"[]")
    story.settle()
    assert [story.state(str(n)) for n in range(3)] == ["posted"] * 3
    assert list(story.cases()) == ["intake.unreadable"]


@pytest.mark.capability("ORD-3")
def test_a_persons_hold_is_ended_by_a_person_with_a_reason_and_the_order_goes_on(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order(total="24.00"))
    story.settle()
    order_id = story.order_id()
    with story.crank.uow() as uow:
        hold(uow, lock(uow, order_id), HoldKind.MANUAL, "looks odd", Trail(correlation_id="t"), placed_by="june")
    newer = an_order().source_version + timedelta(minutes=3)
    story.post("orders/updated", an_order(source_version=newer))
    story.settle()
    assert (story.state(), story.erp.calls) == ("held", [])
    with pytest.raises(Invalid, match="name and a reason"), story.crank.uow() as uow:
        acceptance.release(uow, order_id, HoldKind.MANUAL, "june", " ")
    with story.crank.uow() as uow:
        acceptance.release(uow, order_id, HoldKind.MANUAL, "june", "checked by phone")
    story.settle()
    assert (story.state(), story.erp.calls, story.cases()) == ("posted", ["post"], {})
    with story.crank.uow() as uow:
        assert open_holds(uow, order_id) == []
    with pytest.raises(Refused, match="no open manual hold"), story.crank.uow() as uow:
        acceptance.release(uow, order_id, HoldKind.MANUAL, "june", "again")
