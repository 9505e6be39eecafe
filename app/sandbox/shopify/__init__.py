"""The shop: Shopify's Admin GraphQL API, its webhooks out, and the controls that play its merchant.

One representation: REST documents in the books, as the webhooks carry them. GraphQL objects are views of them.
Served    POST /shopify/admin/api/{version}/graphql.json
Controls  /_shopify/orders, /_shopify/orders/{id}/cancel|edit|pay|refund, /_shopify/webhooks/emit, /_shopify/scopes
"""
