"""Listing what a shop holds: page by page, or by a bulk operation that writes a file.

A bulk document takes no variables, sizes its own pages and has at most five connections, none inside a list: what an
order holds beyond those is read order by order.
"""

from __future__ import annotations

from app.adapters.shopify.documents import orders
from app.adapters.shopify.documents.paging import PAGE

_HEAD = "id: legacyResourceId created_at: createdAt updated_at: updatedAt"

COUNT_ORDERS = """
query CountOrders($query: String!) {
  count: ordersCount(query: $query, limit: null) { count precision }
  currentAppInstallation { accessScopes { handle } }
}"""

LIST_ORDERS = f"""
query ListOrders($query: String!, $sort: OrderSortKeys!, $first: Int!, $after: String) {{
  page: orders(first: $first, after: $after, query: $query, sortKey: $sort) {{ nodes {{ {_HEAD} }} {PAGE} }}
}}"""

RUN_BULK = """
mutation RunBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { id }
    userErrors { code field message }
  }
}"""

BULK = """
query Bulk($id: ID!) {
  operation: bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount url }
}"""

RECENT_BULKS = """
query RecentBulks {
  page: bulkOperations(first: 25, sortKey: CREATED_AT, reverse: true) { nodes { id status query } }
}"""


def _in_bulk(field: str, arguments: str, node: str) -> str:
    """A connection without a size of its own; its rows say what they are, since they stand alone in the file."""
    kept = ", ".join(one for one in arguments.split(", ") if not one.startswith("first:"))
    return f"{field}{f'({kept})' if kept else ''} {{ edges {{ node {{ __typename {node} }} }} }}"


_BULK_ORDER = orders.fields(_in_bulk, identity="id __typename legacy: legacyResourceId")
BULK_ORDERS = (
    f'query Backfill_NAME {{ orders(query: "SPAN") {{ edges {{ node {{ {_BULK_ORDER} }} }} }} }}' + orders.FRAGMENTS
)


def bulk_orders(name: str, span: str) -> str:
    """The document of one bulk listing; `name` finds it again."""
    return BULK_ORDERS.replace("Backfill_NAME", bulk_name(name), 1).replace("SPAN", span, 1)


def bulk_name(name: str) -> str:
    return f"Backfill_{name.replace('-', '')}"
