"""Which vendors a sandbox emulates."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.sandbox.business_central.service import BusinessCentral
from app.sandbox.frame import Sandbox, VendorFactory
from app.sandbox.settings import Settings
from app.sandbox.shopify.shop import Shop

VENDORS: Mapping[str, VendorFactory] = MappingProxyType({"business_central": BusinessCentral, "shopify": Shop})


def create_sandbox(settings: Settings) -> Sandbox:
    """Build a sandbox with every vendor; it answers at once, its threads run after `start`."""
    return Sandbox(settings, VENDORS)
