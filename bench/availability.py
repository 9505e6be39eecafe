"""Milliseconds of availability over HTTP, one SKU and 500 at a channel, with 200,000 SKUs at 20 locations each."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from http.client import HTTPConnection
from statistics import quantiles

from app.domains.inventory import service
from app.domains.inventory.canonical import ChannelPolicy
from app.factory import make_hub
from app.infra.web.auth import create_key
from bench.figures import Bench, Measured, less
from bench.ground import Ground, await_port, prepared

SKUS, LOCATIONS, BULK, CLIENTS = 200_000, 20, 500, 2
WARM_UP, SINGLES, BULKS = 50, 1_500, 150  # of each client
SLAB = 20_000  # SKUs that one statement makes
AVAILABILITY = """
INSERT INTO inventory.availability (sku, available, as_of, version, places, free_at, kept_version)
SELECT 'SKU-' || n, 20 * (n %% 50), now() - interval '5 minutes', 1,
       array(SELECT 'LOC-' || l FROM generate_series(1, 20) l ORDER BY 1), array_fill(n %% 50::numeric, ARRAY[20]), 1
  FROM generate_series(%(low)s::int, %(high)s::int) n
"""
LEVELS = """
INSERT INTO inventory.stock_level (sku, location, source, on_hand, as_of, sequence)
SELECT 'SKU-' || n, 'LOC-' || l, 'erp', n %% 50, now() - interval '5 minutes', 1
  FROM generate_series(%(low)s::int, %(high)s::int) n, generate_series(1, 20) l
"""

Ask = Callable[[random.Random], tuple[str, str, str]]  # method, path, body


def measure() -> dict[str, Measured]:
    """Two clients that each wait for their answer; every question is about SKUs drawn from all of them."""
    with prepared() as ground:
        load(ground)
        key = furnish(ground)
        with ground.process("web"):
            await_port(ground.settings.port)
            one = taken(ground, key, single, SINGLES)
            many = taken(ground, key, bulk, BULKS)
    return {
        "availability_p99": Measured(value=quantiles(one, n=100)[98]),
        "availability_bulk_p99": Measured(value=quantiles(many, n=100)[98]),
    }


def load(ground: Ground) -> None:
    """All SKUs at all locations, counted five minutes ago."""
    with ground.database() as database:
        database.execute("ALTER TABLE inventory.stock_level DROP CONSTRAINT fk_stock_level_sku")
        for low in range(1, SKUS + 1, SLAB):
            slab = {"low": low, "high": min(low + SLAB - 1, SKUS)}
            database.execute(AVAILABILITY, slab)
            database.execute(LEVELS, slab)
        database.execute(
            "ALTER TABLE inventory.stock_level ADD CONSTRAINT fk_stock_level_sku FOREIGN KEY (sku) "
            "REFERENCES inventory.availability (sku)"  # four million looks at once, not one by one
        )
        database.execute("VACUUM ANALYZE inventory.availability")
        database.execute("VACUUM ANALYZE inventory.stock_level")


def furnish(ground: Ground) -> str:
    """A channel that agreed a safety stock, and a key that may ask."""
    hub = make_hub(ground.settings)
    with hub.unit_of_work() as uow:
        policy = ChannelPolicy(channel="shop", safety=Decimal(2), cap=Decimal(500), share=Decimal(60))
        service.set_channel_policy(uow, policy, "bench")
        _, key = create_key(uow, name="bench", scopes=["stock:read"])
    hub.close()
    return key


def single(chance: random.Random) -> tuple[str, str, str]:
    return "GET", f"/api/v1/availability/SKU-{chance.randint(1, SKUS)}?channel=shop", ""


def bulk(chance: random.Random) -> tuple[str, str, str]:
    skus = [f"SKU-{n}" for n in chance.sample(range(1, SKUS + 1), BULK)]
    return "POST", "/api/v1/availability", json.dumps({"sku": skus, "channel": "shop"})


def taken(ground: Ground, key: str, ask: Ask, times: int) -> list[float]:
    """How many milliseconds each answer took, once all is warm."""
    found: list[float] = []
    clients = [threading.Thread(target=_client, args=(ground, key, ask, times, n, found)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if len(found) < CLIENTS * times:
        raise RuntimeError(f"{len(found)} of {CLIENTS * times} questions were answered")
    return found


def _client(ground: Ground, key: str, ask: Ask, times: int, n: int, found: list[float]) -> None:
    line = HTTPConnection("127.0.0.1", ground.settings.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    chance = random.Random(n)
    for turn in range(WARM_UP + times):
        method, path, body = ask(chance)
        began = time.perf_counter()
        line.request(method, path, body or None, headers)
        answer = line.getresponse()
        said = answer.read()
        lasted = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"a question was refused: {said[:400]!r}")
        if turn >= WARM_UP:
            found.append(lasted)


BENCHES = (
    Bench(figures=(less("availability_p99", "ms", 10.0), less("availability_bulk_p99", "ms", 60.0)), run=measure),
)
