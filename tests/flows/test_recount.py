"""The nightly recount: page by page, one case for each book that differs."""

from __future__ import annotations

import pytest

from app.infra.windows import open_window
from tests.flows.conftest import MORNING, Story

pytestmark = pytest.mark.capability("INV-7")


def night(story: Story, n: int) -> list[tuple[str, dict[str, int]]]:
    with story.crank.uow() as uow:
        assert open_window(uow, "stock_recount", MORNING.replace(hour=n))
    story.settle()
    return story.crank.rows("SELECT outcome, facts FROM hub.window_run ORDER BY instant DESC LIMIT 1")


def test_a_counter_that_was_changed_by_hand_is_a_case_by_morning_and_gone_once_it_is_right(story: Story) -> None:
    story.stock(TENT_2P_GRN=5, MUG=3)
    assert night(story, 1) == [("done", {"skus": 2, "differences": 0})]
    assert "inventory.drift" not in story.cases()
    with story.crank.uow() as uow:
        uow.sql("UPDATE inventory.stock_level SET on_hand = on_hand + 1 WHERE sku = 'MUG'")
    assert night(story, 2) == [("done", {"skus": 2, "differences": 2})]
    assert story.cases()["inventory.drift"] == "the ledger"
    with story.crank.uow() as uow:
        uow.sql("UPDATE inventory.stock_level SET on_hand = on_hand - 1 WHERE sku = 'MUG'")
    assert night(story, 3) == [("done", {"skus": 2, "differences": 0})]
    assert "inventory.drift" not in story.cases()
