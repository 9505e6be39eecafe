"""Products: finding one by our own id or by its SKUs, reading how it stands, and setting it whole."""

from __future__ import annotations

_VARIANTS = """pageInfo { hasNextPage endCursor }
      nodes { id sku barcode selectedOptions { name value } inventoryItem { id } }"""
_STANDS = f"""id title status mediaCount {{ count }}
    variants(first: 50) {{
      {_VARIANTS}
    }}"""

LISTED = f"""
query Listed($id: ID!) {{
  shop {{ currencyCode }}
  product(id: $id) {{ {_STANDS} }}
}}"""

LISTED_BY_KEY = f"""
query ListedByKey($identifier: ProductIdentifierInput!) {{
  shop {{ currencyCode }}
  productByIdentifier(identifier: $identifier) {{ {_STANDS} }}
}}"""

LISTED_BY_SKU = """
query ListedBySku($query: String!) {
  productVariants(first: 100, query: $query) { nodes { id sku product { id } } }
}"""

LISTED_VARIANTS = f"""
query ListedVariants($id: ID!, $after: String) {{
  product(id: $id) {{
    variants(first: 100, after: $after) {{
      {_VARIANTS}
    }}
  }}
}}"""

SHOWN = """
query Shown($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Product {
      id title status
      variants(first: 100) { pageInfo { hasNextPage endCursor } nodes { id sku barcode } }
    }
  }
}"""

SET_PRODUCT = f"""
mutation SetProduct($identifier: ProductSetIdentifiers!, $input: ProductSetInput!) {{
  productSet(identifier: $identifier, input: $input, synchronous: true) {{
    product {{ {_STANDS} }}
    userErrors {{ field message code }}
  }}
}}"""

KEY_KNOWN = """
query KeyKnown($identifier: MetafieldDefinitionIdentifierInput!) {
  metafieldDefinition(identifier: $identifier) { id }
}"""

MAKE_KEY = """
mutation MakeKey($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition { id }
    userErrors { field message code }
  }
}"""
