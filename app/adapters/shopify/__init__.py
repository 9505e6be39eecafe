"""Shopify: webhooks in, the Admin GraphQL API out."""
