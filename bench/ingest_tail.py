"""How long the slowest webhook of a hundred waits for its answer: at half load, and while everything else works."""

from __future__ import annotations

import threading

from bench import load, orders
from bench.figures import Bench, Measured, less
from bench.ground import await_port, prepared
from bench.ingest import plan
from bench.trade import connect_shop, order_body

TURNS, WARM_UP_SECONDS, FULL_SECONDS, HALF_SECONDS = 3, 1.0, 3.0, 5.0
ORDERS, PACE = 240, 40.0  # whole orders that the house works on, to the ERP and back, meanwhile
BESIDE = 60.0  # webhooks a second that are measured beside them: a hundred a second in all


def measure_half() -> dict[str, Measured]:
    """What one web process takes at most, then half of that at an even pace; the middle of three."""
    body = order_body()
    with prepared(HUB_WEB_PROCESSES="1", HUB_WEB_THREADS="8") as ground:
        connect_shop(ground)
        with ground.process("web"):
            await_port(ground.settings.port)
            load.send(plan(ground.settings.port, body, seconds=WARM_UP_SECONDS))
            tails = []
            for _ in range(TURNS):
                full = load.send(plan(ground.settings.port, body, seconds=FULL_SECONDS)).per_second
                tails.append(_tail(load.send(plan(ground.settings.port, body, seconds=HALF_SECONDS, pace=full / 2))))
    return {"ingest_p99_half": Measured(value=sorted(tails)[TURNS // 2])}


def measure_busy() -> dict[str, Measured]:
    """The whole house works on orders of another sender, web, workers, relay and sandbox on the same cores."""
    with orders.house() as made:
        bodies = made.place(orders.WARM_UP + ORDERS)
        orders.post(made, bodies[: orders.WARM_UP])
        made.await_shown(orders.WARM_UP)
        others = threading.Thread(target=orders.post, args=(made, bodies[orders.WARM_UP :], PACE))
        others.start()
        outcome = load.send(plan(made.ground.settings.port, bodies[0], seconds=ORDERS / PACE, pace=BESIDE))
        others.join()
        made.await_shown(orders.WARM_UP + ORDERS)
    return {"ingest_p99_busy": Measured(value=_tail(outcome))}


def _tail(outcome: load.Outcome) -> float:
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} webhooks were refused")
    return outcome.p99_ms


BENCHES = (
    Bench(figures=(less("ingest_p99_half", "ms", 10.0),), run=measure_half),
    Bench(figures=(less("ingest_p99_busy", "ms", 25.0),), run=measure_busy),
)
