"""Stock told to the sandbox's shop by the real adapter: once, newest, and never what the shop has sold already."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.shopify.documents.stock import SET_LEVELS
from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import ChannelPolicy
from app.domains.inventory.events import LevelsDue
from app.domains.product import service as products
from app.flows import availability, mapping, sku_mapping
from app.flows.runtime import Told as ToldOf
from app.infra.ids import new_id
from app.infra.uow import Trail
from app.infra.value_maps import Word
from app.infra.windows import open_window
from tests.domains.product.shelves import draft
from tests.flows.test_real_adapters import Trade, trade

__all__ = ["trade"]
SKU = "MO-TENT-2P"


@dataclass
class Shelf:
    """One SKU at one place of the hub, and the shop that sells it."""

    trade: Trade
    place: dict[str, Any]
    item: int

    def count(self, quantity: int, sku: str = SKU) -> None:
        """The source counts anew."""
        with self.trade.crank.uow() as uow:
            now = uow.hub.clock.now()
            inventory.set_snapshot(uow, "demo-warehouse", sku, "EAST", Decimal(quantity), now)

    def shown(self) -> int:
        """What the shop may sell of it."""
        (level,) = (
            one for one in self.trade.books("inventoryLevels")
            if (one["inventory_item_id"], one["location_id"]) == (self.item, self.place["id"])
        )  # fmt: skip
        return int(level["available"])

    def told(self) -> int:
        """How often the shop was asked to set a level."""
        rows = self.trade.crank.rows("SELECT coalesce(sum(n), 0)::int FROM hub.tally WHERE name = 'stock_told'")
        return int(rows[0][0])

    def lose_orders(self) -> None:
        """The shop's webhooks about orders do not arrive any more."""
        self.trade.control("_faults", {"vendor": "webhooks", "kind": "lose", "match": "orders/"})

    def sell(self, quantity: int) -> dict[str, Any]:
        placed: dict[str, Any] = self.trade.control(
            "_shopify/orders", {"lines": [{"sku": SKU, "quantity": quantity}], "location": "EAST"}
        )
        return placed

    def forgive(self) -> None:
        """Whatever was wrong is over."""
        self.trade.http.request("DELETE", f"{self.trade.sandbox}/_faults")

    def redeliver(self, order: dict[str, Any]) -> None:
        """The lost webhook comes after all."""
        self.forgive()
        self.trade.control("_shopify/webhooks/emit", {"topic": "orders/create", "order_id": order["id"]})

    def merchant_sets(self, quantity: int) -> None:
        """Somebody types another figure into the shop's admin."""
        given = {
            "name": "available", "reason": "correction",
            "quantities": [
                {
                    "inventoryItemId": f"gid://shopify/InventoryItem/{self.item}", "quantity": quantity,
                    "locationId": self.place["admin_graphql_api_id"], "changeFromQuantity": None,
                }
            ],
        }  # fmt: skip
        body = {"query": SET_LEVELS, "variables": {"input": given, "key": f"by hand {quantity}"}}
        answer = self.trade.http.request(
            "POST", f"{self.trade.sandbox}/shopify/admin/api/2026-10/graphql.json", json=body,
            headers={"X-Shopify-Access-Token": "sandbox-shop-token"},
        )  # fmt: skip
        assert answer.json()["data"]["inventorySetQuantities"]["userErrors"] == []

    def later(self) -> None:
        """A quarter of an hour goes by, and the window opens."""
        with self.trade.crank.uow() as uow:
            uow.sql(
                "UPDATE inventory.channel_level SET found_at = found_at - interval '15 min', "
                "owed_since = owed_since - interval '15 min'"
            )
            assert open_window(uow, availability.SWEEP, uow.hub.clock.now())

    def ended(self, code: str) -> int:
        return int(self.trade.crank.rows("SELECT count(*) FROM hub.delivery WHERE code = %(c)s", c=code)[0][0])

    def until_echoed(self) -> None:
        """The shop has told the hub of the hub's own write: what it tells has instants of whole seconds alone."""
        self.trade.until(lambda: self.ended("inventory.level_echo") > 0)

    def until_known(self, order: dict[str, Any]) -> None:
        """The order arrives, and what it changes is told."""
        statement = "SELECT FROM orders.sales_order WHERE external_id = %(id)s AND state <> 'captured'"
        given = {"id": str(order["id"])}
        self.trade.until(lambda: bool(self.trade.crank.rows(statement, **given)) and not self.waiting())

    def sell_unheard(self, quantity: int) -> None:
        """The shop sells, and its webhook is late."""
        self.lose_orders()
        self.sell(quantity)
        self.forgive()

    def die_after_the_call(self, *, called: bool = True) -> None:
        """A worker commits its plan, calls or not, and is never heard of again; nothing is recorded."""
        crank = self.trade.crank
        told = ToldOf(
            fact=LevelsDue(channel="shop"), trail=Trail(correlation_id=new_id()), event_id=7, delivery_id=7,
            connection="shop",
        )  # fmt: skip
        for place in crank.ready():  # what changed becomes due, and nobody is told yet
            if not place.connection:
                crank.drain.run(place)
        with crank.uow() as uow:
            plan = availability.plan_telling(uow, told)
            shop = crank.hub.connections.get(uow.session, "shop")
        assert plan is not None
        if called:
            availability.call_telling(shop, plan)

    def row(self, what: str, sku: str = SKU) -> Any:
        return self.trade.crank.rows(f"SELECT {what} FROM inventory.channel_level WHERE sku = %(sku)s", sku=sku)[0][0]

    def waiting(self) -> int:
        return int(self.trade.crank.rows("SELECT count(*) FROM inventory.channel_level WHERE wanted > done")[0][0])


