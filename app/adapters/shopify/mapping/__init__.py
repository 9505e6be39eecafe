"""Shopify's documents to canonical values: pure, without clock, network or database."""
