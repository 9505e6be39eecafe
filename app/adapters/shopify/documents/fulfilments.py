"""Fulfilment orders and fulfilments."""

from __future__ import annotations

from app.adapters.shopify.documents.paging import PAGE

_FULFILMENT_ORDER_LINES = f"nodes {{ id remainingQuantity lineItem {{ id }} }} {PAGE}"

FULFILMENT_STATE = f"""
query FulfilmentState($id: ID!, $after: String) {{
  order(id: $id) {{
    id
    fulfillmentOrders(first: 10, after: $after) {{
      nodes {{
        id status requestStatus
        assignedLocation {{ location {{ id }} }}
        supportedActions {{ action }}
        fulfillmentHolds {{ id handle heldByRequestingApp displayReason }}
        lineItems(first: 30) {{ {_FULFILMENT_ORDER_LINES} }}
      }}
      {PAGE}
    }}
    fulfillments(first: 100) {{ id status createdAt }}
  }}
}}"""

FULFILMENT_ORDER_LINES = f"""
query FulfilmentOrderLines($id: ID!, $after: String) {{
  fulfillmentOrder(id: $id) {{
    lineItems(first: 100, after: $after) {{ {_FULFILMENT_ORDER_LINES} }}
  }}
}}"""

FULFILMENTS = f"""
query Fulfilments($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Fulfillment {{
      id status createdAt
      trackingInfo(first: 20) {{ company number url }}
      fulfillmentLineItems(first: 100) {{ nodes {{ quantity lineItem {{ id }} }} {PAGE} }}
    }}
  }}
}}"""

CREATE_FULFILMENT = """
mutation CreateFulfilment($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field message } }
}"""

UPDATE_TRACKING = """
mutation UpdateTracking($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {
    fulfillment { id }
    userErrors { field message }
  }
}"""

CANCEL_FULFILMENT = """
mutation CancelFulfilment($id: ID!) {
  fulfillmentCancel(id: $id) { fulfillment { id status } userErrors { field message } }
}"""

RELEASE_HOLDS = """
mutation ReleaseHolds($id: ID!, $holds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) { userErrors { field message } }
}"""

OPEN_FULFILMENT_ORDER = """
mutation OpenFulfilmentOrder($id: ID!) {
  fulfillmentOrderOpen(id: $id) { userErrors { field message } }
}"""

ACCEPT_REQUEST = """
mutation AcceptRequest($id: ID!) {
  fulfillmentOrderAcceptFulfillmentRequest(id: $id) { userErrors { field message } }
}"""

MOVE_LINES = """
mutation MoveLines($id: ID!, $location: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $location, fulfillmentOrderLineItems: $lines) {
    userErrors { field message }
  }
}"""