def set_up(trade: Trade, place_name: str = "EAST", **settings: object) -> Shelf:
    (place,) = (one for one in trade.books("locations") if one["code"] == "EAST")
    (variant,) = (one for one in trade.books("variants") if one["sku"] == SKU)
    with trade.crank.uow() as uow:
        given = {"stock_figure": "available", "stock_location": str(place["id"]), **settings}
        uow.sql(
            "UPDATE hub.connection SET settings = settings || %(s)s::jsonb, version = version + 1 WHERE name = 'shop'",
            {"s": json.dumps(given)},
        )
        inventory.set_channel_policy(uow, ChannelPolicy(channel="shop", locations=(place_name,)), "test")
    trade.crank.hub.connections.forget()
    return Shelf(trade=trade, place=place, item=variant["inventory_item_id"])


@pytest.fixture
def shelf(trade: Trade) -> Shelf:
    found = set_up(trade)
    trade.crank.settle()
    return found


@pytest.mark.capability("INV-5")
def test_a_change_of_stock_stands_at_the_shop(shelf: Shelf) -> None:
    shelf.count(5)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.waiting(), shelf.row("state")) == (5, 0, "live")


@pytest.mark.capability("RT-10", "INV-5")
def test_ten_changes_are_told_once_and_an_unchanged_figure_is_not_told(shelf: Shelf) -> None:
    before = shelf.told()
    for quantity in range(20, 10, -1):
        shelf.count(quantity)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.told() - before) == (11, 1)
    shelf.count(12)
    shelf.count(11)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.told() - before, shelf.waiting()) == (11, 1, 0)


@pytest.mark.capability("INV-5")
def test_a_listing_stops_at_its_threshold_and_sells_again_above_it(shelf: Shelf) -> None:
    with shelf.trade.crank.uow() as uow:
        policy = ChannelPolicy(channel="shop", pattern=SKU, locations=("EAST",), pause_at=Decimal(2))
        inventory.set_channel_policy(uow, policy, "test")
    shelf.count(2)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("state")) == (0, "paused")
    shelf.count(3)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("state")) == (3, "live")


@pytest.mark.capability("INV-8")
def test_what_the_shop_sold_and_the_hub_does_not_know_yet_is_not_given_back(shelf: Shelf) -> None:
    shelf.count(10)
    shelf.trade.crank.settle()
    shelf.lose_orders()
    shelf.sell(2)  # its webhook is lost
    assert shelf.shown() == 8
    shelf.count(9)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("owed")) == (7, 2)


