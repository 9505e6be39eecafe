"""Whole orders: webhook → canonical → reserved → posted to Business Central → number back in the shop.

Every process and the sandbox share this machine. The sandbox answers each call of either vendor after 20 ms; its rate
limits are lifted, as are the connections' own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import urllib3

from bench import load
from bench.figures import Bench, Measured, less, more
from bench.ground import Ground, await_port, prepared
from bench.ingest import headers
from bench.trade import SECRET, connect_both

LATENCY = 0.02
MANY, WARM_UP = 3000, 200
PACED, PACE = 400, 20.0
PATIENCE_SECONDS = 180.0
VENDORS = ("business_central", "shopify")


class House:
    """A running hub with its sandbox, from outside."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.root = f"http://127.0.0.1:{ground.settings.sandbox_port}"
        self.pool = urllib3.PoolManager(maxsize=16, retries=False, timeout=30.0)

    def tell(self, path: str, body: Any) -> Any:
        answer = self.pool.request("POST", f"{self.root}{path}", json=body)
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {answer.data[:300]!r}")
        return json.loads(answer.data)

    def place(self, count: int) -> list[str]:
        """Orders that the shop knows, as the webhooks that it would send."""
        with ThreadPoolExecutor(4) as threads:
            orders = list(threads.map(lambda _: self.tell("/_shopify/orders", {}), range(count)))
        return [json.dumps(order.get("order", order)) for order in orders]

    def slow(self, seconds: float) -> None:
        for vendor in VENDORS:
            self.tell("/_faults", {"vendor": vendor, "kind": "latency", "seconds": seconds})

    def lift(self) -> None:
        self.tell("/_limits", dict.fromkeys(VENDORS))

    def shown(self) -> int:
        """Orders whose number stands in the shop."""
        return int(json.loads(self.pool.request("GET", f"{self.root}/_books/metafields?count=1").data)["count"])

    def await_shown(self, count: int) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while (now := self.shown()) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{now} of {count} orders went all the way in {PATIENCE_SECONDS} s")
            time.sleep(0.1)


@contextmanager
def house() -> Iterator[House]:
    """A whole hub: sandbox, web, two workers, relay."""
    # An address that no remote of this machine can reach: else the sandbox's shop would send its webhooks by itself.
    given = {"HUB_SANDBOX_SHOP_SECRET": SECRET, "HUB_DEMO_RATE": "0", "HUB_PUBLIC_URL": "http://hub.invalid"}
    with prepared(**given) as ground, ground.process("sandbox"):
        await_port(ground.settings.sandbox_port)
        made = House(ground)
        connect_both(ground, made.root)
        with ground.process("web"), ground.process("worker"), ground.process("relay"):
            await_port(ground.settings.port)
            made.lift()
            made.slow(LATENCY)
            yield made


def post(made: House, bodies: list[str], pace: float = 0.0) -> None:
    """Post each webhook once, signed, at an even pace or as fast as they are taken."""
    load.send_each(
        [(f"w-{n}-{time.time_ns()}", body, headers(body)) for n, body in enumerate(bodies)],
        port=made.ground.settings.port, path="/webhooks/shop/orders/create", pace=pace,
    )  # fmt: skip


def measure_rate() -> dict[str, Measured]:
    """Orders a second from the first webhook to the last number shown."""
    with house() as made:
        bodies = made.place(WARM_UP + MANY)
        post(made, bodies[:WARM_UP])
        made.await_shown(WARM_UP)
        began = time.perf_counter()
        post(made, bodies[WARM_UP:])
        made.await_shown(WARM_UP + MANY)
        seconds = time.perf_counter() - began
    return {"orders_per_second": Measured(value=MANY / seconds)}


def measure_paced() -> dict[str, Measured]:
    """The median seconds from a webhook's arrival to the recorded ERP document at 20 orders a second."""
    with house() as made:
        bodies = made.place(WARM_UP + PACED)
        post(made, bodies[:WARM_UP])
        made.await_shown(WARM_UP)
        with made.ground.database() as line:
            mark = line.execute("SELECT clock_timestamp()").fetchone()
        post(made, bodies[WARM_UP:], pace=PACE)
        made.await_shown(WARM_UP + PACED)
        with made.ground.database() as line:
            row = line.execute(MEDIAN, mark).fetchone()
    assert row is not None
    return {"order_to_erp_median_20": Measured(value=float(str(row[0])))}


# The end of the call that posted it, against the arrival of the notice that began it.
MEDIAN = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.ended_at - n.received_at))
  FROM hub.attempt a JOIN hub.delivery d ON d.event_id = a.event_id AND d.id = a.delivery
  JOIN hub.event e ON e.id = d.event_id
  JOIN hub.notice n ON n.correlation_id = e.correlation_id AND n.topic = 'orders/create'
 WHERE d.subscriber = 'order_to_cash.post_to_erp' AND a.outcome = 'done' AND n.received_at > %s
"""

BENCHES = (
    Bench(figures=(more("orders_per_second", "orders/s", 250.0),), run=measure_rate),
    Bench(figures=(less("order_to_erp_median_20", "seconds", 0.3),), run=measure_paced),
)
