"""All fields of the schema that are not simply a field of a document, and what the roots ask of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.sandbox.shopify import (
    catalogue_fields,
    edit_fields,
    fulfillment_fields,
    fulfillment_mutations,
    line_fields,
    money_mutations,
    order_fields,
    order_mutations,
    party_fields,
    payment_fields,
    product_keys,
    product_mutations,
    shop_fields,
    stock_mutations,
    subscription_mutations,
    variant_mutations,
)
from app.sandbox.shopify.bulk import Bulk, fields_with, mutations_with
from app.sandbox.shopify.jobs import Jobs
from app.sandbox.shopify.views import Fields

# Of the mutations whose own documentation asks for @idempotent from 2026-04 on, those that are served.
IDEMPOTENT = frozenset({"refundCreate", "inventorySetQuantities", "inventoryActivate"})

_PRODUCT_QUERIES = (
    "product", "products", "productByIdentifier", "metafieldDefinition", "productVariant", "productVariants",
)  # fmt: skip
_FULFILLMENT_ORDERS = "merchant_managed_fulfillment_orders"
SCOPES_OF: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("order", "orders", "ordersCount", "refund"), "read_orders"),
        **dict.fromkeys(
            ("orderUpdate", "orderCancel", "orderCapture", "transactionVoid", "refundCreate", "metafieldsSet"),
            "write_orders",
        ),
        **dict.fromkeys(("tagsAdd", "tagsRemove"), "write_orders"),
        **dict.fromkeys(("orderEditBegin", "orderEditSetQuantity", "orderEditCommit"), "write_order_edits"),
        **dict.fromkeys(("fulfillmentOrder", "fulfillmentOrders"), f"read_{_FULFILLMENT_ORDERS}"),
        **dict.fromkeys(fulfillment_mutations.MUTATIONS, f"write_{_FULFILLMENT_ORDERS}"),
        "fulfillment": "read_fulfillments",
        "customer": "read_customers",
        **dict.fromkeys(("location", "locations"), "read_locations"),
        **dict.fromkeys(_PRODUCT_QUERIES, "read_products"),
        **dict.fromkeys(("productSet", *product_keys.MUTATIONS, *variant_mutations.MUTATIONS), "write_products"),
        **dict.fromkeys(("inventoryItem", "inventoryItems", "inventoryLevel"), "read_inventory"),
        **dict.fromkeys(stock_mutations.MUTATIONS, "write_inventory"),
    }
)


def fields_of(jobs: Jobs, bulk: Bulk) -> Fields:
    """Return the resolvers of the whole schema; `jobs` and `bulk` do what mutations promise."""
    mutations = {
        **order_mutations.MUTATIONS,
        **order_mutations.cancel_with(jobs),
        **money_mutations.MUTATIONS,
        **fulfillment_mutations.MUTATIONS,
        **stock_mutations.MUTATIONS,
        **product_mutations.MUTATIONS,
        **product_keys.MUTATIONS,
        **variant_mutations.MUTATIONS,
        **subscription_mutations.MUTATIONS,
        **mutations_with(bulk),
    }
    return {
        **order_fields.FIELDS,
        **party_fields.FIELDS,
        **line_fields.FIELDS,
        **payment_fields.FIELDS,
        **fulfillment_fields.FIELDS,
        **catalogue_fields.FIELDS,
        **product_keys.FIELDS,
        **stock_mutations.FIELDS,
        **edit_fields.FIELDS,
        **shop_fields.FIELDS,
        **fields_with(bulk),
        **{("Mutation", name): resolver for name, resolver in mutations.items()},
    }