@pytest.mark.capability("INV-8")
def test_two_orders_on_their_way_are_subtracted_and_none_of_them_twice(shelf: Shelf) -> None:
    """The source says 5, the shop sold one twice: 3 is told, and 3 it stays whichever of them arrives when."""
    shelf.count(10)
    shelf.trade.crank.settle()
    shelf.lose_orders()
    orders = [shelf.sell(1), shelf.sell(1)]
    shelf.count(5)
    shelf.trade.crank.settle()
    assert shelf.shown() == 3
    for order in orders:
        shelf.redeliver(order)
        shelf.until_known(order)
        assert shelf.shown() == 3
    assert shelf.row("owed") == 0
    with shelf.trade.crank.uow() as uow:
        assert inventory.offered(uow, "shop", [SKU])[SKU].quantity == 3


@pytest.mark.capability("INV-8", "INV-5")
def test_an_order_that_both_know_needs_no_telling(shelf: Shelf) -> None:
    shelf.count(10)
    shelf.trade.crank.settle()
    before = shelf.told()
    shelf.until_known(shelf.sell(2))
    assert (shelf.shown(), shelf.told() - before) == (8, 0)


@pytest.mark.capability("CM-8")
def test_what_the_hub_set_itself_comes_back_and_has_no_effect(shelf: Shelf) -> None:
    before = shelf.told()
    shelf.count(5)
    shelf.trade.until(lambda: shelf.ended("inventory.level_echo") > 0)
    assert (shelf.shown(), shelf.row("found"), shelf.told() - before, shelf.waiting()) == (5, None, 1, 0)


@pytest.mark.capability("CM-8", "INV-7")
def test_a_figure_that_the_merchant_set_is_found_and_set_right_when_no_order_explains_it(shelf: Shelf) -> None:
    shelf.count(5)
    shelf.trade.crank.settle()
    shelf.until_echoed()
    shelf.merchant_sets(9)
    shelf.trade.until(lambda: shelf.row("found") == 9)
    assert shelf.shown() == 9
    shelf.later()
    shelf.trade.crank.settle()
    assert shelf.shown() == 5
    drifts = shelf.trade.crank.rows("SELECT sku, ours, theirs, state FROM inventory.drift WHERE kind = 'channel'")
    assert drifts == [(SKU, 5, 9, "corrected")]


@pytest.mark.capability("INV-8")
def test_what_nothing_explains_is_owed_no_longer_than_its_time(shelf: Shelf) -> None:
    shelf.count(10)
    shelf.trade.crank.settle()
    shelf.until_echoed()
    shelf.merchant_sets(6)
    shelf.trade.until(lambda: shelf.row("found") == 6)
    shelf.count(9)
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("owed")) == (5, 4)
    shelf.later()
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("owed")) == (9, 0)


def test_a_sku_that_the_shop_does_not_list_is_counted_and_asked_for_once_an_hour(shelf: Shelf) -> None:
    shelf.count(3, "NOT-THERE")
    shelf.trade.crank.settle()
    assert (shelf.row("state", "NOT-THERE"), shelf.waiting()) == ("unlisted", 0)
    looked = shelf.row("looked_at", "NOT-THERE")
    shelf.count(4, "NOT-THERE")
    shelf.trade.crank.settle()
    assert (shelf.row("looked_at", "NOT-THERE"), shelf.waiting()) == (looked, 0)
    assert shelf.trade.cases() == []


def test_without_a_location_nothing_is_guessed_and_all_is_told_once_it_is_named(trade: Trade) -> None:
    shelf = set_up(trade, stock_location="")
    shelf.count(5)
    trade.crank.settle()
    assert [case[0] for case in trade.cases()] == ["inventory.location_unmapped"]
    set_up(trade)
    shelf.count(6)
    trade.crank.settle()
    assert shelf.shown() == 6
    assert shelf.waiting() == 0


@pytest.mark.capability("INV-8")
def test_where_goods_on_hand_are_told_the_shop_subtracts_its_orders_itself(trade: Trade) -> None:
    shelf = set_up(trade, stock_figure="on_hand")
    shelf.count(10)
    trade.crank.settle()
    shelf.until_known(shelf.sell(3))
    assert (shelf.shown(), shelf.row("sent")) == (7, 10)


@pytest.mark.capability("INV-5", "RT-3")
@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_an_answer_that_is_lost_leaves_the_newest_figure_there(shelf: Shelf, kind: str) -> None:
    shelf.count(10)
    shelf.trade.crank.settle()
    shelf.trade.control("_faults", {"vendor": "shopify", "match": "mutation inventorySet", "kind": kind, "times": 1})
    shelf.count(6)
    shelf.trade.crank.settle()
    shelf.count(5)
    shelf.trade.until(lambda: not shelf.waiting())
    assert (shelf.shown(), shelf.row("owed"), shelf.row("trying")) == (5, 0, None)


