"""Bundles are sold from their components' stock, the same that single sales draw on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domains.inventory import service
from app.domains.inventory.canonical import Reserved, Short, Wanted
from app.infra.hub import Hub
from app.kernel.errors import Invalid
from tests.stock import count_stock, sellable, states, wanted

pytestmark = pytest.mark.capability("INV-2", "INV-3")


@pytest.fixture
def shop(hub: Hub) -> Hub:
    """Three tents and twenty pegs; a camp set is one tent and eight pegs."""
    with hub.unit_of_work() as uow:
        count_stock(uow, "TENT", 3)
        count_stock(uow, "PEG", 20)
        service.set_bundle(uow, "CAMP-SET", {"TENT": Decimal(1), "PEG": Decimal(8)})
    return hub


def test_a_bundle_reserves_its_components(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        answer = service.reserve(uow, "o-1", wanted({"CAMP-SET": 2}))
    assert isinstance(answer, Reserved)
    assert {(held.line_id, held.sku, held.quantity) for held in answer.held} == {("1", "TENT", 2), ("1", "PEG", 16)}
    assert (sellable(shop, "TENT"), sellable(shop, "PEG")) == (1, 4)


def test_bundles_and_single_items_of_one_order_are_added_up(shop: Hub) -> None:
    lines = wanted({"CAMP-SET": 2, "PEG": 5})
    with shop.unit_of_work() as uow:
        answer = service.reserve(uow, "o-1", lines)
    assert isinstance(answer, Short)
    assert [(gap.sku, gap.wanted, gap.available) for gap in answer.gaps] == [("PEG", 21, 20)]
    assert (sellable(shop, "TENT"), sellable(shop, "PEG")) == (3, 20)


def test_a_shipment_of_bundles_takes_their_components(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        service.reserve(uow, "o-1", wanted({"CAMP-SET": 2}))
        service.allocate(uow, "o-1")
    for _ in range(2):
        with shop.unit_of_work() as uow:
            assert service.consume(uow, "o-1", "1", Decimal(1), "s-1") == 0
    assert states(shop, "o-1") == {"consumed": 9, "allocated": 9}
    with shop.unit_of_work() as uow:
        assert service.consume(uow, "o-1", "1", Decimal(2), "s-2") == 1
        assert service.undo_shipment(uow, "o-1", "1", "s-1") == 9
    assert states(shop, "o-1") == {"consumed": 9, "allocated": 9}


def test_an_edit_gives_whole_bundles_back(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        service.reserve(uow, "o-1", wanted({"CAMP-SET": 2}))
        service.adjust(uow, "o-1", wanted({"CAMP-SET": 1}))
    assert (sellable(shop, "TENT"), sellable(shop, "PEG")) == (2, 12)
    with shop.unit_of_work() as uow:
        service.release(uow, "o-1", [Wanted(line_id="1", sku="CAMP-SET", quantity=Decimal(1))])
    assert (sellable(shop, "TENT"), sellable(shop, "PEG")) == (3, 20)


def test_what_was_sold_stays_what_it_was_when_the_bundle_changes(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        service.reserve(uow, "o-1", wanted({"CAMP-SET": 1}))
        service.set_bundle(uow, "CAMP-SET", {"TENT": Decimal(1), "PEG": Decimal(10)})
        assert service.consume(uow, "o-1", "1", Decimal(1), "s-1") == 0
    assert states(shop, "o-1") == {"consumed": 9}


def test_a_bundle_in_a_bundle_or_of_nothing_is_refused(shop: Hub) -> None:
    for bundle, parts in (("BIG", {"CAMP-SET": 1}), ("TENT", {"PEG": 1}), ("LOOP", {"LOOP": 1}), ("NIL", {"PEG": 0})):
        with pytest.raises(Invalid) as wrong, shop.unit_of_work() as uow:
            service.set_bundle(uow, bundle, {sku: Decimal(quantity) for sku, quantity in parts.items()})
        assert wrong.value.code == "inventory.bad_bundle"
