"""Emulated vendors on loopback, with books of their own, for the demo, the tests and the benchmarks.

Knows      app.kernel and the standard library; graphql-core for the shop, urllib3 for webhooks out.
Known by   nobody: the hub speaks to it over HTTP, as to the real vendors.
Controls   /_books (what it really received), /_faults, /_limits, /_business_central/…, /_shopify/…
"""