@pytest.mark.capability("INV-5", "RT-3")
def test_a_worker_that_dies_between_the_call_and_its_record_loses_nothing(shelf: Shelf) -> None:
    shelf.count(10)
    shelf.trade.crank.settle()
    shelf.count(6)
    shelf.die_after_the_call()
    assert shelf.shown() == 6
    shelf.sell_unheard(2)  # it stands at 4 now, as if the call had never been made from 4
    shelf.count(7)
    shelf.trade.until(lambda: not shelf.waiting())
    assert (shelf.shown(), shelf.row("sent"), shelf.row("owed")) == (5, 5, 2)


def test_a_worker_that_dies_before_the_call_is_made_leaves_the_newest_to_the_next(shelf: Shelf) -> None:
    shelf.count(10)
    shelf.trade.crank.settle()
    shelf.count(6)
    shelf.die_after_the_call(called=False)
    assert shelf.shown() == 10
    shelf.count(7)
    shelf.trade.until(lambda: not shelf.waiting())
    assert (shelf.shown(), shelf.row("owed")) == (7, 0)


@pytest.mark.capability("PRD-3", "INV-5")
def test_stock_is_told_under_the_channels_own_word_for_the_sku(shelf: Shelf) -> None:
    with shelf.trade.crank.uow() as uow:
        products.keep_many(uow, [draft("TENT", status="active")], "anna")
    shelf.count(5)
    shelf.count(3, "TENT")
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("state", "TENT")) == (5, "unlisted")
    with shelf.trade.crank.uow() as uow:
        sku_mapping.map_sku(uow, SKU, "TENT", "anna", channels=["shop"])
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("state", "TENT"), shelf.row("state")) == (3, "live", "unlisted")
    with shelf.trade.crank.uow() as uow:
        sku_mapping.forget_sku(uow, "shop", SKU, "anna")
    shelf.trade.crank.settle()
    assert (shelf.shown(), shelf.row("state", "TENT"), shelf.row("state")) == (5, "unlisted", "live")


@pytest.mark.capability("INV-5", "CM-5")
def test_stock_by_location_stands_at_each_place_of_the_shop_and_an_unmapped_one_is_a_case(trade: Trade) -> None:
    shelf = set_up(trade, stock_by_location=True, stock_location="")
    crank = trade.crank
    ids = {one["code"]: one["id"] for one in trade.books("locations")}

    def shown() -> dict[str, int]:
        codes = {number: code for code, number in ids.items()}
        return {
            codes[one["location_id"]]: one["available"]
            for one in trade.books("inventoryLevels") if one["inventory_item_id"] == shelf.item
        }  # fmt: skip

    def lies(location: str, quantity: int) -> None:
        with crank.uow() as uow:
            inventory.set_snapshot(uow, "demo-warehouse", SKU, location, Decimal(quantity), uow.hub.clock.now())
        crank.settle()

    with crank.uow() as uow:
        everywhere = ChannelPolicy(channel="shop", locations=("EAST", "BACKROOM", "ATTIC"))
        inventory.set_channel_policy(uow, everywhere, "test")
        words = [("EAST", "EAST"), ("BACKROOM", "WEST")]
        mapping.map_values(
            uow, "shop", [Word(kind="location", source=ours, target=str(ids[theirs])) for ours, theirs in words], "ann"
        )
    lies("EAST", 6)
    lies("BACKROOM", 3)
    assert (shown()["EAST"], shown()["WEST"]) == (6, 3)
    lies("ATTIC", 4)
    about = "SELECT about FROM hub.exception_case WHERE code = 'inventory.location_unmapped' AND state = 'new'"
    assert crank.rows(about) == [("location ATTIC",)]
    with crank.uow() as uow:
        word = Word(kind="location", source="ATTIC", target=f"gid://shopify/Location/{ids['WEST']}")
        assert mapping.map_values(uow, "shop", [word], "ann").gaps == 1
    crank.settle()
    assert (shown()["EAST"], shown()["WEST"], crank.rows(about)) == (6, 7, [])
