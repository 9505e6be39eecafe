"""The demo's shop shows the hub's stock and prices as soon as it is seeded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.commands.demo_offers import offer
from tests.flows.test_real_adapters import Trade, trade

__all__ = ["trade"]
TENT, SOCKS = "MO-TENT-2P", "MO-SCK-M"


def prices(trade: Trade) -> dict[str, tuple[str, str | None]]:
    return {one["sku"]: (one["price"], one["compare_at_price"]) for one in trade.books("variants")}


@pytest.mark.capability("PRC-4", "INV-5")
def test_the_seed_lets_stock_and_prices_flow_and_may_be_repeated(trade: Trade) -> None:
    books: dict[str, Any] = {name: trade.books(name) for name in ("locations", "variants")}
    before = prices(trade)
    with trade.crank.uow() as uow:
        assert offer(uow, "shop", books, "demo")
    trade.crank.hub.connections.forget()
    trade.until(lambda: prices(trade)[TENT][1] is not None)
    usual = before[TENT][1] or before[TENT][0]
    assert prices(trade)[TENT] == (str((Decimal(usual) * 9 / 10).quantize(Decimal("0.01"))), usual)
    assert prices(trade)[SOCKS] == before[SOCKS]
    told = "SELECT count(*) FROM inventory.channel_level WHERE channel = 'shop' AND state IN ('live', 'paused')"
    trade.until(lambda: trade.crank.rows(told)[0][0] > 0)
    with trade.crank.uow() as uow:
        assert not offer(uow, "shop", books, "demo")
    assert trade.cases() == []
