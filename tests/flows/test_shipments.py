"""Goods leave, in one piece or several, and the shop's customer learns of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.domains.orders.canonical import DocumentChanged, FulfilmentReported, Order
from app.domains.orders.ports import ErpInvoice, ErpShipment, InvoicedLine, ShippedLine
from app.flows import mapping, shipments
from app.infra.value_maps import Word, set_value
from app.infra.windows import open_window
from app.kernel.money import Money
from tests.factories import PLACED, a_line, an_order
from tests.flows.conftest import Story

AT = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def posted(story: Story, **given: Any) -> Order:
    """An order with three tents and two lamps that the ERP holds as SO-1001."""
    story.stock(TENT_2P_GRN=9, LAMP=9)
    lines = (a_line(quantity=3), a_line("502", sku="LAMP", price="10.00", quantity=2))
    order = an_order(lines=lines, **given)
    story.post("orders/create", order)
    story.settle()
    assert story.state() == "posted"
    return order


def report(number: str, *lines: tuple[int, str], **more: Any) -> dict[str, Any]:
    """A shipment as the ERP calls back: pairs of sequence and quantity."""
    return {
        "shipment_number": number, "order_number": "SO-1001", "shipped_at": "2026-11-20T18:00:00Z", "location": "EAST",
        "lines": [{"sequence": sequence, "quantity": quantity} for sequence, quantity in lines],
    } | more  # fmt: skip


def parcel(number: str) -> dict[str, Any]:
    return {"tracking_number": number, "carrier": "UPS", "tracking_url": None}


@pytest.mark.capability("ORD-6", "RT-3")
def test_a_shipment_of_everything_reaches_the_shop_once_with_its_tracking(story: Story) -> None:
    posted(story)
    with story.crank.uow() as uow:
        set_value(uow, "shop", "location", "EAST", "gid://place/7", "june")
    whole = report("S-1", (1000, "3"), (2000, "2"), packages=[parcel("1Z1")])
    for _ in range(3):
        story.call_back("shipments", whole)
    story.settle()
    assert story.state() == "shipped"
    (shown,) = story.shop.shown
    assert {(line.line_id, line.quantity) for line in shown.lines} == {("501", 3), ("502", 2)}
    assert (shown.location, [package.tracking_number for package in shown.packages]) == ("gid://place/7", ["1Z1"])
    assert story.reserved() == {"consumed": Decimal(5)}
    assert story.crank.rows("SELECT kind, number FROM hub.binding WHERE kind = 'fulfilment'") == [("fulfilment", "")]


@pytest.mark.capability("CM-6", "ORD-6")
def test_an_erp_that_does_not_hold_an_order_ships_nothing_of_it(story: Story) -> None:
    posted(story)
    line = ShippedLine(quantity=Decimal(1), sequence=1000)
    left = ErpShipment(number="S-1", order_number="SO-1001", shipped_at=AT, lines=(line,))
    with story.crank.uow() as uow:
        assert shipments.record_shipment(uow, "north-erp", left, uow.trail) is False
    story.settle()
    assert (story.state(), story.shop.shown, story.reserved()) == ("posted", [], {"allocated": Decimal(5)})
    with story.crank.uow() as uow:
        assert shipments.record_shipment(uow, "erp", left, uow.trail) is True
    story.settle()
    assert story.reserved() == {"allocated": Decimal(4), "consumed": Decimal(1)}


@pytest.mark.capability("CM-5", "ORD-6")
def test_carriers_go_by_the_channel_s_names_and_one_that_its_map_lacks_is_one_case(story: Story) -> None:
    def map_carrier(source: str, target: str) -> int:
        with story.crank.uow() as uow:
            return mapping.map_values(uow, "shop", [Word(kind="carrier", source=source, target=target)], "ann").released

    posted(story)
    story.call_back("shipments", report("S-0", (1000, "1"), packages=[parcel("1Z0")]))
    story.settle()
    assert [one.carrier for shown in story.shop.shown for one in shown.packages] == ["UPS"]  # nobody maps carriers
    map_carrier("DHL-PKT", "DHL eCommerce")
    followed = parcel("1Z1") | {"tracking_url": "https://ups.example/1Z1"}
    story.call_back("shipments", report("S-1", (1000, "1"), packages=[followed]))
    for number in ("S-2", "S-3"):
        story.call_back("shipments", report(number, (2000, "1"), packages=[parcel(f"1Z{number}")]))
    story.settle()
    assert story.cases() == {"shipments.carrier_unmapped": "carrier UPS"}
    assert len(story.shop.shown) == 2
    assert map_carrier("UPS", "United Parcel") == 1  # the other stands behind it in the lane of its order
    story.settle()
    named = [one.carrier for shown in story.shop.shown for one in shown.packages]
    assert (named, story.cases()) == (["UPS", "UPS", "United Parcel", "United Parcel"], {})


@pytest.mark.capability("ORD-6")
def test_a_partial_and_a_second_shipment_each_reach_the_shop(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "2")))
    story.settle()
    assert story.state() == "partly_shipped"
    assert story.reserved() == {"consumed": Decimal(2), "allocated": Decimal(3)}
    story.call_back("shipments", report("S-2", (1000, "1"), (2000, "2")))
    story.settle()
    assert story.state() == "shipped"
    told = [{(line.line_id, line.quantity) for line in one.lines} for one in story.shop.shown]
    assert told == [{("501", 2)}, {("501", 1), ("502", 2)}]


def test_a_shipment_that_names_skus_fills_the_lines_that_still_owe(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    order = an_order(lines=(a_line(quantity=2), a_line("502", quantity=1)))
    story.post("orders/create", order)
    story.settle()
    story.call_back("shipments", report("S-1", lines=[{"sku": "TENT-2P-GRN", "quantity": "3"}]))
    story.settle()
    (shown,) = story.shop.shown
    assert {(line.line_id, line.quantity) for line in shown.lines} == {("501", 2), ("502", 1)}
    assert story.state() == "shipped"


def test_tracking_that_comes_later_is_added_and_the_goods_are_not_shown_again(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3")))
    story.settle()
    story.call_back("shipments", report("S-1", (1000, "3"), packages=[parcel("1Z1")]))
    story.call_back("shipments", report("S-1", (1000, "3"), packages=[parcel("1Z1")]))
    story.settle()
    assert (len(story.shop.shown), len(story.shop.tracked)) == (1, 1)
    assert story.shop.tracked[0].bound == ("F1",)


@pytest.mark.capability("RT-4")
def test_a_shipment_before_its_posting_waits_for_it(story: Story) -> None:
    story.stock(TENT_2P_GRN=9, LAMP=9)
    story.call_back("shipments", report("S-1", (1000, "1")))
    story.settle()
    assert story.crank.states("intake.take_in") == {"due": 1}
    story.post("orders/create", an_order())
    story.settle()
    story.crank.hasten()
    story.settle()
    assert (story.state(), len(story.shop.shown)) == ("shipped", 1)


def test_an_undone_shipment_is_taken_back_everywhere(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3")))
    story.settle()
    story.call_back("shipments", report("S-2", (1000, "-3")))
    story.settle()
    assert story.state() == "posted"
    assert [one.bound for one in story.shop.undone] == [("F1",)]
    assert story.reserved() == {"allocated": Decimal(5)}
    assert story.crank.rows("SELECT number, state, undone_by FROM orders.shipment ORDER BY number") == [
        ("S-1", "undone", "S-2"),
        ("S-2", "undone", "S-2"),
    ]


def test_a_shipment_whose_own_lines_cancel_out_is_undone(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3")))
    story.settle()
    story.call_back("shipments", report("S-1", (1000, "3"), (1000, "-3")))
    story.settle()
    assert (story.state(), len(story.shop.undone)) == ("posted", 1)
    story.call_back("shipments", report("S-2", (1000, "3"), (2000, "2")))
    story.settle()
    assert (story.state(), story.cases()) == ("shipped", {})


def test_more_than_was_ordered_is_a_case_and_is_recorded(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "4"), (2000, "2")))
    story.settle()
    assert story.cases() == {"orders.over_shipped": "order #1001"}
    assert story.state() == "shipped"


def test_what_the_shop_no_longer_has_open_is_a_case(story: Story) -> None:
    posted(story)
    story.shop.open_units = 2
    story.call_back("shipments", report("S-1", (1000, "3")))
    story.settle()
    assert story.cases() == {"orders.remainder_not_open": "order #1001"}


def test_a_line_that_fits_nothing_and_another_content_of_a_known_shipment_are_cases(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (7000, "1")))
    story.call_back("shipments", report("S-2", (1000, "1")))
    story.settle()
    story.call_back("shipments", report("S-2", (1000, "2")))
    story.settle()
    assert story.cases() == {
        "orders.shipment_differs": "shipment S-2",
        "orders.shipment_unmatched": "shipment S-1",
    }
    assert len(story.shop.shown) == 1


def test_shipping_and_tax_lines_of_the_document_are_not_goods(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3"), (2000, "2"), (800001, "1")))
    story.settle()
    assert (story.state(), story.cases()) == ("shipped", {})


@pytest.mark.capability("CM-8")
def test_our_own_fulfilment_comes_back_as_an_echo_and_the_merchants_own_is_a_finding(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3")))
    story.settle()
    for number in ("F1", "F77"):
        value = FulfilmentReported(
            order_external_id="450789469", external_id=number, status="success", source_version=PLACED
        )
        story.post("fulfillments/create", value)
    story.settle()
    assert story.ended("intake.take_in")[-2:] == [("superseded", "orders.fulfilment_echo"), ("done", None)]
    assert story.findings() == ["orders.fulfilled_at_channel"]


@pytest.mark.capability("CM-8")
def test_an_echo_that_overtakes_our_own_record_waits_for_it(story: Story) -> None:
    """The shop tells of the fulfilment while the hub's call that made it is not recorded yet."""
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3")))
    drain_until(story, "shipments.ship_in_channel")
    with story.crank.uow() as uow:
        uow.sql(UNDER_WAY, {"state": "running", "holder": story.crank.heart.worker})
    value = FulfilmentReported(
        order_external_id="450789469", external_id="F1", status="success", source_version=PLACED
    )  # fmt: skip
    story.post("fulfillments/create", value)
    drain_until(story, "none")
    assert story.findings() == []
    assert story.ended("intake.take_in")[-1] == ("due", "orders.fulfilment_under_way")
    with story.crank.uow() as uow:
        uow.sql(UNDER_WAY, {"state": "due", "holder": None})
    story.settle()
    story.crank.hasten()
    story.settle()
    assert story.ended("intake.take_in")[-1] == ("superseded", "orders.fulfilment_echo")
    assert story.findings() == []


