"""What becomes of a reservation, quantity by quantity."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service
from app.domains.inventory.lifecycle import RESERVATION, State
from app.infra.hub import Hub
from app.kernel.errors import Invalid, Refused
from tests.stock import MORNING, count_stock, sellable, states, wanted

pytestmark = pytest.mark.capability("INV-3")
NOON = MORNING + timedelta(hours=4)


@pytest.fixture
def order(hub: Hub) -> Hub:
    """Ten TEE-M, of which order o-1 holds four."""
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10)
        service.reserve(uow, "o-1", wanted({"TEE-M": 4}))
    return hub


def test_two_shipments_of_one_line_consume_it_part_by_part(order: Hub) -> None:
    with order.unit_of_work() as uow:
        service.allocate(uow, "o-1", at=MORNING)
        assert service.consume(uow, "o-1", "1", Decimal(1), "s-1", at=NOON) == 0
    assert states(order, "o-1") == {"allocated": 3, "consumed": 1}
    with order.unit_of_work() as uow:
        assert service.consume(uow, "o-1", "1", Decimal(3), "s-2", at=NOON) == 0

    assert states(order, "o-1") == {"consumed": 4}
    assert sellable(order, "TEE-M") == 6


def test_a_shipment_that_is_told_twice_counts_once(order: Hub) -> None:
    for _ in range(2):
        with order.unit_of_work() as uow:
            service.allocate(uow, "o-1")
            assert service.consume(uow, "o-1", "1", Decimal(2), "s-1") == 0
    assert states(order, "o-1") == {"allocated": 2, "consumed": 2}


def test_a_shipment_of_more_than_was_reserved_says_how_much_more(order: Hub) -> None:
    with order.unit_of_work() as uow:
        assert service.consume(uow, "o-1", "1", Decimal(6), "s-1") == 2
    assert states(order, "o-1") == {"consumed": 4}


def test_a_line_that_is_not_tracked_ships_without_a_trace(order: Hub) -> None:
    with order.unit_of_work() as uow:
        assert service.consume(uow, "o-1", "9", Decimal(6), "s-1") == 0
    assert states(order, "o-1") == {"held": 4}


def test_an_undone_shipment_brings_its_goods_back_to_the_order(order: Hub) -> None:
    with order.unit_of_work() as uow:
        service.allocate(uow, "o-1", at=MORNING)
        service.consume(uow, "o-1", "1", Decimal(3), "s-1", at=NOON)
    for returned in (3, 0):
        with order.unit_of_work() as uow:
            assert service.undo_shipment(uow, "o-1", "1", "s-1") == returned

    assert states(order, "o-1") == {"allocated": 4}
    assert sellable(order, "TEE-M") == 6
    with order.unit_of_work() as uow:
        assert service.consume(uow, "o-1", "1", Decimal(4), "s-1") == 0


def test_a_cancelled_order_gives_back_what_has_not_left(order: Hub) -> None:
    with order.unit_of_work() as uow:
        service.allocate(uow, "o-1")
        service.consume(uow, "o-1", "1", Decimal(1), "s-1")
    for _ in range(2):
        with order.unit_of_work() as uow:
            service.release(uow, "o-1")

    assert states(order, "o-1") == {"consumed": 1, "released": 3}
    assert sellable(order, "TEE-M") == 9


def test_a_part_of_a_line_can_be_given_back(order: Hub) -> None:
    with order.unit_of_work() as uow:
        service.release(uow, "o-1", wanted({"TEE-M": 1}))
    assert states(order, "o-1") == {"held": 3, "released": 1}


def test_more_than_a_line_has_open_cannot_be_given_back(order: Hub) -> None:
    with pytest.raises(Refused, match="4 of TEE-M open, 5 cannot be released"), order.unit_of_work() as uow:
        service.release(uow, "o-1", wanted({"TEE-M": 5}))
    assert states(order, "o-1") == {"held": 4}


def test_what_the_picker_did_not_find_is_neither_promised_nor_there(order: Hub) -> None:
    for _ in range(2):
        with order.unit_of_work() as uow:
            service.allocate(uow, "o-1")
            assert service.fall_short(uow, "o-1", "1", Decimal(1), "pick-7") == 0

    assert states(order, "o-1") == {"allocated": 3, "short": 1}
    assert sellable(order, "TEE-M") == 6


def test_a_shipment_of_nothing_is_an_error(order: Hub) -> None:
    with pytest.raises(Invalid, match="give one above zero"), order.unit_of_work() as uow:
        service.consume(uow, "o-1", "1", Decimal(0), "s-1")


def test_accepting_an_order_twice_keeps_the_first_instant(order: Hub) -> None:
    for at in (MORNING, NOON):
        with order.unit_of_work() as uow:
            service.allocate(uow, "o-1", at=at)
    with order.unit_of_work() as uow:
        assert uow.sql("SELECT accepted_at FROM inventory.reservation").fetchall() == [(MORNING,)]


@pytest.mark.parametrize("state", [State.CONSUMED, State.RELEASED, State.EXPIRED, State.SHORT])
def test_what_has_ended_is_not_moved_by_a_late_message(state: State) -> None:
    assert not RESERVATION.step(state, "release").moved
    assert not RESERVATION.step(state, "allocate").moved
    with pytest.raises(Refused):
        RESERVATION.step(state, "consume")
