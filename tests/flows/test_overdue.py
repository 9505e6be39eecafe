"""What an ERP or a warehouse does not do in time is asked about and goes on as was decided; undoing is exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domains.orders.ports import ErpShipment, ShippedLine
from app.infra.deadlines import call_off, tell_missed
from app.infra.decisions import choose
from app.infra.replay.again import dismiss_case, resolve_case
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid, Refused
from tests.factories import an_order
from tests.flows.builders import cancelled, later, with_quantity
from tests.flows.conftest import Story

ACCEPTED = {"order_number": "SO-1001", "external_number": "WEB-450789469", "accepted_at": "2026-11-20T17:00:00Z"}
DEPARTED = {
    "shipment_number": "S-1", "order_number": "SO-1001", "shipped_at": "2026-11-20T18:00:00Z", "location": "EAST",
    "packages": [],
}  # fmt: skip


def promise(story: Story, **settings: Any) -> None:
    """The company's times, in the settings of its ERP."""
    with story.crank.uow() as uow:
        for name, value in settings.items():
            uow.sql(
                "UPDATE hub.connection SET version = version + 1, settings = settings "
                "|| jsonb_build_object(%(name)s::text, to_jsonb(%(value)s::text)) WHERE name = 'erp'",
                {"name": name, "value": str(value)},
            )
    story.crank.hub.connections.forget()


def posted(story: Story, quantity: int = 1, **settings: Any) -> Any:
    promise(story, **settings)
    story.stock(TENT_2P_GRN=9)
    order = with_quantity(an_order(), 0, quantity)
    story.post("orders/create", order)
    story.settle()
    assert story.state() == "posted"
    return order


def pass_time(story: Story, **by: int) -> int:
    """So much later, a relay looks; returns how much was missed."""
    with story.crank.uow() as uow:
        count = tell_missed(uow, SYSTEM_CLOCK.now() + timedelta(**by))
    story.settle()
    return count


def waits(story: Story) -> list[tuple[str, str, int, str]]:
    return story.crank.rows("SELECT name, part, turn, state FROM hub.deadline ORDER BY name, turn")


def question(story: Story) -> str:
    rows = story.crank.rows("SELECT id::text FROM hub.exception_case WHERE state = 'new'")
    assert len(rows) == 1
    return str(rows[0][0])


def decide(story: Story, name: str) -> None:
    with story.crank.uow() as uow:
        choose(uow, _question(uow), name, "dana", "as the warehouse said")
    story.settle()


def _question(uow: Any) -> str:
    return str(uow.sql("SELECT id::text FROM hub.exception_case WHERE state = 'new'").fetchone()[0])


@pytest.mark.capability("RT-11")
def test_nothing_is_watched_where_the_company_names_no_time(story: Story) -> None:
    posted(story)
    assert (waits(story), pass_time(story, days=900), story.cases()) == ([], 0, {})


@pytest.mark.capability("RT-11")
def test_an_order_that_nobody_accepts_asks_somebody_who_gives_it_more_time(story: Story) -> None:
    posted(story, accept_within_hours=24)
    assert pass_time(story, hours=23) == 0
    assert pass_time(story, hours=25) == 1
    assert story.cases() == {"orders.release_missed": "order #1001"}
    with pytest.raises(Refused, match="look, wait"), story.crank.uow() as uow:
        resolve_case(uow, _question(uow), "dana")
    with pytest.raises(Invalid, match="look, wait"), story.crank.uow() as uow:
        choose(uow, _question(uow), "burn", "dana")
    decide(story, "wait")
    assert story.cases() == {}
    assert waits(story) == [("release", "erp", 1, "missed"), ("release", "erp", 2, "waiting")]
    assert pass_time(story, hours=25) == 1
    assert story.cases() == {"orders.release_missed": "order #1001"}
    told = story.crank.rows(
        "SELECT payload->>'decided_by', payload->>'turn', "
        "correlation_id = (SELECT correlation_id FROM orders.sales_order) "
        "FROM hub.event WHERE type = 'orders.wait_extended.v1'"
    )
    assert told == [("dana", "2", True)]
    acts = story.crank.rows("SELECT who, did, why, facts->>'chose' FROM hub.act WHERE kind = 'case'")
    assert acts == [("dana", "decided a case", "as the warehouse said", "wait")]


