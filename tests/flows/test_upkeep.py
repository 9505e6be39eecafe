"""What the hub does by the clock, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Wanted
from app.flows.subscription_watch import WATCH, can_reach
from app.infra.deadlines import tell_missed
from app.infra.windows import open_window
from app.kernel.clock import SYSTEM_CLOCK
from tests.flows.conftest import Story


@pytest.mark.capability("INV-3", "RT-11")
def test_what_waited_for_its_payment_past_its_time_is_back_on_the_shelf_and_the_rest_stays(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    now = SYSTEM_CLOCK.now()
    with story.crank.uow() as uow:
        for order_id, minutes in (("late", -1), ("early", 60), ("paid", -1)):
            wanted = [Wanted(line_id="1", sku="TENT-2P-GRN", quantity=Decimal(1))]
            inventory.reserve(uow, order_id, wanted, expires_at=now + timedelta(minutes=minutes))
        inventory.allocate(uow, "paid")
    with story.crank.uow() as uow:
        assert tell_missed(uow) == 2
    story.settle()
    assert story.reserved() == {"held": 1, "expired": 1, "allocated": 1}
    assert sorted(story.ended("upkeep.give_back")) == [("done", None), ("superseded", "inventory.nothing_waits")]
    with story.crank.uow() as uow:
        assert inventory.available(uow, ["TENT-2P-GRN"])["TENT-2P-GRN"].quantity == 3


def test_a_connection_that_cannot_be_told_by_its_remote_is_left_to_the_poll(story: Story) -> None:
    """The ERP of this story has nothing to subscribe to, so nothing is asked of it; its shop is looked after."""
    with story.crank.uow() as uow:
        assert open_window(uow, WATCH, SYSTEM_CLOCK.now())
    story.settle()
    with story.crank.uow() as uow:
        asked = uow.sql("SELECT connection FROM hub.delivery WHERE subscriber = 'upkeep.keep_subscriptions'").fetchall()
    assert asked == [("shop",)]
    assert story.crank.states("upkeep.ask_for_renewal") == {"done": 1}


@pytest.mark.parametrize(
    ("remote", "address", "reached"),
    [
        ("https://api.businesscentral.dynamics.com", "https://hub.example.com/webhooks/erp", True),
        ("https://api.businesscentral.dynamics.com", "http://hub.example.com/webhooks/erp", False),
        ("https://demo.myshopify.com", "http://127.0.0.1:8000/webhooks/shop", False),
        ("http://127.0.0.1:8001/shopify", "http://127.0.0.1:8000/webhooks/shop", True),
    ],
)
def test_a_vendor_calls_https_and_only_this_machine_calls_this_machine(
    remote: str, address: str, reached: bool
) -> None:
    assert can_reach(remote, address) is reached
