"""Shopify's stock keeps every promise of its port, and each promise has something that breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.adapters.shopify.account import probe
from app.adapters.shopify.documents.stock import SET_LEVELS
from app.adapters.shopify.levels import level as level_of
from app.adapters.shopify.stock import MOST, ShopifyAvailability
from app.domains.inventory.ports import AvailabilitySink, Became, LevelAnswer, Levels
from app.kernel.errors import HubError, Invalid, NeedsAttention, Transient
from tests.adapters.shopify.shop import Shop, a_shop
from tests.contracts.availability_sink import AvailabilitySinkContract, level, telling

pytestmark = pytest.mark.capability("SYS-shopify")
SKUS = ("MO-TENT-2P", "MO-SCK-M")


@dataclass
class Stock:
    """A shop whose place EAST is told."""

    shop: Shop
    twin: type = ShopifyAvailability
    skus: tuple[str, str] = SKUS

    def __post_init__(self) -> None:
        (place,) = (one for one in self.shop.books("locations") if one["code"] == "EAST")
        self.place = place
        self.shop.settings["stock_location"] = str(place["id"])
        self.items = {one["sku"]: one["inventory_item_id"] for one in self.shop.books("variants")}

    @property
    def ids(self) -> tuple[str, str]:
        first, second = (str(self.items[sku]) for sku in self.skus)
        return first, second

    @property
    def port(self) -> AvailabilitySink:
        return self.twin.build(self.shop.remote, self.shop.settings)  # type: ignore[attr-defined, no-any-return]

    def level(self, sku: str) -> dict[str, Any]:
        (found,) = (
            one for one in self.shop.books("inventoryLevels")
            if (one["inventory_item_id"], one["location_id"]) == (self.items[sku], self.place["id"])
            and not one.get("_deleted")
        )  # fmt: skip
        return found

    def shown(self, sku: str) -> int:
        return int(self.level(sku)[self.shop.settings.get("stock_figure") or "available"])

    def merchant_sets(self, sku: str, quantity: int) -> None:
        given = {
            "name": self.shop.settings.get("stock_figure") or "available", "reason": "correction",
            "quantities": [
                {
                    "inventoryItemId": f"gid://shopify/InventoryItem/{self.items[sku]}", "quantity": quantity,
                    "locationId": self.place["admin_graphql_api_id"], "changeFromQuantity": None,
                }
            ],
        }  # fmt: skip
        answer = self.shop.admin(SET_LEVELS, input=given, key=f"by hand {sku} {quantity}")
        assert answer["inventorySetQuantities"]["userErrors"] == []

    def writes(self) -> int:
        """Calls that set levels; the merchant's own are not remembered by their key."""
        return len([one for one in self.shop.asked("SetLevels") if not one["key"].startswith("by hand")])

    def unstock(self, sku: str) -> None:
        self.shop.put("inventoryLevels", {**self.level(sku), "_deleted": True})

    def list_twice(self, sku: str) -> None:
        (variant,) = (one for one in self.shop.books("variants") if one["sku"] == sku)
        self.shop.put("variants", {**variant, "id": variant["id"] + 7, "inventory_item_id": 987654321})

    def forget_place(self) -> None:
        self.shop.settings["stock_location"] = ""

    def throttle(self) -> None:
        self.shop.limit(maximum=5, restore=50)

    def lose_answer(self, *, after_effect: bool) -> None:
        self.shop.fault("drop_after" if after_effect else "drop_before", "mutation inventorySetQuantities")

    def lock_out(self) -> None:
        self.shop.settings["access_token"] = "revoked"


class TestAvailability(AvailabilitySinkContract):
    @pytest.fixture(params=["available", "on_hand"])
    def bench(self, request: pytest.FixtureRequest) -> Iterator[Stock]:
        with a_shop(stock_figure=request.param) as shop:
            yield Stock(shop)


class Overwrites(ShopifyAvailability):
    """Sets its figure over whatever stands there."""

    def tell(self, levels: Levels) -> tuple[LevelAnswer, ...]:
        return super().tell(replace(levels, levels=tuple(replace(one, expected=None) for one in levels.levels)))


