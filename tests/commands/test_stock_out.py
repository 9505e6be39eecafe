"""`flask stock-out`: how far channels are, what they were told, and having it told or read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub
from tests.console.test_stock_out import tell

pytestmark = pytest.mark.capability("INV-5")


def test_a_channel_is_shown_and_told_anew(answer: Callable[..., Any], hub: Hub) -> None:
    assert answer("stock-out", "status") == []
    tell(hub)
    (found,) = answer("stock-out", "status")
    assert [found[name] for name in ("channel", "skus", "waiting", "newest", "unlisted", "refused")] == [
        "shop", 4, 1, 1, 1, 1
    ]  # fmt: skip
    assert answer("stock-out", "push", "shop", "--sku", "TENT")["due"] == 1
    (level,) = answer("stock-out", "show", "shop", "TENT")
    assert (level["due"], level["sent"]) == (True, "5")
    assert [one["sku"] for one in answer("stock-out", "troubled", "shop")] == ["BOOT", "SOCK"]


def test_who_is_not_told_and_who_is_not_read_is_said(flask: Callable[..., Result], hub: Hub) -> None:
    tell(hub)
    assert "choose its figure" in flask("stock-out", "push", "nowhere").output
    assert "name the place" in flask("stock-out", "read", "shop").output
