"""What happened to an order. Facts stay small: whoever needs the order reads its version."""

from __future__ import annotations

from datetime import datetime

from app.kernel.events import Fact, event
from app.kernel.money import Money


@event("orders.order_captured", version=1, key="order_id")
class OrderCaptured(Fact):
    """A channel's order was taken in for the first time."""

    order_id: str
    channel: str  # the connection it came from
    external_id: str
    name: str
    version: int
    total: Money
    company: str = ""
    test: bool = False


@event("orders.order_held", version=1, key="order_id")
class OrderHeld(Fact):
    """An order waits for a decision."""

    order_id: str
    channel: str
    kind: str
    reason: str = ""
    company: str = ""


@event("orders.order_accepted", version=1, key="order_id")
class OrderAccepted(Fact):
    """Customer and stock are ours: an ERP may be asked to hold the order."""

    order_id: str
    channel: str
    version: int
    account_id: str
    company: str = ""


@event("orders.order_changed", version=1, key="order_id")
class OrderChanged(Fact):
    """A newer version of an accepted order is to be carried on. `changed` names groups: quantities, prices …"""

    order_id: str
    channel: str
    version: int
    changed: tuple[str, ...]
    company: str = ""
    erps: tuple[str, ...] = ()  # who was asked to hold it, whatever the routes say by now; none: whoever plays the role


@event("orders.order_cancelled", version=1, key="order_id")
class OrderCancelled(Fact):
    """The channel cancelled an order that an ERP was asked to hold."""

    order_id: str
    channel: str
    version: int
    reason: str = ""
    company: str = ""
    erps: tuple[str, ...] = ()  # who was asked to hold it


@event("orders.order_posted", version=1, key="order_id")
class OrderPosted(Fact):
    """An ERP holds the order. `repeated` says that it had it already when asked."""

    order_id: str
    channel: str
    erp: str
    erp_number: str
    version: int
    company: str = ""
    repeated: bool = False
    name: str = ""
    gid: str = ""  # the channel's global id of the order


@event("orders.order_released", version=1, key="order_id")
class OrderReleased(Fact):
    """The ERP's people accepted the order."""

    order_id: str
    channel: str
    erp: str
    erp_number: str
    released_at: datetime
    company: str = ""


@event("orders.payment_received", version=1, key="order_id")
class PaymentReceived(Fact):
    """Money moved for an order that `erp` holds, and its policy books payments."""

    order_id: str
    channel: str
    erp: str
    payment_id: str
    transaction_id: str
    kind: str
    amount: Money
    company: str = ""


@event("orders.shipment_recorded", version=1, key="order_id")
class ShipmentRecorded(Fact):
    """Goods of an order left, as the ERP or the warehouse reported."""

    order_id: str
    channel: str
    shipment_id: str
    erp: str
    number: str
    company: str = ""


@event("orders.order_shipped", version=1, key="order_id")
class OrderShipped(Fact):
    """All goods of an order that need shipping have left."""

    order_id: str
    channel: str
    company: str = ""


@event("orders.release_missed", version=1, key="order_id")
class ReleaseMissed(Fact):
    """Nobody at the ERP accepted an order in the company's time. `turn` is 2 where it was given more."""

    order_id: str
    channel: str
    erp: str
    erp_number: str
    due_at: datetime
    hours: int = 24
    company: str = ""
    turn: int = 1


@event("orders.shipment_missed", version=1, key="order_id")
class ShipmentMissed(Fact):
    """An order has not left whole by the day it was to. `turn` is 2 where it was given more time."""

    order_id: str
    channel: str
    erp: str
    erp_number: str
    due_at: datetime
    company: str = ""
    turn: int = 1


@event("orders.wait_extended", version=1, key="order_id")
class WaitExtended(Fact):
    """Somebody decided to wait `hours` more for an ERP's release or for the shipment; `look` asks the ERP at once."""

    order_id: str
    channel: str
    erp: str
    erp_number: str
    what: str  # release or shipment
    hours: int
    turn: int
    look: bool = False
    decided_by: str = ""
    company: str = ""


@event("orders.shipment_undone", version=1, key="order_id")
class ShipmentUndone(Fact):
    """An earlier shipment was taken back by `number`."""

    order_id: str
    channel: str
    shipment_id: str
    erp: str
    number: str
    company: str = ""


@event("orders.tracking_added", version=1, key="order_id")
class TrackingAdded(Fact):
    """A shipment that was known got its tracking numbers, or others."""

    order_id: str
    channel: str
    shipment_id: str
    company: str = ""


@event("orders.order_invoiced", version=1, key="order_id")
class OrderInvoiced(Fact):
    """The ERP invoiced an order, or a part of it."""

    order_id: str
    channel: str
    invoice_id: str
    erp: str
    number: str
    total: Money
    company: str = ""


@event("orders.comparison_requested", version=1, key="order_id")
class ComparisonRequested(Fact):
    """A cut-over report wants to know what an ERP holds of an order."""

    order_id: str
    erp: str
    cut_over_id: str


@event("orders.refresh_requested", version=1, key="external_key")
class RefreshRequested(Fact):
    """A channel rang, or told two things at once: its order is to be fetched. The key is `<channel>/<external id>`."""

    external_key: str
    channel: str
    external_id: str
    reason: str
    notice_id: int = 0


@event("orders.progress_requested", version=1, key="document_key")
class ProgressRequested(Fact):
    """An ERP's document moved, or many did since `since`: what shipped and what was invoiced is to be read.

    The key is `<erp>/<number, or the ERP's own id, or the instant>`.
    """

    document_key: str
    erp: str
    kind: str = ""  # sales_order, sales_invoice or shipment: what `external_id` is of
    number: str = ""  # the order's
    external_id: str = ""
    since: datetime | None = None