UNDER_WAY = """
UPDATE hub.delivery SET state = %(state)s, holder = %(holder)s, attempt = (%(state)s::text = 'running')::int,
       next_at = now() + interval '1 minute' * (%(state)s::text = 'running')::int
 WHERE subscriber = 'shipments.ship_in_channel'
"""


def drain_until(story: Story, step: str) -> None:
    """Run inside steps alone, until a delivery of this step waits or nothing is ready."""
    while inside := [place for place in story.crank.ready() if not place.connection]:
        for place in inside:
            story.crank.drain.run(place)
        if story.crank.states(step):
            return


@pytest.mark.capability("RT-12")
def test_shipment_and_invoice_belong_to_the_story_of_their_order(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3"), (2000, "2")))
    story.call_back("invoices", invoice("95.00"))
    story.settle()
    found = story.crank.rows("SELECT count(DISTINCT correlation_id) FROM hub.event WHERE type LIKE 'orders.%%'")
    assert found == [(1,)]


def invoice(total: str, number: str = "I-1", *lines: tuple[int, str, str]) -> dict[str, Any]:
    return {
        "invoice_number": number, "order_number": "SO-1001", "invoiced_at": "2026-11-20T19:00:00Z",
        "total": {"amount": total, "currency": "USD"},
        "lines": [{"sequence": sequence, "quantity": count, "amount": amount} for sequence, count, amount in lines],
    }  # fmt: skip


DIFFERS = {"erp.invoice_differs": "order #1001"}
ALL_LINES = ((1000, "3", "75.00"), (2000, "2", "20.00"))


@pytest.mark.capability("ORD-11")
@pytest.mark.parametrize(
    ("bills", "cases"),
    [
        ([invoice("95.00", "I-1", *ALL_LINES)], {}),
        ([invoice("94.99", "I-1", *ALL_LINES)], DIFFERS),
        ([invoice("95.01", "I-1", *ALL_LINES)], DIFFERS),
        ([invoice("75.00", "I-1", ALL_LINES[0])], {}),
        ([invoice("75.00", "I-1", ALL_LINES[0]), invoice("20.01", "I-2", ALL_LINES[1])], {}),
        ([invoice("75.00", "I-1", ALL_LINES[0]), invoice("20.02", "I-2", ALL_LINES[1])], DIFFERS),
    ],
)  # fmt: skip
def test_invoices_come_to_what_was_posted_or_are_a_case(
    story: Story, bills: list[dict[str, Any]], cases: dict[str, str]
) -> None:
    posted(story)
    for bill in bills:
        story.call_back("invoices", bill)
        story.call_back("invoices", bill)
    story.settle()
    assert story.cases() == cases
    assert story.crank.rows("SELECT count(*) FROM orders.invoice") == [(len(bills),)]


def test_the_erps_word_that_it_accepted_the_order_is_kept_once(story: Story) -> None:
    posted(story)
    word = {"order_number": "SO-1001", "external_number": "WEB-450789469", "accepted_at": "2026-11-20T17:00:00Z"}
    for _ in range(2):
        story.call_back("orders", word)
    story.settle()
    assert story.crank.rows("SELECT count(*) FROM hub.event WHERE type = 'orders.order_released.v1'") == [(1,)]
    assert story.crank.rows("SELECT status, released_at IS NOT NULL FROM orders.erp_document") == [("Open", True)]


def shipped_at_erp(story: Story) -> None:
    lines = (ShippedLine(sequence=1000, quantity=Decimal(3)), ShippedLine(sequence=2000, quantity=Decimal(2)))
    shipment = ErpShipment(number="S-9", order_number="SO-1001", shipped_at=AT, lines=lines, location="EAST")
    total = Money.parse("95.00", "USD")
    bill = ErpInvoice(
        number="I-9", order_number="SO-1001", invoiced_on=date(2026, 11, 20), total=total,
        lines=(InvoicedLine(sequence=1000, quantity=Decimal(3), amount=Money.parse("75.00", "USD")),),
    )  # fmt: skip
    story.erp.shipments["SO-1001"], story.erp.invoices["SO-1001"] = [shipment], [bill]


@pytest.mark.capability("ORD-6")
def test_where_nothing_calls_back_a_poll_finds_the_shipment_and_the_invoice_once(story: Story) -> None:
    posted(story)
    shipped_at_erp(story)
    story.erp.moved = ["SO-1001", "SO-4711"]
    for minute in (1, 2):
        with story.crank.uow() as uow:
            assert open_window(uow, "erp_poll", AT.replace(minute=minute))
        story.settle()
    assert (story.state(), len(story.shop.shown)) == ("shipped", 1)
    assert story.crank.rows("SELECT number FROM orders.invoice") == [("I-9",)]
    assert [moment.isoformat() for moment in story.erp.since] == [
        "2026-11-19T18:01:00+00:00",
        "2026-11-20T17:56:00+00:00",
    ]


def test_a_bell_of_the_erp_has_its_document_read(story: Story) -> None:
    posted(story)
    shipped_at_erp(story)
    story.post("documents", DocumentChanged(kind="sales_order", external_id="E1"), at="erp")
    story.post("documents", DocumentChanged(kind="sales_order", external_id="E999"), at="erp")
    story.settle()
    assert story.state() == "shipped"
    assert story.ended("intake.take_in")[-1] == ("superseded", "orders.not_ours")


def test_an_undone_shipment_that_was_never_seen_is_recorded_and_shown_to_nobody(story: Story) -> None:
    posted(story)
    story.call_back("shipments", report("S-1", (1000, "3"), (1000, "-3")))
    story.settle()
    assert (story.state(), story.shop.shown) == ("posted", [])
    assert story.crank.rows("SELECT number, state FROM orders.shipment") == [("S-1", "undone")]
