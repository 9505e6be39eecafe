"""Orders beside a flood: how much longer an order takes while 50,000 bulk deliveries wait.

The flood is real work: four of five of its deliveries ask the shop for an order that it does not hold, one call of
20 ms each on the workers' threads; the others are steps inside. It has not run dry when the last order is there.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from bench.figures import Bench, Measured, less
from bench.orders import House, house, post

ORDERS, PACE, WARM_UP = 150, 10.0, 50
OUTSIDE, INSIDE = 40_000, 10_000
PATIENCE_SECONDS = 120.0

FLOOD = """
WITH fact AS (
    SELECT nextval('hub.event_id') AS id, n FROM generate_series(1, %(outside)s + %(inside)s) n),
told AS (
    INSERT INTO hub.event (id, type, key, payload, origin, correlation_id)
    SELECT id, CASE WHEN n <= %(outside)s THEN 'orders.refresh_requested.v1' ELSE 'hub.window_opened.v1' END,
           'bench:flood-' || n,
           CASE WHEN n <= %(outside)s
                THEN jsonb_build_object('external_key', 'shop/' || (9000000000 + n), 'channel', 'shop',
                                        'external_id', (9000000000 + n)::text, 'reason', 'a flood')
                ELSE jsonb_build_object('name', 'flood', 'instant', '2026-11-20T08:00:00Z') END, '', 'flood'
      FROM fact)
INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane)
SELECT id, CASE WHEN n <= %(outside)s THEN 'intake.fetch_order' ELSE 'expiry.warn' END,
       CASE WHEN n <= %(outside)s THEN 'shop' ELSE '' END, 'bulk',
       CASE WHEN n <= %(outside)s THEN 0 ELSE n & 7 END, 'flood|' || n
  FROM fact
"""
LEFT = "SELECT count(*) FROM hub.delivery WHERE queue = 'bulk' AND state IN ('due', 'running') AND lane LIKE 'flood|%'"
TOOK = """
SELECT extract(epoch FROM d.done_at - n.received_at)::float8
  FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
  JOIN hub.notice n ON n.correlation_id = e.correlation_id
 WHERE d.subscriber = 'order_to_cash.post_to_erp' AND d.state = 'done' AND d.event_id > %(since)s
"""


def measure() -> dict[str, Measured]:
    with house() as made:
        post(made, made.place(WARM_UP))
        made.await_shown(WARM_UP)
        alone = times(made, WARM_UP)
        with made.ground.database() as line:
            line.execute(FLOOD, {"outside": OUTSIDE, "inside": INSIDE})
        beside = times(made, WARM_UP + ORDERS)
        with made.ground.database() as line:
            left = line.execute(LEFT).fetchone()
        if left is None or left[0] == 0:
            raise RuntimeError("the flood ran dry before the last order: make it larger")
    print(f"left of the flood: {left[0]}", file=sys.stderr)
    return {"orders_behind_bulk": Measured(value=max(0.0, median(beside) - median(alone)), baseline=median(alone))}


def times(made: House, before: int) -> list[float]:
    """Seconds from the arrival of each of so many orders until its ERP holds it; `before` orders stand already."""
    bodies = made.place(ORDERS)
    with made.ground.database() as line:
        row = line.execute("SELECT coalesce(max(id), 0) FROM hub.event").fetchone()
        post(made, bodies, PACE)
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = [float(str(one[0])) for one in line.execute(TOOK, {"since": row[0] if row else 0})]
            if len(found) >= ORDERS:
                made.await_shown(before + ORDERS)
                return found
            if time.monotonic() > until:
                raise TimeoutError(f"{len(found)} of {ORDERS} orders were posted in {PATIENCE_SECONDS} s")
            time.sleep(0.2)


BENCHES = (Bench(figures=(less("orders_behind_bulk", "s", 1.0),), run=measure),)
