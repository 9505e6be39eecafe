"""Buyers who wait: an order within its channel's back-order limit gets its reservation, and nobody beyond it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service
from app.domains.inventory.canonical import ChannelPolicy, Held, Reserved, Short, Supply
from app.infra.hub import Hub
from tests.domains.inventory.test_buyers import at_once
from tests.stock import MORNING, count_stock, states, told, wanted

pytestmark = pytest.mark.capability("INV-2")
SKU = "TEE-M"


def agree(hub: Hub, limit: int, *, channel: str = "shop", **more: object) -> None:
    with hub.unit_of_work() as uow:
        policy = ChannelPolicy(channel=channel, backorder_limit=Decimal(limit), **more)  # type: ignore[arg-type]
        service.set_channel_policy(uow, policy, "ann")


def count(hub: Hub, on_hand: int, *, location: str = "MAIN", minutes: int = 0) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, SKU, on_hand, location=location, at=MORNING + timedelta(minutes=minutes))


def buy(hub: Hub, order: str, quantity: int, channel: str | None = "shop") -> Reserved | Short:
    with hub.unit_of_work() as uow:
        return service.reserve(uow, order, wanted({SKU: quantity}), channel=channel)


def offered(hub: Hub, channel: str = "shop") -> Decimal:
    with hub.unit_of_work() as uow:
        return service.offered(uow, channel, [SKU])[SKU].quantity


def level(hub: Hub, location: str = "MAIN") -> tuple[Decimal, Decimal, Decimal]:
    """What is free, back-ordered and oversold there."""
    with hub.unit_of_work() as uow:
        row = uow.sql(
            "SELECT free, back_ordered, oversold FROM inventory.stock_level "
            "WHERE sku = %(sku)s AND location = %(location)s",
            {"sku": SKU, "location": location},
        ).fetchone()
        assert row is not None
        return row[0], row[1], row[2]


def test_an_order_takes_what_lies_there_and_waits_for_the_rest(hub: Hub) -> None:
    count(hub, 2)
    agree(hub, 5)
    assert offered(hub) == 7

    answer = buy(hub, "o-1", 4)

    assert answer == Reserved(
        order_id="o-1",
        held=(Held(line_id="1", sku=SKU, location="MAIN", quantity=Decimal(4), back_ordered=Decimal(2)),),
    )
    assert buy(hub, "o-1", 4) == answer  # asked again, it has the same
    assert level(hub) == (-2, 2, 0)
    assert offered(hub) == 3
    assert told(hub, "inventory.stock_oversold.v1") == []
    with hub.unit_of_work() as uow:
        assert service.back_ordered(uow, ["o-1", "o-2"]) == {"o-1": {"1": 2}}


def test_the_limit_is_counted_once_for_a_whole_batch(hub: Hub) -> None:
    count(hub, 1)
    agree(hub, 3)
    orders = [(f"o-{n}", wanted({SKU: 2})) for n in range(3)]
    with hub.unit_of_work() as uow:
        answers = service.reserve_many(uow, orders, channels=dict.fromkeys(["o-0", "o-1", "o-2"], "shop"))
    assert [type(one) for one in answers] == [Reserved, Reserved, Short]
    assert level(hub) == (-3, 3, 0)


@pytest.mark.capability("INV-3")
def test_forty_buyers_at_the_limit_get_exactly_what_lies_there_and_the_limit(hub: Hub) -> None:
    count(hub, 3)
    agree(hub, 5)
    agree(hub, 4, channel="market")

    def buyer(n: int) -> Callable[[], Reserved | Short]:
        return lambda: buy(hub, f"o-{n}", 1, "shop" if n % 2 else "market")

    answers = at_once([buyer(n) for n in range(40)])

    assert sum(isinstance(answer, Reserved) for answer in answers) == 8
    assert level(hub) == (-5, 5, 0)
    assert offered(hub) == offered(hub, "market") == 0


@pytest.mark.parametrize("channel", [None, "market"])
def test_who_agreed_to_no_back_orders_is_refused_what_does_not_lie_there(hub: Hub, channel: str | None) -> None:
    count(hub, 2)
    agree(hub, 5)
    answer = buy(hub, "o-1", 3, channel)
    assert isinstance(answer, Short)
    assert [(gap.wanted, gap.available) for gap in answer.gaps] == [(3, 2)]


def test_goods_that_come_in_serve_those_who_wait_before_anybody_else(hub: Hub) -> None:
    count(hub, 0)
    agree(hub, 5)
    buy(hub, "o-1", 4)
    count(hub, 3, minutes=1)
    assert level(hub) == (-1, 1, 0)
    assert isinstance(buy(hub, "o-2", 1, None), Short)
    assert offered(hub) == 4
    count(hub, 6, minutes=2)
    assert level(hub) == (2, 0, 0)


def test_goods_that_come_in_elsewhere_are_promised_to_the_oldest_who_waits(hub: Hub) -> None:
    count(hub, 0)
    agree(hub, 5)
    buy(hub, "o-1", 2)
    buy(hub, "o-2", 3)
    count(hub, 4, location="WEST", minutes=1)
    assert level(hub) == (-1, 1, 0)
    assert level(hub, "WEST") == (0, 0, 0)
    with hub.unit_of_work() as uow:
        assert service.back_ordered(uow, ["o-1", "o-2"]) == {"o-2": {"1": 1}}


def test_what_is_lost_after_a_back_order_was_served_is_oversold_again(hub: Hub) -> None:
    count(hub, 0)
    agree(hub, 5)
    buy(hub, "o-1", 3)
    count(hub, 4, minutes=1)
    buy(hub, "o-2", 1)
    count(hub, 2, minutes=2)
    assert level(hub) == (-2, 0, 2)
    assert [one["missing"] for one in told(hub, "inventory.stock_oversold.v1")] == ["2"]


def test_only_those_whose_goods_lay_there_are_concerned_by_what_is_lost(hub: Hub) -> None:
    count(hub, 2)
    agree(hub, 5)
    buy(hub, "old", 2)
    buy(hub, "waits", 3)
    count(hub, 1, minutes=1)
    with hub.unit_of_work() as uow:
        found = service.oversell_of(uow, SKU, "MAIN")
    assert found is not None
    assert (found.missing, [(one.order_id, one.quantity) for one in found.concerned]) == (1, [("old", 1)])


def test_a_cancelled_back_order_gives_its_place_to_the_next(hub: Hub) -> None:
    count(hub, 0)
    agree(hub, 2)
    buy(hub, "o-1", 2)
    assert isinstance(buy(hub, "o-2", 1), Short)
    with hub.unit_of_work() as uow:
        service.release(uow, "o-1")
    assert level(hub) == (0, 0, 0)
    assert isinstance(buy(hub, "o-2", 1), Reserved)


def test_an_edit_may_wait_for_more_within_the_limit_and_not_beyond(hub: Hub) -> None:
    count(hub, 0)
    agree(hub, 3)
    buy(hub, "o-1", 2)
    with hub.unit_of_work() as uow:
        assert isinstance(service.adjust(uow, "o-1", wanted({SKU: 4}), channel="shop"), Short)
        assert isinstance(service.adjust(uow, "o-1", wanted({SKU: 3}), channel="shop"), Reserved)
        assert service.back_ordered(uow, ["o-1"]) == {"o-1": {"1": 3}}
        service.adjust(uow, "o-1", wanted({SKU: 1}), channel="shop")
        assert service.back_ordered(uow, ["o-1"]) == {"o-1": {"1": 1}}
    assert level(hub) == (-1, 1, 0)


def test_a_shipment_before_its_goods_were_counted_and_its_undoing_oversell_nothing(hub: Hub) -> None:
    count(hub, 0)
    agree(hub, 3)
    buy(hub, "o-1", 3)
    with hub.unit_of_work() as uow:
        service.allocate(uow, "o-1")
        assert service.consume(uow, "o-1", "1", Decimal(2), "s-1") == 0
    assert level(hub) == (-3, 3, 0)
    assert states(hub, "o-1") == {"consumed": 2, "allocated": 1}
    with hub.unit_of_work() as uow:
        service.undo_shipment(uow, "o-1", "1", "s-1")
    assert level(hub) == (-3, 3, 0)


def test_goods_on_their_way_that_are_offered_can_be_bought_and_are_awaited_where_they_come_in(hub: Hub) -> None:
    count(hub, 0)
    count(hub, 0, location="WEST")
    agree(hub, 0, inbound_days=7, inbound_confidence=Decimal(50))
    with hub.unit_of_work() as uow:
        due = uow.hub.clock.now() + timedelta(days=3)
        line = Supply(source="erp", key="po-1", sku=SKU, location="WEST", quantity=Decimal(8), due_at=due)
        service.set_supplies(uow, [line])
    assert offered(hub) == 4
    assert isinstance(buy(hub, "o-1", 3), Reserved)
    assert level(hub, "WEST") == (-3, 3, 0)
    assert offered(hub) == 1
    assert isinstance(buy(hub, "o-2", 2), Short)


def test_a_bundle_waits_for_the_parts_that_may_be_waited_for(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "POLE", 4)
        count_stock(uow, "SHEET", 0)
        service.set_bundle(uow, "TENT", {"POLE": Decimal(2), "SHEET": Decimal(1)})
        sheet = ChannelPolicy(channel="shop", pattern="SHEET", backorder_limit=Decimal(1))
        service.set_channel_policy(uow, sheet, "ann")
        tent = ChannelPolicy(channel="shop", pattern="TENT", backorder_limit=Decimal(9))
        service.set_channel_policy(uow, tent, "ann")
        assert service.offered(uow, "shop", ["TENT"])["TENT"].quantity == 1
        assert isinstance(service.reserve(uow, "o-1", wanted({"TENT": 1}), channel="shop"), Reserved)
        assert isinstance(service.reserve(uow, "o-2", wanted({"TENT": 1}), channel="shop"), Short)
        assert service.back_ordered(uow, ["o-1"]) == {"o-1": {"1": 1}}
