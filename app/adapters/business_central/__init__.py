"""Microsoft Dynamics 365 Business Central, API v2.0: sales orders, payments, shipments and notifications.

One connection is one environment and one company. docs/adapters/business_central.md says what proves each rule.
"""

from __future__ import annotations

from app.adapters.business_central.client import connect
from app.adapters.business_central.payments import BusinessCentralPayments
from app.adapters.business_central.probe import learn, probe
from app.adapters.business_central.sales_orders import BusinessCentralSalesOrders
from app.adapters.business_central.settings import BusinessCentralSettings
from app.adapters.business_central.shipments import BusinessCentralShipments
from app.adapters.business_central.subscriptions import BusinessCentralSubscriptions
from app.adapters.business_central.webhooks import TOPIC, echo, translate, verify
from app.domains.orders.ports import PaymentSink, SalesOrderSink, ShipmentSource
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
        Capability(port=SubscriptionKeeper, build=BusinessCentralSubscriptions.build, dedupe=Dedupe.LOOKUP),
    ),
    contract="verified by tests/contracts against the sandbox and Microsoft's property tables",
    verify=verify,
    topics={TOPIC: translate},
    refusal_status=202,
    echo=echo,
    probe=probe,
    learn=learn,
)
