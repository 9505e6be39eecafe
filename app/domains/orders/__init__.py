"""Orders: from capture to shipment and invoice.

Owns       schema `orders`.
Publishes  orders.order_captured/changed/accepted/posted/cancelled.v1, orders.shipment_recorded.v1, orders.invoice_recorded.v1
Needs      OrderSource, OrderReferenceSink and ShipmentSink (a channel), SalesOrderSink, ShipmentSource and PaymentSink (an ERP)
Asked by   flows.intake, flows.order_to_cash, api v1, /erp, console
"""
