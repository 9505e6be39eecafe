"""Carts and collections: promises that end by themselves, and orders that claim them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domains.inventory import service
from app.domains.inventory.canonical import Reserved, Short
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from tests.stock import count_stock, sellable, states, told, wanted

pytestmark = pytest.mark.capability("INV-3")
HOUR = timedelta(hours=1)


def a_quote(name: str, quantity: int) -> service.Quote:
    return service.Quote(name=name, lines=tuple(wanted({"TEE-M": quantity})), lasting=HOUR)


def order_of(uow: UnitOfWork, cart: str, quantity: int) -> Reserved | Short:
    """Order o-1 of a cart."""
    lines = wanted({"TEE-M": quantity})
    return service.reserve_many(uow, [("o-1", lines)], carts={"o-1": (cart, "its checkout")})[0]


def test_a_quote_ends_when_its_time_is_up_and_its_goods_are_sold_again(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 3)
        assert isinstance(service.quote(uow, a_quote("cart-1", 2)), Reserved)
        until = uow.hub.clock.now() + 2 * HOUR
        waits = uow.sql("SELECT flow, key, name FROM hub.deadline WHERE state = 'waiting'").fetchall()
    assert waits == [("inventory", "inventory:quote:cart-1", "payment")]
    with hub.unit_of_work() as uow:
        assert service.expire_order(uow, "quote:cart-1", until)
        assert not service.expire_order(uow, "quote:cart-1", until)
    assert (sellable(hub, "TEE-M"), states(hub, "quote:cart-1")) == (3, {"expired": 2})
    assert told(hub, "inventory.stock_reserved.v1") == []


def test_an_order_takes_over_what_its_cart_was_promised_though_nothing_else_is_left(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
        service.quote(uow, a_quote("cart-1", 2))
    with hub.unit_of_work() as uow:
        assert isinstance(service.reserve(uow, "o-2", wanted({"TEE-M": 1})), Short)
    with hub.unit_of_work() as uow:
        assert isinstance(order_of(uow, "cart-1", 2), Reserved)
    assert (states(hub, "quote:cart-1"), states(hub, "o-1")) == ({"released": 2}, {"held": 2})
    with hub.unit_of_work() as uow:
        order_of(uow, "cart-1", 2)
    assert (states(hub, "o-1"), sellable(hub, "TEE-M")) == ({"held": 2}, 0)


def test_an_order_of_a_cart_that_ended_is_an_order_like_any_other(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
        assert isinstance(order_of(uow, "never", 1), Reserved)
    assert sellable(hub, "TEE-M") == 1


def test_many_carts_are_served_in_their_order_and_one_that_comes_twice_once(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 3)
        answers = service.quote_many(uow, [a_quote("a", 2), a_quote("b", 2), a_quote("a", 2), a_quote("c", 1)])
    assert [isinstance(answer, Reserved) for answer in answers] == [True, False, True, True]
    assert sellable(hub, "TEE-M") == 0


def test_an_order_that_lacks_something_gives_its_carts_goods_back_to_be_sold(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
        service.quote(uow, a_quote("cart-1", 2))
    with hub.unit_of_work() as uow:
        assert isinstance(order_of(uow, "cart-1", 3), Short)
    assert (states(hub, "quote:cart-1"), sellable(hub, "TEE-M")) == ({"released": 2}, 2)


def test_a_cart_keeps_what_its_order_does_not_name(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
        count_stock(uow, "CUP", 2)
        lines = tuple(wanted({"TEE-M": 1, "CUP": 1}))
        service.quote(uow, service.Quote(name="cart-1", lines=lines, lasting=HOUR))
    with hub.unit_of_work() as uow:
        assert isinstance(order_of(uow, "cart-1", 1), Reserved)
    assert states(hub, "quote:cart-1") == {"released": 1, "quoted": 1}
    assert (sellable(hub, "TEE-M"), sellable(hub, "CUP")) == (1, 1)