@pytest.mark.capability("RT-11")
def test_what_was_accepted_unheard_is_found_when_somebody_has_the_erp_looked_at(story: Story) -> None:
    posted(story, accept_within_hours=24)
    pass_time(story, hours=25)
    line = ShippedLine(quantity=Decimal(1), sequence=1000)
    story.erp.shipments["SO-1001"] = [
        ErpShipment(
            number="S-1", order_number="SO-1001", shipped_at=datetime(2026, 11, 20, 18, tzinfo=UTC), lines=(line,)
        )
    ]
    decide(story, "look")
    assert story.state() == "shipped"
    assert waits(story) == [("release", "erp", 1, "late"), ("release", "erp", 2, "met")]
    assert (pass_time(story, hours=90), story.cases()) == (0, {})


@pytest.mark.capability("RT-11")
def test_what_is_accepted_in_time_asks_nobody_and_what_is_accepted_late_ends_the_question(story: Story) -> None:
    posted(story, accept_within_hours=24)
    story.call_back("orders", ACCEPTED)
    story.settle()
    assert waits(story) == [("release", "erp", 1, "met")]
    with story.crank.uow() as uow:  # another story: missed first, accepted then
        uow.sql("UPDATE hub.deadline SET state = 'waiting'")
        uow.sql("UPDATE orders.erp_document SET released_at = NULL")
    pass_time(story, hours=25)
    assert story.cases() == {"orders.release_missed": "order #1001"}
    story.call_back("orders", ACCEPTED)
    story.settle()
    assert (waits(story), story.cases()) == ([("release", "erp", 1, "late")], {})


@pytest.mark.capability("RT-11")
def test_an_order_that_leaves_in_part_is_still_expected_whole_by_its_day(story: Story) -> None:
    posted(story, quantity=3, ship_within_days=2, zone="America/New_York")
    due = story.crank.rows("SELECT due_at AT TIME ZONE 'America/New_York' FROM hub.deadline")[0][0]
    assert (due.hour, due.minute) == (0, 0)
    story.call_back("shipments", DEPARTED | {"lines": [{"sequence": 1000, "quantity": "2"}]})
    story.settle()
    assert (story.state(), waits(story)) == ("partly_shipped", [("shipment", "", 1, "waiting")])
    assert pass_time(story, days=4) == 1
    title = story.crank.rows("SELECT title FROM hub.exception_case")[0][0]
    assert title == "#1001 (SO-1001) has not left whole by the day it was to"
    rest = DEPARTED | {"shipment_number": "S-2", "lines": [{"sequence": 1000, "quantity": "1"}]}
    story.call_back("shipments", rest)
    story.settle()
    assert (story.state(), waits(story), story.cases()) == ("shipped", [("shipment", "", 1, "late")], {})


@pytest.mark.capability("RT-11")
def test_an_order_that_leaves_whole_in_time_is_waited_for_no_more(story: Story) -> None:
    posted(story, quantity=3, ship_within_days=1)
    story.call_back("shipments", DEPARTED | {"lines": [{"sequence": 1000, "quantity": "3"}]})
    story.settle()
    assert waits(story) == [("shipment", "", 1, "met")]


@pytest.mark.capability("RT-11")
def test_a_missed_deadline_of_an_order_that_went_on_meanwhile_asks_nobody(story: Story) -> None:
    posted(story, accept_within_hours=24, ship_within_days=1)
    with story.crank.uow() as uow:
        assert tell_missed(uow, SYSTEM_CLOCK.now() + timedelta(days=9)) == 2
    story.call_back("orders", ACCEPTED)
    story.call_back("shipments", DEPARTED | {"lines": [{"sequence": 1000, "quantity": "1"}]})
    story.settle()
    assert story.cases() == {}


