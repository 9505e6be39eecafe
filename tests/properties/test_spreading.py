"""What a channel is offered in all, spread over its places."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.inventory.policy.spreading import spread

PLACES = st.dictionaries(st.sampled_from("ABCDEF"), st.decimals(-5, 500, places=2), min_size=1)


@pytest.mark.capability("INV-5")
@given(total=st.integers(0, 2000), lying=PLACES)
def test_every_unit_is_at_one_place_and_no_place_has_more_than_lies_there_while_others_have_room(
    total: int, lying: dict[str, Decimal]
) -> None:
    parts = spread(total, lying)
    assert (sum(parts.values()), parts.keys()) == (total, lying.keys())
    whole = {place: int(max(Decimal(0), quantity)) for place, quantity in lying.items()}
    beyond = [place for place in parts if parts[place] > whole[place]]
    assert min(parts.values()) >= 0
    assert len(beyond) == (1 if total > sum(whole.values()) else 0)
    assert spread(total, dict(reversed(lying.items()))) == parts


@pytest.mark.capability("INV-5")
def test_worked_figures() -> None:
    assert spread(10, {"EAST": Decimal(6), "WEST": Decimal(4)}) == {"EAST": 6, "WEST": 4}
    assert spread(5, {"EAST": Decimal(6), "WEST": Decimal(4)}) == {"EAST": 3, "WEST": 2}
    assert spread(1, {"EAST": Decimal(4), "WEST": Decimal(6)}) == {"EAST": 0, "WEST": 1}
    assert spread(13, {"EAST": Decimal(6), "WEST": Decimal(4)}) == {"EAST": 9, "WEST": 4}
    assert spread(2, {"EAST": Decimal(0), "WEST": Decimal(0)}) == {"EAST": 2, "WEST": 0}
