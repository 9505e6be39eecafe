"""Which vendors a sandbox emulates, and who acts in the demo."""

from __future__ import annotations

from random import Random

from app.sandbox.business_central.service import BusinessCentral
from app.sandbox.callbacks import HubCallbacks
from app.sandbox.frame import Sandbox
from app.sandbox.settings import Settings
from app.sandbox.shopify.shop import Shop
from app.sandbox.traffic import Traffic
from app.sandbox.warehouse import Warehouse


def create_sandbox(settings: Settings) -> Sandbox:
    """Build a sandbox with every vendor; it answers at once, its threads run after `start`.

    With a `demo_rate` customers order by themselves, and a warehouse ships what arrives in Business Central.
    """
    sandbox = Sandbox(settings, {"business_central": BusinessCentral, "shopify": Shop})
    if settings.demo_rate:
        business_central, shop = sandbox.vendors["business_central"], sandbox.vendors["shopify"]
        assert isinstance(business_central, BusinessCentral)
        assert isinstance(shop, Shop)
        callbacks = HubCallbacks(settings.hub_url, settings.erp_token, sandbox.books)
        warehouse = Warehouse(business_central.people, callbacks, Random(settings.random_seed))
        business_central.listeners.append(warehouse.listen)
        traffic = Traffic(
            shop,
            sandbox.faults,
            warehouse.split_next,
            Random(settings.random_seed + 1),
            rate=settings.demo_rate,
            hub_url=settings.hub_url,
            troubles=settings.demo_troubles,
        )
        sandbox.personas += [warehouse, traffic]
    return sandbox
