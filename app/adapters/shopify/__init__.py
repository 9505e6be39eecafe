"""Shopify: webhooks in, the Admin GraphQL API out.

Source: Shopify's introspections of Admin GraphQL 2026-10 and 2026-04, its REST samples of 2026-07 and its validator of
webhook signatures.
"""

from __future__ import annotations

from app.adapters.shopify.account import probe
from app.adapters.shopify.client import POINTS, connect
from app.adapters.shopify.fulfilments import ShopifyShipments
from app.adapters.shopify.history import ShopifyHistory
from app.adapters.shopify.levels import TOPICS as LEVEL_TOPICS
from app.adapters.shopify.listings import ShopifyListings
from app.adapters.shopify.orders import ShopifyOrderReferences, ShopifyOrderSource
from app.adapters.shopify.price_reports import TOPICS as PRICE_TOPICS
from app.adapters.shopify.prices import ShopifyPrices
from app.adapters.shopify.privacy import TOPICS as PRIVACY_TOPICS
from app.adapters.shopify.settings import API_VERSION, ShopifySettings
from app.adapters.shopify.stock import ShopifyAvailability
from app.adapters.shopify.subscriptions import ShopifySubscriptions
from app.adapters.shopify.webhooks import TOPICS, verify
from app.domains.inventory.ports import AvailabilitySink
from app.domains.orders.ports import OrderReferenceSink, OrderSource, ShipmentSink
from app.domains.pricing.ports import PriceSink
from app.domains.product.ports import ListingSink
from app.infra.remote.history import History
from app.infra.remote.quotas import Quota, QuotaKind
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe, SubscriptionKeeper

SPEC = AdapterSpec(
    name="shopify",
    title="Shopify",
    api_version=API_VERSION,
    settings=ShopifySettings,
    connect=connect,
    capabilities=(
        Capability(port=OrderSource, build=ShopifyOrderSource.build, dedupe=Dedupe.READS),
        Capability(port=History, build=ShopifyHistory.build, dedupe=Dedupe.LOOKUP),
        Capability(port=OrderReferenceSink, build=ShopifyOrderReferences.build, dedupe=Dedupe.LOOKUP),
        Capability(port=ShipmentSink, build=ShopifyShipments.build, dedupe=Dedupe.LOOKUP),
        Capability(port=AvailabilitySink, build=ShopifyAvailability.build, dedupe=Dedupe.REMOTE_KEY),
        Capability(port=PriceSink, build=ShopifyPrices.build, dedupe=Dedupe.LOOKUP),
        Capability(port=ListingSink, build=ShopifyListings.build, dedupe=Dedupe.LOOKUP),
        Capability(port=SubscriptionKeeper, build=ShopifySubscriptions.build, dedupe=Dedupe.LOOKUP),
    ),
    contract="verified by Shopify's introspections 2026-10 and 2026-04 and its REST samples of 2026-07",
    verify=verify,
    topics={**TOPICS, **PRIVACY_TOPICS, **LEVEL_TOPICS, **PRICE_TOPICS},
    topic_queues={**dict.fromkeys(LEVEL_TOPICS, "inventory"), **dict.fromkeys(PRICE_TOPICS, "catalogue")},
    triggered_header="x-shopify-triggered-at",
    probe=probe,
    # shopify.dev, "Rate limits": the standard plan; what a shop's own plan allows, its answers say
    quotas=(Quota(name=POINTS, kind=QuotaKind.GRAPHQL_COST, limit=2000, window=20, weight=50),),
)
