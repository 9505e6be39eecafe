"""Showing an order's number at the ERP."""

from __future__ import annotations

_NUMBER = "metafieldsSet(metafields: $metafields) { userErrors { field message code } }"

TELL_NUMBER = f"""
mutation TellNumber($metafields: [MetafieldsSetInput!]!) {{
  {_NUMBER}
}}"""

TELL_NUMBER_AND_TAG = f"""
mutation TellNumberAndTag($metafields: [MetafieldsSetInput!]!, $id: ID!, $tags: [String!]!) {{
  {_NUMBER}
  tagsAdd(id: $id, tags: $tags) {{ userErrors {{ field message }} }}
}}"""