@pytest.mark.capability("RT-11", "ORD-7")
def test_a_cancellation_ends_what_was_waited_for_and_gives_back_what_was_done_once(story: Story) -> None:
    order = posted(story, accept_within_hours=24, ship_within_days=2)
    pass_time(story, hours=25)
    for _ in range(3):
        story.post("orders/cancelled", cancelled(order, 9))
    story.settle()
    assert (story.state(), story.cases()) == ("cancelled", {})
    assert [state for *_, state in waits(story)] == ["late", "met"]
    assert (story.erp.calls, story.reserved()) == (["post", "cancel"], {"released": Decimal(1)})
    with story.crank.uow() as uow:  # undone again, by an operator: nothing is given back twice
        uow.sql(
            "UPDATE hub.delivery SET state = 'due', in_doubt = true WHERE subscriber = 'order_changes.cancel_in_erp'"
        )
    story.settle()
    assert story.reserved() == {"released": Decimal(1)}


@pytest.mark.capability("RT-11", "ORD-7")
def test_a_cancellation_that_comes_before_the_posting_leaves_nothing_at_the_erp(story: Story) -> None:
    promise(story, accept_within_hours=24)
    story.stock(TENT_2P_GRN=9)
    order = an_order()
    story.post("orders/create", order)
    for place in story.crank.ready():  # taken in; its posting stands due
        story.crank.drain.run(place)
    story.post("orders/cancelled", cancelled(order, 9))
    story.crank.drain.run(story.crank.ready()[0])
    story.settle()
    assert (story.state(), story.reserved(), waits(story)) == ("cancelled", {"released": Decimal(1)}, [])
    assert [one for one in story.erp.documents.values() if not one.deleted] == []


@pytest.mark.capability("RT-11", "RT-3", "ORD-7")
def test_a_cancellation_of_a_posting_whose_outcome_is_in_doubt_finds_and_undoes_it(story: Story) -> None:
    promise(story, accept_within_hours=24)
    story.stock(TENT_2P_GRN=9)
    story.erp.lose = 1  # the ERP holds the order, and nobody heard so
    order = an_order()
    story.post("orders/create", order)
    story.settle()
    assert story.state() == "accepted"
    story.post("orders/cancelled", cancelled(order, 9))
    story.settle()
    story.crank.hasten()
    story.settle()
    assert (story.state(), story.reserved()) == ("cancelled", {"released": Decimal(1)})
    assert [one.deleted for one in story.erp.documents.values()] == [True]
    assert pass_time(story, days=9) == 0


def test_an_operator_no_longer_waits_and_nobody_is_asked(story: Story) -> None:
    posted(story, accept_within_hours=24)
    (one,) = story.crank.rows("SELECT id::text FROM hub.deadline")[0]
    with story.crank.uow() as uow:
        call_off(uow, one, "dana", "accepted by phone")
    assert (pass_time(story, days=9), story.cases()) == (0, {})


def test_a_decision_is_taken_once_and_a_question_may_be_dismissed(story: Story) -> None:
    posted(story, accept_within_hours=24)
    pass_time(story, hours=25)
    one = question(story)
    decide(story, "wait")
    with pytest.raises(Refused, match="resolved"), story.crank.uow() as uow:
        choose(uow, one, "wait", "luis")
    assert len(waits(story)) == 2
    pass_time(story, hours=25)
    with story.crank.uow() as uow:
        dismiss_case(uow, _question(uow), "dana", "the customer fetched it")
    story.settle()
    assert (story.cases(), len(waits(story))) == ({}, 2)


def test_a_newer_version_of_a_posted_order_does_not_begin_its_time_anew(story: Story) -> None:
    order = posted(story, accept_within_hours=24)
    before = story.crank.rows("SELECT due_at FROM hub.deadline")
    story.post("orders/updated", later(order, 5, po_number="PO-7"))
    story.settle()
    assert story.erp.calls == ["post", "change"]
    assert story.crank.rows("SELECT due_at FROM hub.deadline") == before
