"""What is taken back is taken back once, by its number, whether its word comes before, after or twice."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from tests.flows.conftest import Story
from tests.flows.test_shipments import posted, report

# An ERP undoes a shipment by its number: its lines come to nothing.
LEFT = report("S-1", (1000, "3"), (2000, "2"))
TAKEN_BACK = report(
    "S-1", (1000, "3"), (2000, "2"), (1000, "-3"), (2000, "-2")
)  # as an ERP undoes: the same number, to nothing


def told(story: Story, *reports: dict[str, Any]) -> None:
    for one in reports:
        story.call_back("shipments", one)
        story.settle()


@pytest.mark.capability("RT-11", "RT-4", "ORD-7")
@pytest.mark.parametrize("order", sorted(set(permutations(("left", "back", "back")))), ids="-".join)
def test_a_shipment_and_its_undoing_end_alike_in_any_order_and_however_often(
    story: Story, order: tuple[str, ...]
) -> None:
    posted(story)
    told(story, *({"left": LEFT, "back": TAKEN_BACK}[one] for one in order))
    assert story.state() == "posted"
    assert story.reserved() == {"allocated": Decimal(5)}
    assert story.cases() == {}
    assert len(story.shop.undone) == (1 if order[0] == "left" else 0)  # what the channel never saw is not undone there
    assert len(story.shop.shown) == (1 if order[0] == "left" else 0)


@pytest.mark.capability("RT-11", "ORD-7")
def test_a_shipment_of_what_was_taken_back_is_another_one(story: Story) -> None:
    posted(story)
    told(story, LEFT, TAKEN_BACK, LEFT | {"shipment_number": "S-2"}, TAKEN_BACK)
    assert (story.state(), story.reserved()) == ("shipped", {"consumed": Decimal(5)})