class OneByOne(ShopifyAvailability):
    """A call for each level."""

    def tell(self, levels: Levels) -> tuple[LevelAnswer, ...]:
        return tuple(
            answer
            for one in levels.levels
            for answer in super(OneByOne, self).tell(replace(levels, levels=(one,), key=f"{levels.key}{one.sku}"))
        )


class AllOrNothing(ShopifyAvailability):
    """Gives up where one level cannot be set."""

    def tell(self, levels: Levels) -> tuple[LevelAnswer, ...]:
        answers = super().tell(levels)
        if any(answer.became is not Became.SET for answer in answers):
            raise NeedsAttention("shopify.stock", "not all could be set")
        return answers


class TakesTheFirst(ShopifyAvailability):
    """Takes the first item with a SKU, and the first place."""

    def listed(self, skus: Any, place: str) -> dict[str, dict[str, int | None]]:
        return {sku: dict(list(items.items())[:1]) for sku, items in super().listed(skus, place).items()}

    def _place(self) -> str:
        return super()._place() if self.location else "gid://shopify/Location/1"


class CallsEverythingTransient(ShopifyAvailability):
    """Sees no difference between a lost answer, a dead token and a busy shop."""

    def tell(self, levels: Levels) -> tuple[LevelAnswer, ...]:
        try:
            return super().tell(levels)
        except HubError as error:
            raise Transient(error.code, error.message) from None


CAUGHT_BY: dict[type, set[str]] = {
    Overwrites: {"test_what_somebody_else_set_is_told_and_not_overwritten"},
    OneByOne: {"test_several_levels_are_set_by_one_call"},
    AllOrNothing: {
        "test_what_the_channel_does_not_list_is_said_and_keeps_no_other_back",
        "test_what_somebody_else_set_is_told_and_not_overwritten",
    },
    TakesTheFirst: {"test_a_sku_that_is_listed_twice_is_for_a_person", "test_which_place_is_meant_is_not_guessed"},
    CallsEverythingTransient: {
        "test_an_unanswered_call_may_be_repeated_and_is_one_effect",
        "test_being_throttled_says_when_to_come_back",
        "test_dead_credentials_pause_the_connection",
        "test_which_place_is_meant_is_not_guessed",
    },
}


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    assert {name for name in CAUGHT_BY[twin] if _fails(twin, name)} == CAUGHT_BY[twin]


def _fails(twin: type, name: str) -> bool:
    given = {"after_effect": True} if "unanswered" in name else {}
    with a_shop(stock_figure="available") as shop:
        try:
            getattr(AvailabilitySinkContract(), name)(Stock(shop, twin), **given)
        except (HubError, AssertionError, pytest.fail.Exception):
            return True
    return False


def test_a_call_takes_as_many_levels_as_an_input_list_may_have() -> None:
    with a_shop(stock_figure="available") as shop:
        assert Stock(shop).port.most == MOST == 250


def test_the_older_version_is_spoken_too() -> None:
    with a_shop(stock_figure="available", api_version="2026-04") as shop:
        bench = Stock(shop)
        bench.port.tell(telling(level(SKUS[0], 3)))
        assert bench.shown(SKUS[0]) == 3


def test_a_level_is_read_as_the_vendor_writes_it(contracts: Any) -> None:
    sample = json.loads((contracts / "shopify/python-sdk-fixtures/inventory_levels.json").read_text())
    read = [level_of(one) for one in sample["inventory_levels"]]
    assert [(one.external_id, one.place, one.available) for one in read][:2] == [
        ("39072856", "487838322", 27), ("808950810", "905684977", 1),
    ]  # fmt: skip
    assert read[0].at.isoformat() == "2018-05-07T19:33:38+00:00"
    with pytest.raises(Invalid):
        level_of({**sample["inventory_levels"][0], "available": None})


