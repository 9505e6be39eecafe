"""Customers: one account for a buyer, whichever channel or guest checkout the order came from.

Owns       schema `customers`.
Publishes  customers.account_matched/account_completed.v1
Asked by   flows.acceptance, console
"""
