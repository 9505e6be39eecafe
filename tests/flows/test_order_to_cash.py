"""An order travels from its shop to its ERP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import ChannelPolicy, Wanted
from app.infra.replay.again import resolve_case
from tests.factories import a_customer, a_line, an_order
from tests.flows.builders import a_sale
from tests.flows.conftest import Story


@pytest.mark.capability("ORD-1", "ORD-5", "RT-12")
def test_a_captured_order_reaches_the_erp_once_and_the_shop_learns_its_number(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    assert story.state() == "posted"
    assert story.erp.calls == ["post"]
    assert [document.number for document in story.erp.documents.values()] == ["SO-1001"]
    assert [(told.number, told.connection) for told in story.shop.references] == [("SO-1001", "erp")]
    assert story.reserved() == {"allocated": Decimal(1)}
    assert story.crank.states() == {"done": 5}  # two of them for the stock that was counted and reserved
    assert story.cases() == {}


@pytest.mark.capability("INV-3", "ORD-5")
def test_an_order_gets_what_its_cart_was_promised_though_nothing_else_is_left(story: Story) -> None:
    story.stock(TENT_2P_GRN=2)
    lines = (Wanted(line_id="1", sku="TENT-2P-GRN", quantity=Decimal(2)),)
    with story.crank.uow() as uow:
        inventory.quote(uow, inventory.Quote(name="c4rt", lines=lines, lasting=timedelta(hours=1)))
    story.post("orders/create", an_order(external_id="1", name="#1", email="other@example.com"))
    story.settle()
    assert story.state("1") == "held"  # of another cart: what is left is promised
    story.post("orders/create", an_order(external_id="2", lines=(a_line(quantity=2),), carts=("c4rt", "checkout")))
    story.settle()
    assert story.state("2") == "posted"
    assert story.reserved() == {"released": Decimal(2), "allocated": Decimal(2)}


@pytest.mark.capability("RT-12")
def test_one_correlation_id_runs_from_the_webhook_to_the_posting(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    found = story.crank.rows(
        "SELECT count(DISTINCT correlation_id), array_agg(type ORDER BY id) FROM hub.event "
        "WHERE type LIKE 'orders.%%' OR type LIKE 'hub.%%'"
    )
    told = ["hub.notice_received.v1", "orders.order_captured.v1", "orders.order_accepted.v1", "orders.order_posted.v1"]
    assert found == [(1, told)]


@pytest.mark.capability("RT-12")
def test_what_is_told_of_an_order_in_a_batch_goes_by_its_own_correlation_id(story: Story) -> None:
    """More orders than partitions, so that some of them share a batch."""
    story.stock(TENT_2P_GRN=10)
    for n in range(12):
        buyer = a_customer(external_id=f"c{n}", email=f"buyer{n}@example.com")
        story.post("orders/create", an_order(external_id=str(n), name=f"#{n}", customer=buyer, email=buyer.email))
    story.settle()
    stock = """
        SELECT e.type, count(*), count(*) FILTER (WHERE e.correlation_id = o.correlation_id)
          FROM hub.event e JOIN orders.sales_order o ON o.id::text = e.payload->>'order_id'
         WHERE e.type LIKE 'inventory.%%' GROUP BY 1 ORDER BY 1"""
    assert story.crank.rows(stock) == [("inventory.stock_refused.v1", 2, 2), ("inventory.stock_reserved.v1", 10, 10)]
    customers = "SELECT count(DISTINCT correlation_id) FROM hub.event WHERE type = 'customers.account_matched.v1'"
    assert story.crank.rows(customers) == [(12,)]


@dataclass(frozen=True)
class Still:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@pytest.mark.capability("ORD-5", "SET-4")
def test_an_order_is_posted_on_the_companys_today_and_its_money_booked_on_the_day_it_moved(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    with story.crank.uow() as uow:
        given = '{"zone": "America/New_York", "cut_off_hour": 20, "payment_booking": "journal"}'
        uow.sql(
            "UPDATE hub.connection SET settings = settings || %(s)s::jsonb, version = version + 1 WHERE name = 'erp'",
            {"s": given},
        )
    story.crank.hub.connections.forget()
    story.crank.hub.clock = Still(datetime(2026, 12, 2, 3, 0, tzinfo=UTC))  # 22:00 of the day before in New York
    paid = (
        replace(a_sale("before the cut-off", "20.00"), created_at=datetime(2026, 12, 1, 0, 30, tzinfo=UTC)),
        replace(a_sale("after it", "5.00"), created_at=datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
    )
    story.post("orders/create", an_order(transactions=paid))
    story.settle()
    assert [posting.business_date for posting in story.erp.postings] == [date(2026, 12, 1)]
    booked = {payment.transaction_id: payment.occurred_on for payment in story.erp.payments.values()}
    assert booked == {"before the cut-off": date(2026, 11, 30), "after it": date(2026, 12, 2)}


@pytest.mark.capability("RT-3")
def test_an_answer_lost_on_the_way_back_does_not_post_twice(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.erp.lose = 1
    story.post("orders/create", an_order())
    story.settle()
    assert story.state() == "accepted"
    story.crank.hasten()
    story.settle()
    assert story.state() == "posted"
    assert story.erp.calls == ["post", "post"]
    assert len(story.erp.documents) == 1


@pytest.mark.capability("ORD-3", "INV-3")
def test_an_order_without_stock_is_held_and_goes_on_when_its_case_is_resolved(story: Story) -> None:
    story.stock(TENT_2P_GRN=1)
    story.post("orders/create", an_order(lines=(a_line(quantity=2),)))
    story.settle()
    assert (story.state(), story.erp.calls) == ("held", [])
    assert story.cases() == {"inventory.short": "sku TENT-2P-GRN"}
    story.stock(TENT_2P_GRN=7)
    (case_id,) = story.crank.rows("SELECT id::text FROM hub.exception_case")[0]
    with story.crank.uow() as uow:
        resolve_case(uow, case_id, "june", "goods came in")
    story.settle()
    assert (story.state(), story.erp.calls) == ("posted", ["post"])
    assert story.cases() == {}
    assert story.crank.rows("SELECT kind, released_at IS NOT NULL FROM orders.hold") == [("stock", True)]


@pytest.mark.capability("INV-2", "ORD-3")
def test_an_order_within_the_back_order_limit_goes_on_with_its_mark_and_the_next_is_held(story: Story) -> None:
    story.stock(TENT_2P_GRN=1)
    with story.crank.uow() as uow:
        patient = ChannelPolicy(channel="shop", pattern="TENT-*", backorder_limit=Decimal(1))
        inventory.set_channel_policy(uow, patient, "ann")
    story.post("orders/create", an_order(lines=(a_line(quantity=2),)))
    story.settle()
    assert (story.state(), story.findings()) == ("posted", ["inventory.back_ordered"])
    (line,) = story.erp.postings[0].order.lines
    assert story.erp.postings[0].back_ordered == {line.line_id: 1}
    assert "inventory.oversold" not in story.cases()
    story.post("orders/create", an_order(external_id="2", name="#2", lines=(a_line(),)))
    story.settle()
    assert story.state("2") == "held"
    assert story.cases() == {"inventory.short": "sku TENT-2P-GRN"}


@pytest.mark.capability("ORD-2", "CM-2")
def test_totals_that_do_not_add_up_post_nothing_until_a_newer_version_proves(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    wrong = an_order(total="24.00")
    story.post("orders/create", wrong)
    story.settle()
    assert (story.state(), story.erp.calls) == ("held", [])
    assert list(story.cases()) == ["orders.totals_do_not_add_up"]
    later = wrong.source_version.replace(minute=30)
    story.post("orders/updated", an_order(source_version=later))
    story.settle()
    assert (story.state(), story.erp.calls) == ("posted", ["post"])
    assert story.cases() == {}


def test_a_test_order_is_kept_and_not_posted(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order(test=True))
    story.settle()
    assert (story.state(), story.erp.calls) == ("captured", [])
    assert story.findings() == ["orders.test_order"]


@pytest.mark.capability("ORD-2")
def test_the_same_basket_from_two_channels_is_a_finding_and_both_go_on(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.crank.connect("market", "paper_shop")
    order = an_order()
    story.post("orders/create", order)
    twin = replace(order, ref=replace(order.ref, connection="market", external_id="99"), name="M-99")
    story.post("orders/create", twin, at="market")
    story.settle()
    assert (story.state(), story.state("99")) == ("posted", "posted")
    assert story.findings() == ["orders.maybe_duplicate"]


def test_one_unmapped_sku_is_one_case_however_many_orders_wait(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    story.erp.unmapped = {"TENT-2P-GRN"}
    for n in range(4):
        story.post("orders/create", an_order(external_id=str(n), name=f"#{n}"))
    story.settle()
    assert story.cases() == {"orders.sku_unmapped": "sku TENT-2P-GRN"}
    assert story.crank.states("order_to_cash.post_to_erp") == {"parked": 4}
    story.erp.unmapped = set()
    (case_id,) = story.crank.rows("SELECT id::text FROM hub.exception_case")[0]
    with story.crank.uow() as uow:
        assert resolve_case(uow, case_id, "june", "mapped") == 4
    story.settle()
    assert [story.state(str(n)) for n in range(4)] == ["posted"] * 4


def test_an_order_that_its_channel_does_not_know_is_a_finding(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.shop.knows = False
    story.post("orders/create", an_order())
    story.settle()
    assert story.state() == "posted"
    assert story.findings() == ["orders.unknown_at_channel"]


def test_a_body_that_cannot_be_read_is_a_dead_letter_that_keeps_its_notice(story: Story) -> None:
    story.post("orders/create", an_order(), body=b"{not json")
    story.settle()
    assert story.cases() == {"intake.unreadable": "orders/create"}
    assert story.ended("intake.take_in") == [("rejected", "intake.unreadable")]
    assert story.crank.rows("SELECT convert_from(body, 'utf8') FROM hub.notice") == [("{not json",)]


def test_a_topic_nobody_reads_ends_superseded_with_its_reason(story: Story) -> None:
    story.keep("shop", "themes/publish", "theme", "1", b"{}", {})
    story.settle()
    assert story.ended("intake.take_in") == [("superseded", "intake.unknown_topic")]


def test_payments_are_booked_once_where_the_policy_books_them(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.crank.connect("books", "paper_erp", payment_booking="journal", document_currency="shop")
    with story.crank.uow() as uow:
        uow.sql("UPDATE hub.route SET connection = 'books'")
    story.crank.hub.routes.forget()
    order = an_order(transactions=(a_sale("t1", "20.00"), a_sale("t2", "5.00", gateway="gift_card")))
    story.post("orders/create", order)
    story.settle()
    booked = sorted((one.transaction_id, one.amount.text) for one in story.erp.payments.values())
    assert booked == [("t1", "20.00"), ("t2", "5.00")]
    later = order.source_version.replace(minute=40)
    story.post("orders/updated", replace(order, source_version=later))
    story.settle()
    assert story.erp.calls == ["post", "book", "book"]
