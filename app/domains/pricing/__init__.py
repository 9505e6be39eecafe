"""Pricing: what something costs somebody somewhere, with every discount and tax explained.

Owns       schema `pricing`.
Publishes  pricing.price_changed.v1
Needs      TaxQuoter (a table of rates, or a tax engine)
Asked by   api v1, console
"""
