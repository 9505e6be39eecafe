"""Many workers at once on orders that have goods in common."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest

from tests.factories import PLACED, a_line, an_order
from tests.flows.builders import cancelled
from tests.flows.conftest import Story
from tests.stock import contradictions

SKUS = ("AXE", "BAG", "CUP", "DEN", "EEL")
ORDERS = 40


def basket(random: Random) -> tuple[object, ...]:
    """Two or three SKUs in any order."""
    return tuple(
        a_line(str(n), sku=sku, price="1.00") for n, sku in enumerate(random.sample(SKUS, random.choice((2, 3))))
    )


def deadlocks(story: Story) -> int:
    with story.crank.uow() as uow:
        uow.sql("SELECT pg_stat_force_next_flush()")
    return int(story.crank.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0])


def work(story: Story, threads: int = 4) -> None:
    """All partitions at once, until nothing is ready inside."""
    while places := [place for place in story.crank.ready() if not place.connection]:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(story.crank.drain.run, places))


@pytest.mark.capability("INV-3", "RT-4")
def test_edits_cancellations_and_shipments_of_crossing_baskets_neither_deadlock_nor_oversell(story: Story) -> None:
    random = Random(7)
    story.stock(**dict.fromkeys(SKUS, 60))
    before = deadlocks(story)
    made = [an_order(external_id=str(n), name=f"#{n}", lines=basket(random)) for n in range(ORDERS)]
    for order in made:
        story.post("orders/create", order)
    work(story)
    story.settle()
    numbers = dict(story.crank.rows(
        "SELECT o.external_id, d.number FROM orders.erp_document d JOIN orders.sales_order o ON o.id = d.order_id"
    ))  # fmt: skip
    assert len(numbers) == ORDERS
    for n, order in enumerate(made):
        if n % 3 == 0:
            story.post("orders/cancelled", cancelled(order, 9))
        elif n % 3 == 1:
            edited = an_order(
                external_id=str(n), name=f"#{n}", source_version=PLACED + timedelta(minutes=9),
                lines=tuple(a_line(line.line_id, sku=line.sku, price="1.00", quantity=2) for line in order.lines),
            )  # fmt: skip
            story.post("orders/updated", edited)
        else:
            lines = [{"sku": line.sku, "quantity": "1"} for line in order.lines]
            number = numbers[str(n)]
            report = {
                "shipment_number": f"S-{n}",
                "order_number": number,
                "shipped_at": "2026-11-20T18:00:00Z",
                "lines": lines,
            }
            story.call_back("shipments", report)
    work(story)
    story.settle()
    assert contradictions(story.crank.hub) == []
    states = dict(story.crank.rows("SELECT state, count(*) FROM orders.sales_order GROUP BY state"))
    assert states == {"cancelled": 14, "posted": 13, "shipped": 13}
    assert deadlocks(story) == before
