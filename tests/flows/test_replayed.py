"""A replay of a whole trade that succeeded: every outside step again, and nothing changes at the shop or the ERP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.flows.runtime import STEPS
from app.infra.replay.many import begin_replay, survived
from app.infra.replay.selection import Filter, preview
from app.infra.windows import open_window
from tests.flows.test_real_adapters import Trade, trade

__all__ = ["trade"]  # the fixture
RESERVED = "SELECT state, sum(quantity) FROM inventory.reservation GROUP BY 1 ORDER BY 1"
# What is asked for again is only read; everything else would be news.
TOLD = """
SELECT type, count(*) FROM hub.event WHERE type LIKE 'orders.%%' AND type NOT LIKE 'orders.%%requested.v1'
 GROUP BY 1 ORDER BY 1
"""
# Told by nothing in this trade: payments are not booked by the demo, and it cuts no ERP over.
NOT_HERE = {"payments.book_payment", "cut_over.read_order"}


def deal(trade: Trade) -> None:
    """One order is shipped with tracking that comes later and undone; another is edited, then cancelled."""
    lines = [{"sku": "MO-TENT-2P", "quantity": 3}]
    kept = trade.control("_shopify/orders", {"lines": lines})
    trade.until(lambda: trade.state() == "posted")
    ((number, sequence),) = trade.crank.rows(
        "SELECT d.number, l.sequence FROM orders.erp_document d JOIN orders.erp_line l USING (order_id, erp) "
        "WHERE l.meaning = 'line'"
    )
    assert trade.call_back("shipments", shipped("W-1", number, sequence, 3)) == 202
    trade.until(lambda: bool(trade.books("fulfillments")))
    parcel = [{"tracking_number": "1Z999", "carrier": "UPS", "tracking_url": None}]
    assert trade.call_back("shipments", shipped("W-1", number, sequence, 3, parcel)) == 202
    trade.until(lambda: trade.crank.states("shipments.track_in_channel") == {"done": 1})
    assert trade.call_back("shipments", shipped("W-2", number, sequence, -3)) == 202
    trade.until(lambda: trade.crank.states("shipments.undo_in_channel") == {"done": 1})
    placed = trade.control("_shopify/orders", {"lines": lines})
    assert placed["id"] != kept["id"]
    trade.until(lambda: len(trade.books("salesOrders")) == 2)
    edit = {"lines": [{"id": placed["line_items"][0]["id"], "quantity": 2}]}
    trade.control(f"_shopify/orders/{placed['id']}/edit", edit)
    trade.until(lambda: trade.crank.states("order_changes.change_in_erp") == {"done": 1})
    trade.control(f"_shopify/orders/{placed['id']}/cancel")
    trade.until(lambda: trade.crank.states("order_changes.cancel_in_erp") == {"done": 1})
    with trade.crank.uow() as uow:
        assert open_window(uow, "erp_poll", trade.crank.hub.clock.now())
    trade.until(lambda: "shipments.poll_erp" in replayed(trade))


def shipped(
    number: str, order: str, sequence: int, quantity: int, packages: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "shipment_number": number, "order_number": order, "shipped_at": "2026-11-20T18:00:00Z", "location": "EAST",
        "lines": [{"sequence": sequence, "sku": "MO-TENT-2P", "quantity": str(quantity)}], "packages": packages or [],
    }  # fmt: skip


def replayed(trade: Trade) -> set[str]:
    rows = trade.crank.rows("SELECT DISTINCT subscriber FROM hub.delivery WHERE state = 'done' AND connection <> ''")
    return {row[0] for row in rows}


def contents(trade: Trade) -> dict[str, Any]:
    """What both vendors hold, but the counts of calls, the webhooks sent and when a subscription ends."""
    books = trade.http.request("GET", f"{trade.sandbox}/_books").json()
    for told in ("calls", "webhooks", "subscriptions"):
        books.pop(told, None)
    return dict(books)


@pytest.mark.capability("RT-3", "RT-6")
def test_a_replay_of_everything_that_succeeded_changes_nothing_at_either_vendor(trade: Trade) -> None:
    deal(trade)
    outside = {name for name, step in STEPS.by_name.items() if step.outside and step.event_type.startswith("orders.")}
    assert outside - NOT_HERE <= replayed(trade), outside - NOT_HERE - replayed(trade)
    before, stock = contents(trade), trade.crank.rows(RESERVED)
    told = trade.crank.rows(TOLD)
    wanted = Filter(states=("done", "superseded"), since=trade.crank.hub.clock.now() - timedelta(hours=1))
    for _ in range(2):
        with trade.crank.uow() as uow:
            total = preview(uow, wanted).count
            run_id = begin_replay(uow, wanted, "ada", "a test", rate=None)
        trade.until(lambda: not trade.crank.ready() and "due" not in trade.crank.states())
        with trade.crank.uow() as uow:
            after = survived(uow, run_id)
        assert (after.released, after.ended, after.set_aside) == (total, total, 0), after
    assert contents(trade) == before
    assert trade.crank.rows(RESERVED) == stock
    assert trade.crank.rows(TOLD) == told
    assert trade.cases() == []
