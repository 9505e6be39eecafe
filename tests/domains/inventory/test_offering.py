"""What channels are offered: worked by hand, each figure with its terms."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domains.inventory import service
from app.domains.inventory.canonical import ChannelPolicy, Ground, Movement, MovementKind, Supply
from app.domains.inventory.policy import offers
from app.domains.inventory.queries.offering import grounds_of
from app.domains.inventory.service.recounting import compare, correct
from app.domains.inventory.service.telling import refresh
from app.infra.hub import Hub
from app.kernel.errors import Invalid
from tests.stock import MORNING, count_stock, wanted

pytestmark = pytest.mark.capability("INV-2")


def agree(hub: Hub, channel: str, **changes: Any) -> None:
    words = ("pattern",)
    given = {
        name: Decimal(value) if isinstance(value, str) and name not in words else value
        for name, value in changes.items()
    }
    with hub.unit_of_work() as uow:
        service.set_channel_policy(uow, ChannelPolicy(channel=channel, **given), "ann")


def offered(hub: Hub, sku: str, *channels: str) -> list[Decimal]:
    with hub.unit_of_work() as uow:
        found = service.offered_to(uow, channels, [sku])
    return [found[channel][sku].quantity for channel in channels]


def terms(hub: Hub, sku: str, channel: str) -> dict[str, Decimal]:
    with hub.unit_of_work() as uow:
        return {term.name: term.value for term in service.offered(uow, channel, [sku])[sku].terms}


def stock(hub: Hub, sku: str = "TEE-M", **places: int) -> None:
    with hub.unit_of_work() as uow:
        for location, quantity in places.items():
            count_stock(uow, sku, quantity, location=location)


def test_a_channel_that_agreed_nothing_sells_from_all_there_is(hub: Hub) -> None:
    stock(hub, EAST=7, WEST=3)
    assert offered(hub, "TEE-M", "shop-a", "shop-b") == [10, 10]
    with hub.unit_of_work() as uow:
        assert service.offered(uow, "shop-a", ["NEVER-SEEN"]) == {}


def test_every_term_of_an_offer_is_shown_with_its_value(hub: Hub) -> None:
    """EAST 20 − 4 reserved − 5 safety = 11, WEST 6 − 2 safety = 4, NORTH is not the channel's; inbound 10 · 50 % = 5;
    − buffer 3 = 17; 60 % is 10.2, whole 10; cap 8; back-order 2."""
    stock(hub, EAST=20, WEST=6, NORTH=50)
    with hub.unit_of_work() as uow:
        service.reserve(uow, "o-1", wanted({"TEE-M": 1}))
        uow.sql("UPDATE inventory.stock_level SET quality_hold = 3 WHERE location = 'EAST'")
        uow.sql("UPDATE inventory.availability SET available = 72, version = version + 1 WHERE sku = 'TEE-M'")
        now = uow.hub.clock.now()
        service.set_supplies(
            uow,
            [
                Supply(source="erp", key="po-1", sku="TEE-M", location="WEST", quantity=Decimal(10),
                       due_at=now + timedelta(days=3)),
                Supply(source="erp", key="po-2", sku="TEE-M", location="WEST", quantity=Decimal(99),
                       due_at=now + timedelta(days=30)),
            ],
        )  # fmt: skip
    agree(
        hub, "shop", locations=("EAST", "WEST"), safety="2", safety_at={"EAST": Decimal(5)}, buffer="3", cap="8",
        share="60", inbound_days=7, inbound_confidence="50", backorder_limit="2",
    )  # fmt: skip

    assert offered(hub, "TEE-M", "shop") == [10]
    assert terms(hub, "TEE-M", "shop") == {
        "free": 22, "safety": -7, "inbound": 5, "buffer": -3, "share in per cent": 60, "cap": 8, "allotted": 8,
        "back-order limit": 2,
    }  # fmt: skip


def test_shares_of_one_pool_are_rounded_down_and_the_rest_goes_by_priority(hub: Hub) -> None:
    stock(hub, EAST=7)
    agree(hub, "a", share="50", priority=2)
    agree(hub, "b", share="25", priority=1)
    agree(hub, "c", share="25", priority=3)
    # 3.5, 1.75 and 1.75: whole units 3, 1, 1; of the two left over b is first, then a
    assert offered(hub, "TEE-M", "a", "b", "c") == [4, 2, 1]


def test_channels_that_want_more_than_there_is_never_add_up_to_more_unless_they_overcommit(hub: Hub) -> None:
    stock(hub, EAST=10)
    agree(hub, "a", share="80", priority=1)
    agree(hub, "b", share="80", priority=2)
    assert offered(hub, "TEE-M", "a", "b") == [8, 2]
    agree(hub, "b", share="80", priority=2, overcommit=True)
    assert offered(hub, "TEE-M", "a", "b") == [8, 8]


def test_what_is_fixed_for_one_channel_is_no_longer_offered_at_another(hub: Hub) -> None:
    stock(hub, EAST=10)
    agree(hub, "market", fixed="4")
    assert offered(hub, "TEE-M", "market", "shop") == [4, 6]
    assert terms(hub, "TEE-M", "shop")["set apart for others"] == -4


def test_a_location_that_only_one_channel_may_use_is_taken_first(hub: Hub) -> None:
    stock(hub, EAST=5, WEST=5)
    agree(hub, "a", locations=("EAST", "WEST"), cap="5", priority=1)
    agree(hub, "b", locations=("EAST",), priority=2)
    assert offered(hub, "TEE-M", "a", "b") == [5, 5]


def test_a_listing_pauses_at_its_threshold(hub: Hub) -> None:
    stock(hub, EAST=3)
    agree(hub, "a", pause_at="3", overcommit=True)
    agree(hub, "b", pause_at="2", overcommit=True)
    with hub.unit_of_work() as uow:
        found = service.offered_to(uow, ["a", "b", "c"], ["TEE-M"])
    assert [found[channel]["TEE-M"].paused for channel in ("a", "b", "c")] == [True, False, False]


def test_the_most_particular_policy_holds(hub: Hub) -> None:
    stock(hub, EAST=100)
    agree(hub, "", cap="9", overcommit=True)
    agree(hub, "a", cap="8", pattern="*")
    agree(hub, "a", cap="7", pattern="TEE-*")
    assert offered(hub, "TEE-M", "a", "b") == [7, 9]
    agree(hub, "a", cap="6", pattern="TEE-M")
    assert offered(hub, "TEE-M", "a", "b") == [6, 9]


def test_a_bundle_is_as_many_whole_sets_as_its_scarcest_component_gives(hub: Hub) -> None:
    stock(hub, "TENT", EAST=5, WEST=2)
    stock(hub, "PEG", EAST=45)
    with hub.unit_of_work() as uow:
        service.set_bundle(uow, "CAMP-SET", {"TENT": Decimal(1), "PEG": Decimal(8)})
        assert service.bundles_with(uow, ["PEG"]) == {"CAMP-SET"}
    assert offered(hub, "CAMP-SET", "shop") == [5]
    agree(hub, "shop", safety="10", pattern="PEG")
    assert offered(hub, "CAMP-SET", "shop") == [4]
    assert terms(hub, "CAMP-SET", "shop") == {"sets of PEG": 4, "sets of TENT": 7, "allotted": 4}


def test_a_bundle_of_which_a_component_was_never_counted_is_offered_at_zero(hub: Hub) -> None:
    stock(hub, "TENT", EAST=5)
    with hub.unit_of_work() as uow:
        service.set_bundle(uow, "CAMP-SET", {"TENT": Decimal(1), "PEG": Decimal(8)})
    assert offered(hub, "CAMP-SET", "shop") == [0]


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"share": Decimal(101)}, "share"),
        ({"safety": Decimal(-1)}, "safety"),
        ({"safety_at": {"EAST": Decimal(-1)}}, "safety_at.EAST"),
        ({"inbound_days": -1}, "inbound_days"),
        ({"pattern": ""}, "pattern"),
        ({"channel": ""}, "overcommit"),
    ],
)
def test_a_policy_that_cannot_be_meant_names_its_field(changes: dict[str, Any], about: str) -> None:
    with pytest.raises(Invalid) as wrong:
        ChannelPolicy(**{"channel": "a", **changes})
    assert (wrong.value.code, wrong.value.about) == ("inventory.bad_policy", about)


def test_an_offer_of_nothing_is_zero_and_paused_and_never_below(hub: Hub) -> None:
    policy = ChannelPolicy(channel="a", buffer=Decimal(50))
    offer = offers("TEE-M", {"a": policy}, Ground(free={"EAST": Decimal(-4)}), MORNING)["a"]
    assert (offer.quantity, offer.paused) == (0, True)


def kept(hub: Hub, sku: str) -> dict[str, Decimal]:
    """What is kept as free at each location, which is to be what the levels say."""
    with hub.unit_of_work() as uow:
        ((places, free, known),) = uow.sql(
            "SELECT places, free_at, kept_version = version FROM inventory.availability WHERE sku = %(sku)s",
            {"sku": sku},
        ).fetchall()
        levels = dict(uow.sql("SELECT location, free FROM inventory.stock_level WHERE sku = %(sku)s", {"sku": sku}))
    assert known
    assert dict(zip(places, free, strict=True)) == levels
    return levels


def test_what_is_free_at_each_location_is_kept_and_read_from_the_levels_where_nobody_kept_it(hub: Hub) -> None:
    stock(hub, EAST=7, WEST=3)
    assert kept(hub, "TEE-M") == {"EAST": 7, "WEST": 3}
    agree(hub, "shop", locations=("WEST",))
    with hub.unit_of_work() as uow:
        service.move_many(uow, [move(1, "EAST", -2), move(2, "WEST", 2)])  # the sum stays, the channel's does not
    assert (kept(hub, "TEE-M"), offered(hub, "TEE-M", "shop")) == ({"EAST": 5, "WEST": 5}, [5])
    with hub.unit_of_work() as uow:  # as the release before this one would change it
        uow.sql("UPDATE inventory.stock_level SET damaged = 1 WHERE location = 'WEST'")
        uow.sql("UPDATE inventory.availability SET available = 9, version = version + 1")
    assert offered(hub, "TEE-M", "shop") == [4]
    with hub.unit_of_work() as uow:
        service.recount(uow)
    assert kept(hub, "TEE-M") == {"EAST": 5, "WEST": 4}


def test_a_kept_figure_that_a_statement_by_hand_spoilt_is_found_and_mended_by_the_recount(hub: Hub) -> None:
    stock(hub, EAST=7, WEST=3)
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE inventory.availability SET free_at = '{9,3}'")
        (found,) = compare(uow, ["TEE-M"])
        assert (found.location, found.field, found.ours, found.theirs) == ("EAST", "free", 9, 7)
        correct(uow, ["TEE-M"])
        assert compare(uow, ["TEE-M"]) == []
    assert kept(hub, "TEE-M") == {"EAST": 7, "WEST": 3}


def test_sums_made_by_the_database_are_what_the_locations_one_by_one_come_to(hub: Hub) -> None:
    chance = random.Random(7)
    skus = [f"SKU-{n}" for n in range(40)]
    with hub.unit_of_work() as uow:
        for sku in skus:
            for place in chance.sample(["EAST", "WEST", "NORTH", "SOUTH"], chance.randint(1, 4)):
                count_stock(uow, sku, chance.randint(0, 30), location=place)
        for sku in chance.sample(skus, 10):
            uow.sql("UPDATE inventory.stock_level SET damaged = 40, oversold = 40 - on_hand "
                    "WHERE sku = %(sku)s AND location = (SELECT min(location) FROM inventory.stock_level "
                    "WHERE sku = %(sku)s)", {"sku": sku})  # fmt: skip
        refresh(uow, skus)
    for n in range(12):
        safety_at = {"EAST": Decimal(chance.randint(0, 9))} if n % 3 else {}
        policy = ChannelPolicy(
            channel="shop", safety=Decimal(chance.randint(0, 9)), safety_at=safety_at,
            locations=tuple(chance.sample(["EAST", "WEST", "NORTH"], n % 4)), buffer=Decimal(chance.randint(0, 5)),
            share=Decimal(chance.choice([100, 60, 33])), cap=Decimal(25) if n % 2 else None,
            fixed=Decimal(7) if n % 5 == 1 else None, backorder_limit=Decimal(chance.choice([0, 3])),
            overcommit=n % 5 == 2,
        )  # fmt: skip
        with hub.unit_of_work() as uow:
            service.set_channel_policy(uow, policy, "ann")
            by_sums = service.offered(uow, "shop", skus)
            grounds, now = grounds_of(uow, skus, None), uow.hub.clock.now()
            by_places = {sku: offers(sku, {"shop": policy}, grounds[sku], now)["shop"] for sku in skus}
        assert by_sums == by_places
        assert {sku: one.terms for sku, one in by_sums.items()} == {sku: one.terms for sku, one in by_places.items()}


def move(n: int, location: str, quantity: int) -> Movement:
    return Movement(
        source="erp", key=f"m-{n}", sku="TEE-M", location=location, kind=MovementKind.TRANSFER,
        quantity=Decimal(quantity), at=MORNING + timedelta(hours=1),
    )  # fmt: skip
