"""`flask product map`: a channel's SKU said to be one of ours, and what nobody has said yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.domains.product import service
from app.infra.hub import Hub
from tests.console.browser import capture, connect, set_aside, state_of
from tests.domains.product.shelves import draft
from tests.factories import a_line, an_order

pytestmark = pytest.mark.capability("PRD-3")
THEIRS = "Tent_2p"


@pytest.fixture(autouse=True)
def waiting(hub: Hub) -> list[int]:
    """A catalogue, and an order that waits for a SKU that is not in it."""
    connect(hub, "shop", "erp")
    with hub.unit_of_work() as uow:
        service.keep_many(uow, [draft("TENT-2P", title="Trail tent"), draft("MUG", title="Mug")], "ann")
    (order_id,) = capture(hub, an_order(lines=(a_line(line_id="1", sku=THEIRS, title="Tent for trails"),)))
    _, delivery, _ = set_aside(hub, f"orders:{order_id}", facts={"sku": THEIRS})
    return [delivery]


def test_a_sku_is_looked_up_mapped_and_forgotten(
    flask: Callable[..., Result], answer: Callable[..., Any], hub: Hub, waiting: list[int]
) -> None:
    (row,) = answer("product", "unmapped")
    assert (row["external"], row["channels"], row["erp"], row["waiting"]) == (THEIRS, "shop", "erp", 1)
    assert row["likely"][0] == "TENT-2P (sku)"
    said = flask("product", "map", THEIRS, "TENT-2P", "--why", "the same").output
    assert "Tent_2p is TENT-2P at shop; 1 deliveries that waited for it go on" in said
    assert state_of(hub, waiting[0]) == "due"
    assert "no order waits for a SKU" in flask("product", "unmapped").output
    (alias,) = answer("product", "aliases", "shop")
    assert (alias["external"], alias["sku"]) == (THEIRS, "TENT-2P")
    assert flask("product", "unmap", "shop", THEIRS, "--why", "a mistake").exit_code == 0
    again = flask("product", "unmap", "shop", THEIRS, "--why", "a mistake")
    assert (again.exit_code, "product.alias_unknown" in again.output) == (1, True)


def test_a_choice_that_cannot_be_is_one_sentence(flask: Callable[..., Result], hub: Hub, waiting: list[int]) -> None:
    refused = flask("product", "map", THEIRS, "GHOST")
    assert (refused.exit_code, "product.unknown" in refused.output) == (1, True)
    assert state_of(hub, waiting[0]) == "parked"
