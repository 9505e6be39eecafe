"""The trade that figures are taken on: the sandbox's shop and Business Central, and an order of its catalogue."""

from __future__ import annotations

import json
import os
from random import Random
from typing import Any

from app import registry
from app.commands.demo import connect_sandbox, read_books, take_stock
from app.flows import load
from app.flows.runtime import STEPS
from app.infra.connecting import add_connection
from app.infra.hub import Hub, open_hub
from app.sandbox.assembly import create_sandbox
from app.sandbox.settings import Settings as SandboxSettings
from app.sandbox.web import encode
from bench.ground import Ground

SECRET = "the secret of the shop's app, known to this run"
SHOP_DOMAIN = "demo.myshopify.com"


def order_body() -> str:
    """The orders/create webhook of one order of the demo's catalogue."""
    return str(encode(order_documents(1)[0]))


def order_documents(count: int, sandbox: Any = None) -> list[dict[str, Any]]:
    """So many orders as their shop would send them."""
    shop = (sandbox or create_sandbox(SandboxSettings())).vendors["shopify"]
    random = Random(7)
    return [shop.place_order(random) for _ in range(count)]


def open_bench_hub(ground: Ground) -> Hub:
    """The hub of this process, to prepare and to look with."""
    load()
    return open_hub(ground.settings, adapter=registry.adapter, subscriptions=STEPS.by_event, pool_size=4)


def connect_shop(ground: Ground) -> None:
    """The shop alone, to which webhooks are posted."""
    hub = open_bench_hub(ground)
    with hub.unit_of_work() as uow:
        add_connection(
            uow, name="shop", adapter="shopify", who="bench",
            settings={"shop": SHOP_DOMAIN, "access_token": "bench", "webhook_secret": SECRET},
        )  # fmt: skip
    hub.close()


def connect_both(ground: Ground, root: str) -> None:
    """Shop and Business Central of a sandbox that listens at `root`, and its stock."""
    os.environ["HUB_SANDBOX_SHOP_SECRET"] = SECRET
    hub = open_bench_hub(ground)
    books = read_books(root)
    with hub.unit_of_work() as uow:
        connect_sandbox(uow, root, books, environment=os.environ)
    take_stock(hub, books)
    with hub.unit_of_work() as uow:  # nobody sells out while speed is measured
        uow.sql("UPDATE inventory.stock_level SET on_hand = on_hand + 1000000")
        lifted = {"concurrency": 64, "quotas": dict.fromkeys(("points", "requests", "at_once"))}
        given = {"lifted": json.dumps(lifted)}
        uow.sql("UPDATE hub.connection SET settings = settings || %(lifted)s::jsonb, version = version + 1", given)
    hub.close()
