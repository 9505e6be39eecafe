"""A product file of 200,000 SKUs taken in through the whole program, against a plain COPY of the same file."""

from __future__ import annotations

import csv
import io
import statistics
import time

import psycopg

from app.factory import make_hub
from app.flows.sheet_wish import Wish, receive
from bench.figures import Bench, Measured, less
from bench.ground import Ground, prepared

SKUS, VARIANTS = 200_000, 4  # four sizes of each of fifty thousand articles
COLUMNS = (
    "sku", "product", "title", "description", "vendor", "product_type", "status", "tax_code", "gtin", "weight",
    "weight_unit", "unit",
)  # fmt: skip
BLOCK = 256 * 1024
ROUNDS = 3
PATIENCE_SECONDS = 300.0


def product_file() -> bytes:
    """The file: texts with commas in quotes, a GTIN with its check digit for each SKU."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for n in range(SKUS):
        article = n // VARIANTS
        text = f"A jacket for every weather, lined, with {article % 9} pockets and a hood that folds away. Wash at 30."
        writer.writerow(
            (
                f"SKU-{n:07d}", f"P-{article:06d}", f"Trail jacket number {article}, light", text, "Acme Outdoor",
                "Jackets", "active", "P0000000", _gtin(n), f"{(100 + n % 900) / 1000:.3f}", "kg", "piece",
            )
        )  # fmt: skip
    return written.getvalue().encode()


def _gtin(n: int) -> str:
    digits = f"{400000000000 + n}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def plain_copy(database: psycopg.Connection[tuple[object, ...]], body: bytes) -> float:
    """Seconds that COPY takes for the file, into a table of as many texts."""
    database.execute("DROP TABLE IF EXISTS plain")
    database.execute(f"CREATE TABLE plain ({', '.join(f'{name} text' for name in COLUMNS)})")
    begun = time.perf_counter()
    with database.cursor().copy("COPY plain FROM STDIN (FORMAT csv, HEADER)") as copy:
        for start in range(0, len(body), BLOCK):
            copy.write(body[start : start + BLOCK])
    return time.perf_counter() - begun


def taken_in(ground: Ground, database: psycopg.Connection[tuple[object, ...]], body: bytes) -> float:
    """Seconds from handing the file in until all its products are in force, with a worker and a relay at work."""
    hub = make_hub(ground.settings)
    begun = time.perf_counter()
    sheet = receive(hub, io.BytesIO(body), Wish(kind="products", name="bench.csv"), who="bench")
    state = "received"
    while state == "received" and time.perf_counter() - begun < PATIENCE_SECONDS:
        time.sleep(0.01)
        row = database.execute("SELECT state FROM hub.sheet WHERE id = %s", (sheet,)).fetchone()
        state = str(row[0]) if row else ""
    took = time.perf_counter() - begun
    hub.close()
    found = database.execute("SELECT count(*) FROM product.variant").fetchone()
    if state != "applied" or found != (SKUS,):
        raise RuntimeError(f"the sheet is {state} with {found} SKUs")
    return took


def await_workers(database: psycopg.Connection[tuple[object, ...]]) -> None:
    """Wait until the worker and the relay have said that they are there."""
    until = time.perf_counter() + PATIENCE_SECONDS
    while database.execute("SELECT count(DISTINCT kind) FROM hub.worker").fetchone() != (2,):
        if time.perf_counter() > until:
            raise TimeoutError("the worker and the relay did not come up")
        time.sleep(0.05)


def run() -> dict[str, Measured]:
    """The median of some rounds, each with its COPY beside it, on an empty catalogue."""
    body, copies, imports = product_file(), list[float](), list[float]()
    with prepared(HUB_WORKERS="1") as ground, ground.database() as database:
        for _ in range(ROUNDS):
            database.execute("TRUNCATE product.product, hub.sheet, hub.event, hub.delivery, hub.worker CASCADE")
            copies.append(plain_copy(database, body))
            with ground.process("worker", 1), ground.process("relay", 1):
                await_workers(database)
                imports.append(taken_in(ground, database, body))
    copied = statistics.median(copies)
    return {"csv_import": Measured(value=statistics.median(imports) / copied, baseline=copied)}


BENCHES = (Bench(figures=(less("csv_import", "times a plain COPY", 10.0),), run=run),)
