"""Levels of stock: what stands at a place, and setting it over what was expected there."""

from __future__ import annotations

_LEVEL = "inventoryLevel(locationId: $place) { quantities(names: $names) { quantity } }"

PLACES = """
query Places {
  locations(first: 2) { nodes { id name } }
}"""

LEVELS = f"""
query Levels($ids: [ID!]!, $place: ID!, $names: [String!]!) {{
  nodes(ids: $ids) {{ ... on InventoryItem {{ id sku {_LEVEL} }} }}
}}"""

LEVELS_BY_SKU = f"""
query LevelsBySku($query: String!, $place: ID!, $names: [String!]!) {{
  inventoryItems(first: 100, query: $query) {{ nodes {{ id sku {_LEVEL} }} }}
}}"""

SET_LEVELS = """
mutation SetLevels($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { createdAt }
    userErrors { field message code }
  }
}"""

STOCK_ITEM = """
mutation StockItem($item: ID!, $place: ID!, $available: Int, $onHand: Int, $key: String!) {
  inventoryActivate(inventoryItemId: $item, locationId: $place, available: $available, onHand: $onHand)
    @idempotent(key: $key) {
    inventoryLevel { id }
    userErrors { field message }
  }
}"""
