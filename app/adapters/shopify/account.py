"""The shop's account: a connection test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.adapters.shopify.client import Admin
from app.adapters.shopify.documents import account
from app.adapters.shopify.settings import API_VERSIONS
from app.adapters.shopify.subscriptions import NEEDED_TOPICS, Subscription, every_subscription
from app.infra.remote.client import Outbound
from app.infra.remote.spec import Probe
from app.kernel.errors import HubError

# What the adapter calls needs these; a write scope holds its read scope.
REQUIRED_SCOPES = ("write_orders", "read_customers", "write_merchant_managed_fulfillment_orders")
STOCK_SCOPES = ("write_inventory", "read_locations")  # only where the hub sets the shop's stock
PRODUCT_SCOPES = ("write_products",)  # only where the hub publishes products
WANTED_SCOPES = ("read_all_orders",)  # without it orders older than 60 days do not exist for us


def probe(remote: Outbound, settings: Mapping[str, Any]) -> tuple[Probe, ...]:
    """Whether the shop answers, is the right one, lets us do what we need, serves our API version and tells us."""
    admin = Admin.of(remote, settings)
    try:
        answer = admin.ask(account.PROBE)
        told = every_subscription(admin)
    except HubError as refused:
        return (Probe(name="reachable", passed=False, said=f"{refused.code}: {refused.message}"),)
    shop = answer["shop"]
    granted = {scope["handle"] for scope in answer["currentAppInstallation"]["accessScopes"]}
    served = {one["handle"] for one in answer["publicApiVersions"] if one["supported"]}
    return (
        Probe(name="reachable", passed=True, said=f"{shop['name']}, {shop['currencyCode']}, {shop['ianaTimezone']}"),
        _same_shop(shop["myshopifyDomain"], str(settings["shop"])),
        _scopes(granted, _required(settings)),
        _version(admin.version, served),
        _told(told),
    )


def _required(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes that what the connection is set to do needs."""
    stock = STOCK_SCOPES if settings.get("stock_figure") else ()
    return (*REQUIRED_SCOPES, *stock, *(PRODUCT_SCOPES if settings.get("publish_products") else ()))


def _same_shop(found: str, wanted: str) -> Probe:
    said = found if found == wanted else f"the token belongs to {found}, the connection is for {wanted}"
    return Probe(name="shop", passed=found == wanted, said=said)


def _scopes(granted: set[str], required: tuple[str, ...]) -> Probe:
    missing = [scope for scope in required if scope not in granted]
    wanted = [scope for scope in WANTED_SCOPES if scope not in granted]
    if missing:
        return Probe(name="scopes", passed=False, said=f"grant the app {', '.join(missing)}")
    return Probe(name="scopes", passed=True, said=f"without {', '.join(wanted)}" if wanted else "all that is needed")


def _version(pinned: str, served: set[str]) -> Probe:
    if pinned in served:
        return Probe(name="api_version", passed=True, said=pinned)
    others = ", ".join(sorted(served.intersection(API_VERSIONS))) or "none that this adapter speaks"
    return Probe(name="api_version", passed=False, said=f"{pinned} is no longer served; served is {others}")


def _told(found: tuple[Subscription, ...]) -> Probe:
    topics = {one.topic for one in found}
    missing = [topic for topic in NEEDED_TOPICS if topic not in topics]
    said = f"not subscribed: {', '.join(missing)}" if missing else f"{len(topics)} topics"
    return Probe(name="webhooks", passed=not missing, said=said)
