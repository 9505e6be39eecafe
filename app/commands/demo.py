"""`flask demo seed`: connect the sandbox's shop and Business Central and take over their masters; safe to repeat."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from time import monotonic, sleep
from typing import Any

import click
import urllib3
from flask.cli import AppGroup

from app.commands.demo_offers import offer
from app.commands.terminal import as_json, tell
from app.domains.inventory import service as inventory
from app.infra.connecting import add_connection
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from app.infra.value_maps import set_value
from app.infra.web.auth import adopt_key
from app.infra.web.wiring import hub

SHOP, ERP, WHO = "shop", "erp", "demo"
SHOP_DOMAIN = "demo.myshopify.com"
STOCK_SOURCE = "demo-warehouse"
ANSWER_SECONDS = 20.0  # the sandbox starts with the hub; it answers in milliseconds once it is there
LOOK_SECONDS = 0.05
ACCOUNTS = {
    "shipping": "4100", "tip": "4200", "gift_card_liability": "2400", "duty": "4300", "fee": "4310",
    "custom": "4310", "cash_rounding": "4900", "rounding": "4910", "marketplace_tax": "2360",
    "refund_difference": "4800",
}  # fmt: skip
TAX_PAYABLE = {
    "Colorado State Tax": "2310", "Boulder County Tax": "2320", "Maine State Tax": "2330",
    "Washington State Tax": "2340", "King County Tax": "2350", "*": "2390",
}  # fmt: skip

demo = AppGroup("demo", help="The demo that `make run` shows.")


@demo.command("seed")
@click.option("--sandbox", default="", help="The sandbox's address; else HUB_SANDBOX_PORT on this machine.")
@as_json
def seed(sandbox: str, json_wanted: bool) -> None:
    """Connect the sandbox, take over its items, stock, locations and prices, and tell its shop stock and prices.

    Safe to repeat.
    """
    taken = connect_demo(hub(), os.environ, sandbox)
    facts = {"connections": [SHOP, ERP], "levels": taken}
    tell(f"the demo is connected: {taken} stock levels taken over", facts, json_wanted=json_wanted)


def connect_demo(house: Hub, environment: Mapping[str, str], sandbox: str = "") -> int:
    """Connect the sandbox, take over its stock and tell its shop; returns how many levels were taken over."""
    root = sandbox or f"http://127.0.0.1:{house.settings.sandbox_port}"
    books = read_books(root)
    with house.unit_of_work() as uow:
        connect_sandbox(uow, root, books, environment=environment)
    with house.unit_of_work() as uow:
        offer(uow, SHOP, books, WHO)
    return take_stock(house, books)


def read_books(root: str) -> Mapping[str, Any]:
    """Everything the sandbox holds, as soon as it answers."""
    until = monotonic() + ANSWER_SECONDS
    with urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS) as pool:
        while True:
            try:
                found: Mapping[str, Any] = json.loads(pool.request("GET", f"{root}/_books").data)
                return found
            except urllib3.exceptions.NewConnectionError:
                if monotonic() > until:
                    raise
                sleep(LOOK_SECONDS)


def connect_sandbox(uow: UnitOfWork, root: str, books: Mapping[str, Any], *, environment: Mapping[str, str]) -> None:
    """Add the two connections, the key of the warehouse and the locations' names, where they are not there yet."""
    if uow.session.get(ConnectionRow, SHOP) is None:
        add_connection(
            uow, name=SHOP, adapter="shopify", who=WHO, title="Marlow Outdoor", settings=_shop(uow, root, environment)
        )  # fmt: skip
    if uow.session.get(ConnectionRow, ERP) is None:
        add_connection(
            uow, name=ERP, adapter="business_central", who=WHO, title="Marlow US", roles=["erp"],
            settings=_erp(root, books, environment),
        )  # fmt: skip
    if token := environment.get("HUB_SANDBOX_ERP_TOKEN", ""):
        adopt_key(uow, token, name="demo warehouse", scopes=["erp:write"], connection=ERP)
    for place in books["locations"]:
        set_value(uow, SHOP, "location", place["code"], place["admin_graphql_api_id"], WHO)


def take_stock(house: Hub, books: Mapping[str, Any]) -> int:
    """Set a snapshot of every item at every location; older ones than the hub has change nothing."""
    sku_of = {variant["inventory_item_id"]: variant["sku"] for variant in books["variants"]}
    code_of = {place["id"]: place["code"] for place in books["locations"]}
    asked = house.clock.now() - timedelta(seconds=1)
    with house.unit_of_work() as uow:
        known = uow.sql("SELECT count(*) FROM inventory.stock_level").fetchone()
        if known and known[0]:
            return 0
        for level in books["inventoryLevels"]:
            sku, code = sku_of[level["inventory_item_id"]], code_of[level["location_id"]]
            inventory.set_snapshot(uow, STOCK_SOURCE, sku, code, Decimal(level["on_hand"]), asked)
    return len(books["inventoryLevels"])


def _shop(uow: UnitOfWork, root: str, environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        "shop": SHOP_DOMAIN,
        "base_url": f"{root}/shopify",
        "access_token": environment.get("HUB_SANDBOX_SHOP_TOKEN") or "sandbox-shop-token",
        "webhook_secret": uow.hub.settings.demo_secret or environment.get("HUB_SANDBOX_SHOP_SECRET", ""),
        "tag_prefix": "BC ",
        "publish_products": "chosen",
    }


def _erp(root: str, books: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    company = books["companies"][0]
    return {
        "base_url": f"{root}/business-central",
        "token_url": f"{root}/business-central/marlow/oauth2/v2.0/token",
        "tenant": "marlow",
        "environment": "production",
        "company_id": company["id"],
        "client_id": "roundhouse",
        "client_secret": environment.get("HUB_SANDBOX_ERP_SECRET") or "sandbox-erp-secret",
        "client_state": secrets.token_urlsafe(32),
        "local_currency": "USD",
        "tax_mode": "tax_lines",
        "zero_tax_code": "NONTAXABLE",
        "document_currency": "shop",
        "order_customer": "own",
        "accounts": {**ACCOUNTS, "tax_payable": TAX_PAYABLE},
        "zone": "America/New_York",
    }
