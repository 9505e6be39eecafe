"""What a channel edits, cancels, doubles, delays or tells in the wrong order."""

from __future__ import annotations

import time
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.domains.orders.canonical import Bell, Order
from tests.factories import a_line, an_address, an_order
from tests.flows.builders import a_sale, cancelled, later, with_quantity
from tests.flows.conftest import Story


@pytest.mark.capability("ORD-7")
def test_an_edit_that_lowers_a_quantity_reaches_erp_and_stock(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order(lines=(a_line(quantity=3),))
    story.post("orders/create", order)
    story.settle()
    story.post("orders/updated", with_quantity(order, 5, 2))
    story.settle()
    assert story.erp.calls == ["post", "change"]
    assert [document.lines for document in story.erp.documents.values()] == [{"501": 2}]
    assert story.reserved() == {"allocated": Decimal(2), "released": Decimal(1)}
    assert story.crank.rows("SELECT version, accepted_version FROM orders.sales_order") == [(2, 2)]


@pytest.mark.capability("ORD-7", "INV-3")
def test_an_edit_up_without_stock_waits_and_the_posted_order_stays(story: Story) -> None:
    story.stock(TENT_2P_GRN=3)
    order = an_order(lines=(a_line(quantity=3),))
    story.post("orders/create", order)
    story.settle()
    story.post("orders/updated", with_quantity(order, 5, 4))
    story.settle()
    assert story.erp.calls == ["post"]
    assert story.cases() == {"inventory.short": "sku TENT-2P-GRN"}
    story.post("orders/updated", with_quantity(order, 9, 2))
    story.settle()
    assert story.erp.calls == ["post", "change"]
    assert story.cases() == {}
    assert story.reserved()["allocated"] == Decimal(2)


def test_what_no_document_shows_changes_no_document(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    story.post("orders/updated", later(order, 5, tags=("vip",), financial_status="partially_refunded"))
    story.settle()
    assert story.erp.calls == ["post"]
    assert story.crank.states("order_changes.change_in_erp") == {}


def test_several_changes_before_the_erp_answers_are_one(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    order = an_order()
    story.post("orders/create", order)
    for n in range(2, 6):
        story.post("orders/updated", with_quantity(order, n, n))
    story.settle()
    assert story.erp.calls == ["post"]
    assert [document.lines for document in story.erp.documents.values()] == [{"501": 5}]
    assert story.reserved() == {"allocated": Decimal(5)}


def test_an_address_moves_the_document_too(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    story.post("orders/updated", later(order, 5, ship_to=an_address(city="Salem")))
    story.settle()
    assert story.erp.calls == ["post", "change"]
    changed = story.crank.rows("SELECT payload->'changed' FROM hub.event WHERE type = 'orders.order_changed.v1'")
    assert changed == [(["address"],)]


@pytest.mark.capability("ORD-7")
def test_a_released_order_is_a_case_that_names_the_change(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order(lines=(a_line(quantity=3),))
    story.post("orders/create", order)
    story.settle()
    for document in story.erp.documents.values():
        document.released = True
    story.post("orders/updated", with_quantity(order, 5, 2))
    story.settle()
    assert story.cases() == {"erp.order_released": "SO-1001"}
    assert story.crank.states("order_changes.change_in_erp") == {"parked": 1}


@pytest.mark.capability("ORD-7")
def test_a_cancellation_before_posting_posts_nothing(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/create", order)
    story.post("orders/cancelled", cancelled(order, 5))
    story.settle()
    assert story.state() == "cancelled"
    assert (story.erp.calls, story.erp.documents) == (["cancel"], {})
    assert story.reserved() == {"released": Decimal(1)}


@pytest.mark.capability("ORD-7")
def test_a_cancellation_after_posting_takes_the_document_back(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    story.post("orders/cancelled", cancelled(order, 5))
    story.settle()
    assert story.state() == "cancelled"
    assert [document.deleted for document in story.erp.documents.values()] == [True]
    assert story.reserved() == {"released": Decimal(1)}
    moves = story.crank.rows("SELECT trigger, before, after FROM orders.order_move ORDER BY id")
    assert moves == [
        ("accept", "captured", "accepted"),
        ("post", "accepted", "posted"),
        ("cancel", "posted", "cancelling"),
        ("finish_cancel", "cancelling", "cancelled"),
    ]


@pytest.mark.capability("RT-4", "ORD-7")
def test_a_cancellation_that_arrives_while_the_posting_is_under_way_waits_behind_it(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()

    seen: list[str] = []

    def cancel_meanwhile(call: str) -> None:
        if call == "post":
            story.post("orders/cancelled", cancelled(order, 5))
            drain_everything(story)
            seen.append(state_when_looked_at(story, "order_changes.cancel_in_erp"))

    story.erp.before = cancel_meanwhile
    story.post("orders/create", order)
    story.settle()
    assert seen == ["behind"]
    assert story.erp.calls == ["post", "cancel"]
    assert [document.deleted for document in story.erp.documents.values()] == [True]
    assert story.state() == "cancelled"


def state_when_looked_at(story: Story, subscriber: str) -> str:
    """What the dispatcher made of a delivery that was due; the other thread may be draining it into being."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        states = [state for state, _ in story.ended(subscriber)]
        if states and states != ["due"]:
            (state,) = states
            return state
        time.sleep(0.01)
    return "due"


def drain_everything(story: Story) -> None:
    for place in story.crank.ready():
        if not place.connection:
            story.crank.drain.run(place)


@pytest.mark.capability("ORD-7")
def test_a_cancellation_overtakes_a_posting_that_waits_for_a_person(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.erp.unmapped = {"TENT-2P-GRN"}
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    assert story.cases() == {"orders.sku_unmapped": "sku TENT-2P-GRN"}
    story.post("orders/cancelled", cancelled(order, 5))
    story.settle()
    assert story.state() == "cancelled"
    assert story.cases() == {}
    assert story.erp.documents == {}


def test_a_lost_answer_and_a_cancellation_leave_no_document(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.erp.lose = 1
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    story.post("orders/cancelled", cancelled(order, 5))
    story.crank.hasten()
    story.settle()
    assert story.state() == "cancelled"
    assert [document.deleted for document in story.erp.documents.values()] == [True]


@pytest.mark.capability("RT-4")
def test_an_older_version_and_a_repeat_end_superseded(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/updated", later(order, 5))
    story.post("orders/create", order)
    story.post("orders/updated", later(order, 5))
    story.settle()
    assert story.ended("intake.take_in") == [
        ("done", None),
        ("superseded", "orders.older_version"),
        ("superseded", "orders.same_version"),
    ]
    assert story.erp.calls == ["post"]


@pytest.mark.capability("RT-4")
def test_two_contents_of_one_version_are_settled_by_asking_the_channel(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    order = an_order()
    truth = with_quantity(order, 0, 4)
    story.shop.orders["450789469"] = truth
    story.post("orders/create", order, told_at="2026-11-20T15:04:06+00:00")
    story.post("orders/updated", with_quantity(order, 0, 2), told_at="2026-11-20T15:04:05+00:00")
    story.settle()
    assert story.shop.fetched == 1
    assert [document.lines for document in story.erp.documents.values()] == [{"501": 4}]
    sources = story.crank.rows("SELECT source FROM orders.order_version ORDER BY n")
    assert sources == [("orders/create",), ("fetch",)]


def test_of_two_contents_of_one_version_the_one_told_later_counts_where_nobody_can_be_asked(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    order = an_order()
    story.post("orders/updated", with_quantity(order, 0, 2), told_at="2026-11-20T15:04:07+00:00")
    story.post("orders/create", order, told_at="2026-11-20T15:04:06+00:00")
    story.settle()
    assert [document.lines for document in story.erp.documents.values()] == [{"501": 2}]
    assert story.findings() == ["orders.unknown_at_channel"]


@pytest.mark.capability("RT-4")
def test_a_bell_before_its_order_fetches_the_order(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.shop.orders["450789469"] = an_order()
    story.post("bells", Bell(kind="order", external_id="450789469", reason="refunds/create"))
    story.settle()
    assert (story.state(), story.shop.fetched) == ("posted", 1)


def test_money_that_moved_later_is_booked_then(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.crank.connect("books", "paper_erp", payment_booking="journal", document_currency="shop")
    with story.crank.uow() as uow:
        uow.sql("UPDATE hub.route SET connection = 'books'")
    story.crank.hub.routes.forget()
    order = an_order(financial_status="authorized")
    story.post("orders/create", order)
    story.settle()
    story.post("orders/updated", later(order, 9, transactions=(a_sale("t9", "25.00"),)))
    story.settle()
    assert story.erp.calls == ["post", "book"]


ORDER = an_order(lines=(a_line(quantity=3),), total="75.00")
EDITED = with_quantity(ORDER, 5, 2)
EDITED_AGAIN = with_quantity(ORDER, 8, 5)
MESSAGES = [
    ("orders/create", ORDER),
    ("orders/updated", later(ORDER, 2, tags=("first",))),
    ("orders/updated", EDITED),
    ("orders/updated", EDITED_AGAIN),
]


EMPTIED = (
    "orders.sales_order", "orders.order_move", "orders.hold", "orders.erp_document", "orders.erp_line", "hub.binding",
    "inventory.reservation", "inventory.stock_level", "inventory.movement", "inventory.availability", "hub.seen",
    "hub.event", "hub.delivery", "hub.exception_case",
)  # fmt: skip


def outcome(story: Story, messages: list[tuple[str, Order]], settle_between: list[bool]) -> tuple[object, ...]:
    """Where the order and the ERP end, whatever came when. Documents that were taken back count as none."""
    with story.crank.hub.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(EMPTIED)} CASCADE"))
    story.erp.documents.clear()
    story.stock(TENT_2P_GRN=9)
    for (topic, order), settle in zip(messages, settle_between, strict=True):
        story.post(topic, order)
        if settle:
            story.settle()
    story.settle()
    held = [document.lines for document in story.erp.documents.values() if not document.deleted]
    stock = {state: quantity for state, quantity in story.reserved().items() if state != "released"}
    return story.state(), held, stock, sorted(story.cases())


@pytest.mark.capability("RT-4", "ORD-7")
def test_any_order_of_edits_ends_in_the_same_document(story: Story) -> None:
    expected = ("posted", [{"501": 5}], {"allocated": Decimal(5)}, [])
    for messages in permutations(MESSAGES):
        assert outcome(story, list(messages), [False] * 4) == expected


@pytest.mark.capability("RT-4", "ORD-7")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_with_doubles_and_a_cancellation_ends_cancelled_everywhere(story: Story, data: st.DataObject) -> None:
    whole = [*MESSAGES, ("orders/cancelled", cancelled(EDITED_AGAIN, 9))]
    doubled = whole + data.draw(st.lists(st.sampled_from(whole), max_size=3))
    messages = data.draw(st.permutations(doubled))
    between = data.draw(st.lists(st.booleans(), min_size=len(messages), max_size=len(messages)))
    assert outcome(story, list(messages), between) == ("cancelled", [], {}, [])


def test_a_cancellation_of_what_has_left_is_a_finding(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    shipment = {
        "shipment_number": "S-1", "order_number": "SO-1001", "shipped_at": "2026-11-20T16:00:00Z",
        "lines": [{"sequence": 1000, "quantity": "1"}],
    }  # fmt: skip
    story.call_back("shipments", shipment)
    story.settle()
    story.post("orders/cancelled", cancelled(order, 99))
    story.settle()
    assert story.state() == "shipped"
    assert story.findings() == ["orders.cancelled_after_shipping"]
