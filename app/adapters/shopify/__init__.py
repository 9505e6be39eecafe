"""Shopify: webhooks in, the Admin GraphQL API out.

Source: Shopify's introspections of Admin GraphQL 2026-10 and 2026-04, its REST samples of 2026-07 and its validator of
webhook signatures.
"""

from __future__ import annotations

from app.adapters.shopify.account import ShopifySubscriptions, probe
from app.adapters.shopify.client import connect
from app.adapters.shopify.fulfilments import ShopifyShipments
from app.adapters.shopify.orders import ShopifyOrderReferences, ShopifyOrderSource
from app.adapters.shopify.settings import API_VERSION, ShopifySettings
from app.adapters.shopify.webhooks import TOPICS, verify
from app.domains.orders.ports import OrderReferenceSink, OrderSource, ShipmentSink
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe, SubscriptionKeeper

SPEC = AdapterSpec(
    name="shopify",
    title="Shopify",
    api_version=API_VERSION,
    settings=ShopifySettings,
    connect=connect,
    capabilities=(
        Capability(port=OrderSource, build=ShopifyOrderSource.build, dedupe=Dedupe.READS),
        Capability(port=OrderReferenceSink, build=ShopifyOrderReferences.build, dedupe=Dedupe.LOOKUP),
        Capability(port=ShipmentSink, build=ShopifyShipments.build, dedupe=Dedupe.LOOKUP),
        Capability(port=SubscriptionKeeper, build=ShopifySubscriptions.build, dedupe=Dedupe.LOOKUP),
    ),
    contract="verified by Shopify's introspections 2026-10 and 2026-04 and its REST samples of 2026-07",
    verify=verify,
    topics=TOPICS,
    triggered_header="x-shopify-triggered-at",
    probe=probe,
)
