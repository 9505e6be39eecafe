"""Microsoft Dynamics 365 Business Central, API v2.0: orders, payments, shipments, items, customers and notifications.

One connection is one environment and one company. docs/adapters/business_central.md says what proves each rule.
"""

from __future__ import annotations

from app.adapters.business_central.client import connect
from app.adapters.business_central.customers import BusinessCentralCustomers
from app.adapters.business_central.items import BusinessCentralItems
from app.adapters.business_central.order_books import BusinessCentralOrderBooks
from app.adapters.business_central.payments import BusinessCentralPayments
from app.adapters.business_central.probe import learn, probe
from app.adapters.business_central.sales_orders import BusinessCentralSalesOrders
from app.adapters.business_central.settings import BusinessCentralSettings
from app.adapters.business_central.shipments import BusinessCentralShipments
from app.adapters.business_central.stock import BusinessCentralStock
from app.adapters.business_central.subscriptions import BusinessCentralSubscriptions
from app.adapters.business_central.webhooks import TOPIC, echo, translate, verify
from app.domains.customers.ports import CustomerSource
from app.domains.inventory.ports import StockSource
from app.domains.orders.ports import OrderBooks, PaymentSink, SalesOrderSink, ShipmentSource
from app.domains.product.ports import ProductSource
from app.infra.remote.quotas import Quota, QuotaKind
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe, SubscriptionKeeper

SPEC = AdapterSpec(
    name="business_central",
    title="Microsoft Dynamics 365 Business Central",
    api_version="v2.0",
    settings=BusinessCentralSettings,
    connect=connect,
    capabilities=(
        Capability(port=SalesOrderSink, build=BusinessCentralSalesOrders.build, dedupe=Dedupe.LOOKUP),
        Capability(port=PaymentSink, build=BusinessCentralPayments.build, dedupe=Dedupe.LOOKUP),
        Capability(port=ShipmentSource, build=BusinessCentralShipments.build, dedupe=Dedupe.READS),
        Capability(port=StockSource, build=BusinessCentralStock.build, dedupe=Dedupe.READS),
        Capability(port=OrderBooks, build=BusinessCentralOrderBooks.build, dedupe=Dedupe.READS),
        Capability(port=ProductSource, build=BusinessCentralItems.build, dedupe=Dedupe.READS),
        Capability(port=CustomerSource, build=BusinessCentralCustomers.build, dedupe=Dedupe.READS),
        Capability(port=SubscriptionKeeper, build=BusinessCentralSubscriptions.build, dedupe=Dedupe.LOOKUP),
    ),
    contract="verified by tests/contracts against the sandbox and Microsoft's property tables",
    verify=verify,
    topics={TOPIC: translate},
    refusal_status=202,
    echo=echo,
    probe=probe,
    learn=learn,
    # Microsoft Learn, "Work with API limits": per service principal
    quotas=(
        Quota(name="requests", kind=QuotaKind.SLIDING_WINDOW, limit=6000, window=300),
        Quota(name="at_once", kind=QuotaKind.CONCURRENCY, limit=100),
    ),
)
