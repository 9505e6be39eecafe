"""Orders: from capture to fulfilment.

Owns       schema `orders`.
Publishes  order_captured, order_held, order_accepted, order_changed, order_cancelled, order_posted, order_released,
           payment_received, shipment_recorded, shipment_undone, tracking_added, order_invoiced, and two requests to
           read again: refresh_requested (a channel's order), progress_requested (an ERP's document)
Needs      an ERP: SalesOrderSink, PaymentSink, ShipmentSource; a channel: OrderSource, OrderReferenceSink, ShipmentSink
Asked by   flows.intake, flows.order_to_cash, flows.order_changes, flows.shipments, flows.payments, api v1, console
"""
