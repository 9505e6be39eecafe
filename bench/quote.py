"""Milliseconds of a quote of 20 lines over HTTP, with 200,000 SKUs in three price lists, promotions, floor and tax."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from statistics import quantiles

from app.domains.pricing.service.tax_rates import put_tax_table
from app.factory import make_hub
from app.infra.web.auth import create_key
from bench.figures import Bench, Measured, less
from bench.ground import Ground, await_port, prepared

SKUS, LINES, CLIENTS = 200_000, 20, 2
WARM_UP, QUOTES = 100, 1_000  # of each client
TAXES = (
    "jurisdiction,title,country,region,postal_from,postal_to,zone,shipping,shipping_code,tax_code,position,name,"
    """percent,compound,effective_from,effective_to
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 19 %,19,,2021-01-01,
DE,Germany,DE,,,,Europe/Berlin,,,reduced,1,USt 7 %,7,,2021-01-01,
"""
)
# Everybody's list has three breaks, the channel's this year's prices and next year's, the customer's one SKU in ten; a
# thousand others have contracts.
LOAD = f"""
INSERT INTO pricing.price_list (id, code, currency, channel, customer, includes_tax, zone) VALUES
       ('00000000-0000-7000-8000-000000000001', 'everybody', 'EUR', '', '', true, 'Europe/Berlin'),
       ('00000000-0000-7000-8000-000000000002', 'shop', 'EUR', 'shop', '', true, 'Europe/Berlin'),
       ('00000000-0000-7000-8000-000000000003', 'acme', 'EUR', '', 'ACME', true, 'Europe/Berlin');
INSERT INTO pricing.item (sku, category, product_type, tax_code)
SELECT 'SKU-' || n, 'category-' || n % 200, 'type-' || n % 20, CASE n % 10 WHEN 0 THEN 'reduced' ELSE 'standard' END
  FROM generate_series(1, {SKUS}) n;
INSERT INTO pricing.cost (sku, unit, currency, amount)
SELECT 'SKU-' || n, '', 'EUR', 1 + n % 90 * 0.6 FROM generate_series(1, {SKUS}) n;
INSERT INTO pricing.price (list_id, sku, unit, min_quantity, from_at, until_at, amount)
SELECT '00000000-0000-7000-8000-000000000001', 'SKU-' || n, '', least, '2026-01-01', NULL, 8 + n % 90 + 1.5 / least
  FROM generate_series(1, {SKUS}) n, (VALUES (1), (10), (100)) AS breaks (least);
INSERT INTO pricing.price (list_id, sku, unit, min_quantity, from_at, until_at, amount)
SELECT '00000000-0000-7000-8000-000000000002', 'SKU-' || n, '', 1, since, until, 7.9 + n % 90 + rise
  FROM generate_series(1, {SKUS}) n,
       (VALUES ('2026-01-01'::timestamptz, '2028-01-01'::timestamptz, 0), ('2028-01-01', NULL, 1))
            AS t (since, until, rise);
INSERT INTO pricing.price (list_id, sku, unit, min_quantity, from_at, until_at, amount)
SELECT '00000000-0000-7000-8000-000000000003', 'SKU-' || n, '', 1, '2026-01-01', NULL, 7.123456 + n % 90
  FROM generate_series(10, {SKUS}, 10) n;
INSERT INTO pricing.price_list (id, code, currency, customer, includes_tax, zone)
SELECT gen_random_uuid(), 'contract-' || n, 'EUR', 'CUSTOMER-' || n, true, 'Europe/Berlin'
  FROM generate_series(1, 1000) n;
INSERT INTO pricing.price (list_id, sku, unit, min_quantity, from_at, amount)
SELECT l.id, 'SKU-' || n, '', 1, '2026-01-01', 90
  FROM pricing.price_list l, generate_series(1, 100) n WHERE l.code LIKE 'contract-%';
INSERT INTO pricing.promotion (id, code, kind, level, value, categories, zone, from_at, stacks_with)
SELECT gen_random_uuid(), 'category-' || n, 'percentage', 'line', 5 + n % 20, jsonb_build_array('category-' || n),
       'Europe/Berlin', '2026-01-01', '["*"]'
  FROM generate_series(1, 40) n;
INSERT INTO pricing.promotion (id, code, kind, level, value, buy, get, product_types, zone, from_at, stacks_with)
SELECT gen_random_uuid(), 'type-' || n, 'buy_x_get_y', 'line', 100, 2, 1, jsonb_build_array('type-' || n),
       'Europe/Berlin', '2026-01-01', '["*"]'
  FROM generate_series(1, 3) n;
INSERT INTO pricing.promotion (id, code, kind, level, value, currency, min_amount, zone, from_at, stacks_with)
VALUES (gen_random_uuid(), 'ten-off', 'amount', 'order', 10, 'EUR', 100, 'Europe/Berlin', '2026-01-01', '["*"]');
INSERT INTO pricing.quote_rule (company, channel, margin) VALUES ('', '', 0.1);
ANALYZE;
"""


def measure() -> dict[str, Measured]:
    """Every quote is of 20 SKUs that nobody asked for before, by two clients that each wait for their answer."""
    with prepared() as ground:
        with ground.database() as database:
            database.execute(LOAD)
        key = furnish(ground)
        with ground.process("web"):
            await_port(ground.settings.port)
            taken: list[float] = []
            clients = [threading.Thread(target=ask, args=(ground, key, n, taken)) for n in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
    if len(taken) < CLIENTS * QUOTES:
        raise RuntimeError(f"{len(taken)} of {CLIENTS * QUOTES} quotes were answered")
    return {"quote_p99": Measured(value=quantiles(taken, n=100)[98])}


def furnish(ground: Ground) -> str:
    """Taxes, and a key that may ask for quotes."""
    hub = make_hub(ground.settings)
    with hub.unit_of_work() as uow:
        put_tax_table(uow, TAXES, "bench")
        _, key = create_key(uow, name="bench", scopes=["prices:read"])
    hub.close()
    return key


def ask(ground: Ground, key: str, client: int, taken: list[float]) -> None:
    """Ask for quotes one after the other, and note how many milliseconds each took once all is warm."""
    line = HTTPConnection("127.0.0.1", ground.settings.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for n, body in enumerate(baskets(client)):
        began = time.perf_counter()
        line.request("POST", "/api/v1/quotes", body, headers)
        answer = line.getresponse()
        said = answer.read()
        lasted = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"a quote was refused: {said[:400]!r}")
        if n >= WARM_UP:
            taken.append(lasted)


def baskets(client: int) -> Iterator[str]:
    chance = random.Random(client)
    for _ in range(WARM_UP + QUOTES):
        lines = [
            {"line_id": str(n), "sku": f"SKU-{number}", "quantity": str(chance.choice((1, 2, 3, 12)))}
            for n, number in enumerate(chance.sample(range(1, SKUS + 1), LINES))
        ]
        asked = {"currency": "EUR", "channel": "shop", "destination": {"country": "DE"}, "shipping": "4.90"}
        yield json.dumps({**asked, "customer": chance.choice(("", "ACME")), "lines": lines})


BENCHES = (Bench(figures=(less("quote_p99", "ms", 50.0),), run=measure),)
