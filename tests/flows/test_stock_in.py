"""Stock read from the sandbox's Business Central by the real adapter, and what becomes of it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from app.domains.inventory import service as inventory
from app.flows import stock_in
from app.infra.value_maps import set_value
from app.infra.windows import open_window
from tests.flows.test_real_adapters import FiveMinutesAhead, Trade, trade
from tests.flows.test_stock_out import SKU, Shelf, set_up

__all__ = ["trade"]
PLACE = "BC"


def read_from(trade: Trade, place: str = PLACE) -> None:
    """The ERP's figures are of this place from now on."""
    with trade.crank.uow() as uow:
        uow.sql(
            "UPDATE hub.connection SET settings = settings || %(s)s::jsonb, version = version + 1 WHERE name = 'erp'",
            {"s": json.dumps({"stock_location": place})},
        )
    trade.crank.hub.connections.forget()


def poll(trade: Trade) -> None:
    """The clock comes round to the sources of stock."""
    with trade.crank.uow() as uow:
        assert open_window(uow, stock_in.WINDOW, uow.hub.clock.now())
    trade.crank.settle()


def count(trade: Trade, quantity: int, sku: str = SKU) -> None:
    """The ERP's people find so many."""
    trade.control("_business_central/count", {"number": sku, "quantity": str(quantity)})


def level(trade: Trade, what: str = "on_hand", sku: str = SKU) -> Decimal:
    statement = f"SELECT {what} FROM inventory.stock_level WHERE sku = %(sku)s AND location = %(place)s"
    rows = trade.crank.rows(statement, sku=sku, place=PLACE)
    return Decimal(rows[0][0])


def counted(trade: Trade) -> int:
    rows = trade.crank.rows("SELECT coalesce(sum(n), 0)::int FROM hub.tally WHERE name = 'stock_counted'")
    return int(rows[0][0])


@pytest.mark.capability("INV-1")
def test_everything_is_read_once_and_then_what_moved(trade: Trade) -> None:
    read_from(trade)
    count(trade, 7)
    poll(trade)
    everything = counted(trade)
    assert (level(trade), everything > 1) == (7, True)
    poll_again = counted(trade)
    count(trade, 6)
    poll(trade)
    assert (level(trade), counted(trade) - poll_again) == (6, 1)
    assert trade.cases() == []


@pytest.mark.capability("INV-8")
def test_an_order_that_the_erp_does_not_hold_yet_stays_demanded_whatever_it_counts(trade: Trade) -> None:
    """The ERP says 5, two orders of the shop are not in it: 3 is told, and 3 it stays when the first has arrived."""
    shelf = shop_of(trade)
    count(trade, 5)
    poll(trade)
    trade.crank.settle()
    assert shelf.shown() == 5
    trade.control("_faults", {"vendor": "business_central", "kind": "status", "status": 503, "match": "POST sales"})
    first, second = shelf.sell(1), shelf.sell(1)
    shelf.until_known(first)
    shelf.until_known(second)
    trade.crank.hub.clock = FiveMinutesAhead()
    count(trade, 4)
    count(trade, 5)
    poll(trade)
    assert (shelf.shown(), offered(trade)) == (3, 3)
    shelf.forgive()
    posted = "SELECT count(*) FROM orders.sales_order WHERE state = 'posted'"
    shown = set()
    trade.until(lambda: shown.add(shelf.shown()) or trade.crank.rows(posted)[0][0] == 2)
    count(trade, 6)
    count(trade, 5)
    poll(trade)
    assert shown | {shelf.shown()} == {3}
    assert offered(trade) == 3


@pytest.mark.capability("INV-1", "INV-8")
def test_goods_that_left_are_subtracted_once_whether_the_source_knows_or_not(trade: Trade) -> None:
    shelf = shop_of(trade)
    count(trade, 5)
    poll(trade)
    shelf.until_known(shelf.sell(2))
    trade.until(lambda: len(trade.books("salesOrders")) == 1)
    number = trade.books("salesOrders")[0]["number"]
    trade.control("_business_central/release", {"number": number})
    trade.control("_business_central/ship", {"number": number})
    poll(trade)
    with trade.crank.uow() as uow:
        assert open_window(uow, "erp_poll", trade.crank.hub.clock.now())
    trade.until(lambda: trade.state() == "shipped")
    assert (level(trade), offered(trade), shelf.shown()) == (3, 3, 3)
    trade.crank.hub.clock = FiveMinutesAhead()
    count(trade, 4)
    count(trade, 3)
    poll(trade)
    assert (level(trade), offered(trade), shelf.shown()) == (3, 3, 3)


@pytest.mark.capability("CM-5")
def test_an_item_goes_by_the_sku_that_it_is_mapped_to_and_not_by_two(trade: Trade) -> None:
    read_from(trade)
    with trade.crank.uow() as uow:
        set_value(uow, "erp", "item", "TENT-GREEN", SKU, "somebody")
    count(trade, 7)
    poll(trade)
    assert level(trade, sku="TENT-GREEN") == 7
    assert trade.crank.rows("SELECT FROM inventory.stock_level WHERE sku = %(s)s AND location = 'BC'", s=SKU) == []
    with trade.crank.uow() as uow:
        set_value(uow, "erp", "item", "TENT-LIME", SKU, "somebody")
    count(trade, 6)
    poll(trade)
    assert level(trade, sku="TENT-GREEN") == 7


def test_a_level_that_another_source_counts_is_left_to_it_and_is_one_case(trade: Trade) -> None:
    read_from(trade, "EAST")
    before = trade.crank.rows("SELECT on_hand FROM inventory.stock_level WHERE location = 'EAST' ORDER BY sku")
    poll(trade)
    after = trade.crank.rows("SELECT on_hand FROM inventory.stock_level WHERE location = 'EAST' ORDER BY sku")
    assert after[: len(before)] == before
    assert [case[0] for case in trade.cases()] == ["inventory.not_the_source"]


def test_a_connection_without_a_place_is_not_read(trade: Trade) -> None:
    poll(trade)
    assert counted(trade) == 0
    assert trade.crank.states(stock_in.STEP) == {}


def shop_of(trade: Trade) -> Shelf:
    """A shop that sells what the ERP counts, and nothing else."""
    read_from(trade)
    with trade.crank.uow() as uow:
        uow.sql("DELETE FROM inventory.stock_level")
    shelf = set_up(trade, PLACE)
    trade.crank.settle()
    return shelf


def offered(trade: Trade) -> Decimal:
    with trade.crank.uow() as uow:
        return inventory.offered(uow, "shop", [SKU])[SKU].quantity