def test_a_connection_test_asks_for_the_rights_that_stock_needs_only_where_it_is_told() -> None:
    for figure, passed in (("", True), ("available", False)):
        with a_shop(stock_figure=figure) as shop:
            shop.post("/_shopify/scopes", {"scopes": ["write_orders", "read_customers", "read_all_orders",
                                                      "write_merchant_managed_fulfillment_orders"]})  # fmt: skip
            (scopes,) = (one for one in probe(shop.remote, shop.settings) if one.name == "scopes")
            assert scopes.passed is passed
            assert ("write_inventory" in scopes.said) is not passed


@pytest.mark.capability("INV-5")
class TestSeveralPlaces:
    """Levels with parts: each place is set over what stands there, and their sum is what was expected."""

    @pytest.fixture
    def bench(self) -> Iterator[Stock]:
        with a_shop(stock_figure="available") as shop:
            yield Stock(shop)

    def places(self, bench: Stock) -> dict[str, str]:
        return {one["code"]: str(one["id"]) for one in bench.shop.books("locations")}

    def shown(self, bench: Stock, sku: str) -> dict[str, int]:
        codes = {int(number): code for code, number in self.places(bench).items()}
        return {
            codes[one["location_id"]]: one["available"]
            for one in bench.shop.books("inventoryLevels")
            if one["inventory_item_id"] == bench.items[sku] and not one.get("_deleted")
        }

    def told(self, bench: Stock, sku: str, expected: int | None, *, key: str = "k", **parts: int) -> LevelAnswer:
        ids = self.places(bench)
        spread = tuple((ids[code], quantity) for code, quantity in parts.items())
        wanted = replace(level(sku, sum(parts.values()), expected), parts=spread)
        (answer,) = bench.port.tell(telling(wanted, key=key))
        return answer

    def test_each_place_is_set_by_one_call_and_what_stands_so_costs_none(self, bench: Stock) -> None:
        sku = SKUS[0]
        before = self.shown(bench, sku)
        assert self.told(bench, sku, None, EAST=7, WEST=3).became is Became.SET
        assert self.shown(bench, sku) == {**before, "EAST": 7, "WEST": 3}
        assert bench.writes() == 1
        again = self.told(bench, sku, 10, key="k2", EAST=7, WEST=3)
        assert (again.became, again.external_id, bench.writes()) == (Became.SET, str(bench.items[sku]), 1)
        assert self.told(bench, sku, 10, key="k3", EAST=2, WEST=8).became is Became.SET  # goods moved between them
        assert self.shown(bench, sku) == {**before, "EAST": 2, "WEST": 8}

    def test_a_sum_that_was_not_expected_is_stale_and_nothing_is_set(self, bench: Stock) -> None:
        sku = SKUS[0]
        self.told(bench, sku, None, EAST=7, WEST=3)
        bench.merchant_sets(sku, 5)
        answer = self.told(bench, sku, 10, key="k2", EAST=6, WEST=3)
        assert (answer.became, answer.found, bench.writes()) == (Became.STALE, 8, 1)

    def test_an_item_is_stocked_at_a_place_where_it_never_was_and_one_that_is_not_listed_is_said(
        self, bench: Stock
    ) -> None:
        sku = SKUS[1]
        bench.unstock(sku)
        assert self.told(bench, sku, None, EAST=4, WEST=1).became is Became.SET
        shown = self.shown(bench, sku)
        assert (shown["EAST"], shown["WEST"]) == (4, 1)
        assert self.told(bench, "NO-SUCH", None, EAST=1).became is Became.UNLISTED

    def test_an_answer_that_was_lost_is_one_effect(self, bench: Stock) -> None:
        sku = SKUS[0]
        bench.lose_answer(after_effect=True)
        with pytest.raises(HubError):
            self.told(bench, sku, None, EAST=7, WEST=3)
        assert self.told(bench, sku, None, EAST=7, WEST=3).became is Became.SET
        assert (self.shown(bench, sku)["EAST"], self.shown(bench, sku)["WEST"]) == (7, 3)
