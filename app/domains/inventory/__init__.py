"""Inventory: what can be sold, who has it reserved, and the ledger that both add up to.

Owns       schema `inventory`.
Publishes  inventory.stock_reserved/stock_refused/availability_changed/offers_changed/stock_oversold/
           reservation_expired.v1
Asked by   flows.order_to_cash, flows.order_changes, flows.shipments, console
"""
