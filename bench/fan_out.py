"""Stock to channels: 100,000 changes of 10,000 SKUs until four channels show the newest figure of each, beside orders.

Four channels of Shopify's dialect take 20 ms for each call. They were away for a moment (their connections were
paused) when the changes came, as after an import or a count; the clock runs from the moment that they are back. Orders
come in all the while, at 10 a second, and must keep their time.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from statistics import median
from typing import Any

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Movement, MovementKind
from app.infra.connecting import add_connection, pause_connection, resume_connection
from app.infra.embedded.ground import free_port
from app.infra.hub import Hub
from bench.figures import Bench, Measured, less
from bench.ground import await_port
from bench.orders import House, house, post
from bench.queues import times
from bench.trade import open_bench_hub

CHANNELS = ("first", "second", "third", "fourth")
SKUS, CHANGES, AT_ONCE, WARM_UP = 10_000, 100_000, 200, 50
PATIENCE_SECONDS = 240.0

SHELVES = """
WITH skus AS (SELECT n, 'FAN-' || lpad(n::text, 6, '0') AS sku FROM generate_series(1, %(skus)s) n),
one AS (
    INSERT INTO inventory.availability (sku, available, as_of, version)
    SELECT sku, 100, now() - interval '1 hour', 1 FROM skus),
level AS (
    INSERT INTO inventory.stock_level (sku, location, source, on_hand, as_of)
    SELECT sku, 'MAIN', 'bench', 100, now() - interval '1 hour' FROM skus RETURNING 1),
bound AS (
    INSERT INTO hub.binding (connection, kind, key, external_id)
    SELECT channel, 'inventory_item', sku, n FROM skus CROSS JOIN unnest(%(channels)s::text[]) channel)
INSERT INTO inventory.channel_level (channel, sku, wanted, done, state, sent, sent_at)
SELECT channel, sku, 1, 1, 'live', 100, now() FROM skus CROSS JOIN unnest(%(channels)s::text[]) channel
"""
NEWEST = "SELECT sku, available::int FROM inventory.availability WHERE sku LIKE 'FAN-%%'"
WAITING = "SELECT count(*) FROM inventory.channel_level WHERE wanted > done"


def measure() -> dict[str, Measured]:
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    with house() as made, made.ground.command((sys.executable, "-m", "bench.fan_out_remote", str(port))):
        await_port(port)
        hub = open_bench_hub(made.ground)
        prepare(hub, root)
        post(made, made.place(WARM_UP))
        made.await_shown(WARM_UP)
        alone = times(made, WARM_UP)
        switch(hub, on=False)
        change(hub)
        settle_gathering(made)
        beside: list[float] = []
        orders = threading.Thread(target=lambda: beside.extend(times(made, WARM_UP + len(alone))))
        began = time.perf_counter()
        switch(hub, on=True)
        orders.start()
        sets = await_newest(made, root)
        seconds = time.perf_counter() - began
        orders.join()
        changed = changed_skus(made)
        hub.close()
    grew = max(0.0, median(beside) - median(alone))
    return {
        "fan_out_newest": Measured(value=seconds),
        "fan_out_pushes": Measured(value=sets / (changed * len(CHANNELS)), baseline=float(changed * len(CHANNELS))),
        "orders_beside_fan_out": Measured(value=grew, baseline=median(alone)),
    }


def prepare(hub: Hub, root: str) -> None:
    """Four shops that list 10,000 SKUs, of which 100 lie there and are shown everywhere."""
    with hub.unit_of_work() as uow:
        for name in CHANNELS:
            settings = {
                "shop": f"{name}.myshopify.com", "access_token": "bench", "webhook_secret": "bench",
                "base_url": f"{root}/{name}", "stock_figure": "available", "stock_location": "1",
            }  # fmt: skip
            add_connection(uow, name=name, adapter="shopify", who="bench", settings=settings)
        uow.sql(SHELVES, {"skus": SKUS, "channels": list(CHANNELS)})
    hub.connections.forget()


def switch(hub: Hub, *, on: bool) -> None:
    with hub.unit_of_work() as uow:
        for name in CHANNELS:
            if on:
                resume_connection(uow, name, "bench")
            else:
                pause_connection(uow, name, "bench", "an import")


def change(hub: Hub) -> None:
    """Goods come and go, one at a time each."""
    random, at = Random(7), datetime.now(UTC)
    for start in range(0, CHANGES, AT_ONCE):
        with hub.unit_of_work() as uow:
            moves = [
                Movement(
                    source="bench", key=f"fan-{start + n}", sku=f"FAN-{random.randint(1, SKUS):06d}", location="MAIN",
                    kind=MovementKind.ADJUSTMENT, quantity=Decimal(random.choice((-1, 1, 1))), at=at,
                )
                for n in range(AT_ONCE)
            ]  # fmt: skip
            inventory.move_many(uow, moves)


def settle_gathering(made: House) -> None:
    """Wait until what changed is known to be due, however long the channels are away."""
    statement = "SELECT count(*) FROM hub.delivery WHERE subscriber = 'availability.gather' AND state = 'due'"
    until = time.monotonic() + PATIENCE_SECONDS
    with made.ground.database() as line:
        while (row := line.execute(statement).fetchone()) and row[0]:
            if time.monotonic() > until:
                raise TimeoutError(f"{row[0]} changes are not gathered")
            time.sleep(0.1)


def await_newest(made: House, root: str) -> int:
    """Wait until nothing is due, then prove that each shop shows the newest; how many levels were set."""
    until = time.monotonic() + PATIENCE_SECONDS
    with made.ground.database() as line:
        while (row := line.execute(WAITING).fetchone()) and row[0]:
            if time.monotonic() > until:
                raise TimeoutError(f"{row[0]} levels are not told")
            time.sleep(0.1)
        newest: dict[str, int] = dict(line.execute(NEWEST).fetchall())  # type: ignore[arg-type]
    told = {name: shown(f"{root}/{name}") for name in CHANNELS}
    for name, shop in told.items():
        levels = {f"FAN-{int(item):06d}": level for item, level in shop["levels"].items()}
        wrong = [sku for sku, level in newest.items() if levels.get(sku, 100) != level]
        if wrong:
            raise RuntimeError(f"{name} shows {len(wrong)} figures that are not the newest, such as {wrong[0]}")
    print({name: {k: v for k, v in shop.items() if k != "levels"} for name, shop in told.items()}, file=sys.stderr)
    return sum(int(shop["sets"]) for shop in told.values())


def changed_skus(made: House) -> int:
    with made.ground.database() as line:
        row = line.execute("SELECT count(DISTINCT sku) FROM inventory.movement WHERE source = 'bench'").fetchone()
    return int(str(row[0])) if row else 0


def shown(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


BENCHES = (
    Bench(
        figures=(
            less("fan_out_newest", "s", 60.0), less("fan_out_pushes", "ratio", 1.0),
            less("orders_beside_fan_out", "s", 1.0),
        ),
        run=measure,
    ),
)  # fmt: skip
