"""More is promised than lies there: a person is asked, and what he chooses is done."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Supply
from app.infra.cases import ExceptionCase
from app.infra.decisions import choices_of, choose
from app.infra.ids import new_id
from tests.factories import an_order
from tests.flows.conftest import MORNING, Story
from tests.stock import wanted

pytestmark = pytest.mark.capability("INV-6")
SKU = "TENT-2P-GRN"


def count(story: Story, on_hand: int, *, location: str = "MAIN", hours: int = 1) -> None:
    with story.crank.uow() as uow:
        at = MORNING + timedelta(hours=hours)
        inventory.set_snapshot(uow, "erp", SKU, location, Decimal(on_hand), at)
    story.settle()


def decide(story: Story, choice: str) -> None:
    with story.crank.uow() as uow:
        (case,) = uow.session.query(ExceptionCase).filter_by(code="inventory.oversold", state="new").all()
        choose(uow, case.id, choice, "ann")
    story.settle()


def offered_choices(story: Story) -> list[str]:
    with story.crank.uow() as uow:
        (case,) = uow.session.query(ExceptionCase).filter_by(code="inventory.oversold", state="new").all()
        return [one["name"] for one in choices_of(case)]


@pytest.fixture
def sold(story: Story) -> Story:
    """One order holds all that lies at MAIN, then a count finds less."""
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    assert sum(story.reserved().values()) > 0
    return story


def test_a_count_below_what_is_promised_asks_a_person_and_keeps_the_promise(sold: Story) -> None:
    before = sold.reserved()
    count(sold, 0)
    assert sold.cases()["inventory.oversold"] == f"{SKU} at MAIN"
    assert offered_choices(sold) == ["back_order", "substitute", "cancel_line"]
    assert sold.reserved() == before


def test_goods_that_come_in_end_the_case_by_themselves(sold: Story) -> None:
    count(sold, 0)
    count(sold, 9, hours=2)
    assert "inventory.oversold" not in sold.cases()


def test_an_order_that_is_released_ends_the_case_by_itself(sold: Story) -> None:
    count(sold, 0)
    order_id = sold.order_id()
    with sold.crank.uow() as uow:
        inventory.release(uow, order_id)
    sold.settle()
    assert "inventory.oversold" not in sold.cases()


def test_what_another_place_has_is_promised_from_there(sold: Story) -> None:
    count(sold, 50, location="EAST")
    count(sold, 0)
    assert offered_choices(sold)[0] == "re_source"
    decide(sold, "re_source")
    places = sold.crank.rows(
        "SELECT DISTINCT location FROM inventory.reservation WHERE state IN ('held', 'allocated') AND sku = %(sku)s",
        sku=SKU,
    )
    assert places == [("EAST",)]
    assert sold.crank.rows("SELECT sum(oversold) FROM inventory.stock_level") == [(0,)]
    assert "inventory.oversold" not in sold.cases()


def test_what_no_other_place_has_is_asked_again(sold: Story) -> None:
    with sold.crank.uow() as uow:
        inventory.reserve(uow, new_id(), wanted({SKU: 2}))
    count(sold, 1, location="EAST")
    count(sold, 0)
    decide(sold, "re_source")
    assert sold.cases()["inventory.oversold"] == f"{SKU} at MAIN"
    assert offered_choices(sold) == ["back_order", "substitute", "cancel_line"]
    assert sold.crank.rows("SELECT sum(oversold) FROM inventory.stock_level") == [(2,)]


@pytest.mark.parametrize(
    ("choice", "code", "said"),
    [
        ("back_order", "inventory.back_ordered", "due on"),
        ("substitute", "inventory.substitute", "another item"),
        ("cancel_line", "inventory.cancel_line", "cancel so much"),
    ],
)
def test_every_order_that_goes_without_is_told_what_was_decided(sold: Story, choice: str, code: str, said: str) -> None:
    with sold.crank.uow() as uow:
        due = uow.hub.clock.now() + timedelta(days=4)
        inventory.set_supplies(
            uow,
            [Supply(source="erp", key="po-1", sku=SKU, location="MAIN", quantity=Decimal(20), due_at=due)],
        )
    count(sold, 0)
    decide(sold, choice)
    found = sold.crank.rows("SELECT order_id::text, said FROM orders.finding WHERE code = %(code)s", code=code)
    assert [row[0] for row in found] == [sold.order_id()]
    assert said in found[0][1]


def test_a_decision_that_comes_too_late_changes_nothing(sold: Story) -> None:
    count(sold, 0)
    with sold.crank.uow() as uow:
        (case,) = uow.session.query(ExceptionCase).filter_by(code="inventory.oversold").all()
        choose(uow, case.id, "cancel_line", "ann")
        inventory.set_snapshot(uow, "erp", SKU, "MAIN", Decimal(50), MORNING + timedelta(hours=3))
    sold.settle()
    assert sold.findings() == []
    assert sold.ended("oversell.carry_out") == [("superseded", "inventory.nothing_missing")]
