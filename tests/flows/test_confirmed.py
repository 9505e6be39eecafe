"""A person says that a posting whose answer was lost is there: the order goes on under its number."""

from __future__ import annotations

import pytest

from app import flows
from app.flows.doubting import it_happened
from app.flows.runtime import STEPS
from tests.factories import an_order
from tests.flows.conftest import Story


@pytest.mark.capability("RT-5")
def test_a_posting_that_a_person_found_is_recorded_and_its_shop_told(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.erp.lose = 1
    story.post("orders/create", an_order())
    story.settle()
    ((event, number),) = story.crank.rows("SELECT event_id, id FROM hub.delivery WHERE in_doubt")
    with story.crank.uow() as uow:
        it_happened(uow, (event, number), "SO-77", "ada", "seen in the ERP")
    story.settle()
    assert story.state() == "posted"
    assert [told.number for told in story.shop.references] == ["SO-77"]
    assert story.crank.rows("SELECT number FROM orders.erp_document") == [("SO-77",)]
    assert story.cases() == {}


def test_every_outside_step_of_the_order_flow_takes_a_number_for_an_answer() -> None:
    reads = {"shipments.poll_erp", "shipments.read_progress", "intake.fetch_order", "cut_over.read_order"}
    flows.load()
    silent = {
        name
        for name, step in STEPS.by_name.items()
        if step.outside and step.event_type.startswith("orders.") and step.happened is None
    }
    assert silent - reads == set()
