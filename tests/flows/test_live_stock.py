"""A shopper waits while the source is asked for a scarce SKU, and never longer than the budget."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import ChannelPolicy
from app.flows import live_stock
from app.flows.live_stock import Basis
from app.infra.web.auth import adopt_key
from tests.flows.test_real_adapters import FiveMinutesAhead, Trade, trade
from tests.flows.test_stock_in import PLACE, count, level, poll, read_from
from tests.flows.test_stock_out import SKU

__all__ = ["trade"]
pytestmark = pytest.mark.capability("INV-4")
READER = "rh_0b1c2d3e_a-reader-that-only-this-test-knows-0123456789"


@pytest.fixture
def counted(trade: Trade) -> Trade:
    """A SKU that the ERP alone counts: 7, and meanwhile 4."""
    with trade.crank.uow() as uow:
        uow.sql("DELETE FROM inventory.stock_level")
        adopt_key(uow, READER, name="shop window", scopes=["stock:read"])
    read_from(trade)
    count(trade, 7)
    poll(trade)
    trade.crank.hub.clock = FiveMinutesAhead()
    count(trade, 4)
    return trade


def read(trade: Trade, **query: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {READER}"}
    answer = trade.http.request("GET", f"{trade.hub}/api/v1/availability/{SKU}", fields=query, headers=headers)
    assert answer.status == 200, answer.data
    return dict(answer.json())


def test_the_source_is_asked_and_its_figure_is_taken(counted: Trade) -> None:
    found = read(counted, live="true")
    assert (found["available"], found["basis"], found["estimated"]) == ("4", "live", False)
    assert level(counted) == 4


def test_a_figure_of_a_moment_ago_is_not_asked_for_again(counted: Trade) -> None:
    counted.crank.hub.clock = Standing(counted.crank.hub.clock.now())
    read(counted, live="true")
    count(counted, 3)
    found = read(counted, live="true")
    assert (found["available"], found["basis"]) == ("4", "fresh")


def test_without_a_wish_nobody_is_asked(counted: Trade) -> None:
    found = read(counted)
    assert found["available"] == "7"
    assert "basis" not in found


def test_a_scarce_sku_is_asked_for_by_the_channels_policy(counted: Trade) -> None:
    with counted.crank.uow() as uow:
        policy = ChannelPolicy(channel="shop", locations=(PLACE,), scarce_below=Decimal(8))
        inventory.set_channel_policy(uow, policy, "test")
    found = read(counted, channel="shop")
    assert (found["offered"], found["basis"]) == ("4", "live")


def test_a_slow_source_is_not_waited_for_and_the_answer_says_so(counted: Trade) -> None:
    counted.control("_faults", {"vendor": "business_central", "kind": "latency", "seconds": 3, "match": "GET items"})
    began = time.monotonic()
    found = read(counted, live="true")
    assert time.monotonic() - began < 2.5
    assert (found["available"], found["basis"], found["estimated"]) == ("7", "fallback", True)
    assert "0.8 s" in found["why"]


def test_a_source_that_fails_is_an_estimate_too(counted: Trade) -> None:
    rule = {"vendor": "business_central", "kind": "status", "status": 503, "match": "GET items"}
    counted.control("_faults", rule)
    found = read(counted, live="true")
    assert (found["available"], found["basis"]) == ("7", "fallback")


def test_a_sku_without_a_source_that_can_be_asked_is_an_estimate(trade: Trade) -> None:
    trade.crank.hub.clock = FiveMinutesAhead()
    found = live_stock.check(trade.crank.hub, SKU)
    assert found.basis is Basis.FALLBACK


class Standing:
    """A clock that stands still."""

    def __init__(self, at: Any) -> None:
        self.at = at

    def now(self) -> Any:
        return self.at
