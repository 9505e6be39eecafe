"""Prices of variants: what stands, and setting them, one product's at a time."""

from __future__ import annotations

_SHOWN = "id sku price compareAtPrice product { id }"

PRICES = f"""
query Prices($ids: [ID!]!) {{
  shop {{ currencyCode }}
  nodes(ids: $ids) {{ ... on ProductVariant {{ {_SHOWN} }} }}
}}"""

PRICES_BY_SKU = f"""
query PricesBySku($query: String!) {{
  shop {{ currencyCode }}
  productVariants(first: 100, query: $query) {{ nodes {{ {_SHOWN} }} }}
}}"""

SET_PRICES = """
mutation SetPrices($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants, allowPartialUpdates: true) {
    productVariants { id }
    userErrors { field message code }
  }
}"""
