"""Sixty-four buyers of one SKU: carts a second through the hub, against pgbench of the bare statement."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from datetime import timedelta
from decimal import Decimal
from functools import partial

from app.api.stock import TOGETHER, serve_quotes
from app.domains.inventory import service
from app.domains.inventory.canonical import Reserved, Wanted
from app.factory import make_hub
from app.infra.gathering import Gathered
from app.infra.hub import Hub
from bench.figures import Bench, Measured, less, more
from bench.ground import Ground, prepared
from bench.ingest import PGBENCH

SKU, BUYERS, SECONDS, ROUNDS = "HOT", 64, 5.0, 3
PGBENCH_CLIENTS = 4  # more make one row slower: measured 4,657 a second with 4, 2,172 with 64
STOCK, SCARCE = 10_000_000, 500
# The bare statement: lower the level if it still has so many, and only then write the reservation.
STATEMENT = """
WITH level AS (
    UPDATE inventory.stock_level SET reserved = reserved + 1, changed_at = now()
     WHERE sku = 'HOT' AND location = 'MAIN' AND free >= 1 RETURNING sku, location)
INSERT INTO inventory.reservation (order_id, order_line, sku, location, quantity, state, expires_at)
SELECT 'bench' || :id::text, '1', sku, location, 1, 'quoted', now() + interval '1 hour' FROM level;
"""
OVERSOLD = """
SELECT greatest(0, (SELECT coalesce(sum(quantity), 0) FROM inventory.reservation
                     WHERE sku = 'HOT' AND state IN ('quoted', 'held', 'allocated'))
                   - (SELECT sum(quantity) FROM inventory.movement WHERE sku = 'HOT'))
"""


def measure() -> dict[str, Measured]:
    """Carts and the bare statement in turns; then everybody for the last five hundred."""
    with prepared() as ground:
        hub = make_hub(ground.settings)
        ours, bare = [], []
        for turn in range(ROUNDS):
            _count(hub, STOCK, turn)
            ours.append(_buy(hub, f"r{turn}", SECONDS)[0] / SECONDS)
            bare.append(_pgbench(ground))
        _count(hub, SCARCE, ROUNDS)
        began = time.monotonic()
        sold, refused = 0, 0
        while not refused and time.monotonic() < began + 60:
            more_sold, refused = _buy(hub, f"last{sold}", 0.5)
            sold += more_sold
        with hub.unit_of_work() as uow:
            row = uow.sql(OVERSOLD).fetchone()
        assert row is not None
        over = max(float(row[0]), float(sold - SCARCE))
        hub.close()
    middle, baseline = sorted(ours)[ROUNDS // 2], sorted(bare)[ROUNDS // 2]
    return {
        "hot_sku_reservations": Measured(value=middle / baseline, baseline=baseline),
        "hot_sku_oversold": Measured(value=over),
    }


def _count(hub: Hub, quantity: int, turn: int) -> None:
    """Begin anew with so many on the shelf."""
    with hub.unit_of_work() as uow:
        uow.sql("TRUNCATE inventory.reservation, inventory.stock_level, inventory.availability, inventory.movement "
                "CASCADE")  # fmt: skip
        uow.sql("TRUNCATE hub.deadline")
        at = hub.clock.now() - timedelta(hours=1) + timedelta(minutes=turn)
        service.set_snapshot(uow, "erp", SKU, "MAIN", Decimal(quantity), at)
        uow.before_commit(lambda: uow.sql("ANALYZE inventory.stock_level"))


def _buy(hub: Hub, name: str, seconds: float) -> tuple[int, int]:
    """Buyers who each wait for their answer and come again; how many carts were filled, and how many refused."""
    gathered = Gathered(partial(serve_quotes, hub), most=TOGETHER)
    until = time.perf_counter() + seconds
    filled, refused = [0] * BUYERS, [0] * BUYERS

    def buyer(n: int) -> None:
        turn = 0
        while time.perf_counter() < until:
            turn += 1
            line = Wanted(line_id="1", sku=SKU, quantity=Decimal(1))
            asked = service.Quote(name=f"{name}-{n}-{turn}", lines=(line,), lasting=timedelta(hours=1))
            if isinstance(gathered.ask(asked), Reserved):
                filled[n] += 1
            else:
                refused[n] += 1

    buyers = [threading.Thread(target=buyer, args=(n,)) for n in range(BUYERS)]
    for one in buyers:
        one.start()
    for one in buyers:
        one.join()
    return sum(filled), sum(refused)


def _pgbench(ground: Ground) -> float:
    script = ground.home / "hot.sql"
    script.write_text("\\set id random(1, 9000000000000000000)\n" + " ".join(STATEMENT.split()) + "\n")
    how = ["-n", "-M", "prepared", "-c", str(PGBENCH_CLIENTS), "-j", "2", "-T", str(int(SECONDS))]
    command = [str(PGBENCH), *how, "-f", str(script), ground.plain_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


BENCHES = (
    Bench(figures=(more("hot_sku_reservations", "ratio", 1.0), less("hot_sku_oversold", "units", 0)), run=measure),
)
