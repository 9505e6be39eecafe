"""What orders needs from the outside world. Adapters implement these; nothing here knows who."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from app.domains.orders.canonical import DocumentChanged, Order
from app.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """An id that the remote gave a thing of ours: the record step binds it."""

    kind: str  # "item", "customer", "sales_order" …
    key: str  # our name of it: SKU, account id, order id
    external_id: str
    number: str = ""  # the number that people read, where it differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What an ERP is asked to hold for one order.

    `key` is the order's legacy id at its channel; the sink makes its external document number from it. `known` are
    ids the hub has bound at this connection: kind → our key → external id; what is missing the sink looks up and tells
    as learned. `account_id` is the hub's customer account. `business_date` is the company's own date as it is asked:
    it is the day of its books, whenever the order was placed. `back_ordered` is line → how much of it is awaited.
    """

    order_id: str
    key: str
    order: Order
    account_id: str
    business_date: date
    known: Mapping[str, Mapping[str, str]]
    again: bool = False  # an earlier call may have arrived: look, wait out the doubt, look again, then write
    back_ordered: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the ERP's document is not what was planned."""

    field: str
    planned: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedLine:
    sequence: int
    meaning: str  # line, shipping, tip, gift_card, duty, fee, tax, cash_rounding, rounding, comment
    line_id: str = ""  # the order line, where it stands for one
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The ERP's document, read back. `differences` that are not empty are remarks; a wrong total never gets here."""

    external_id: str
    number: str
    repeated: bool  # the remote already had it
    total: Money
    tax: Money
    lines: tuple[PostedLine, ...]
    status: str = ""  # the ERP's own word: Draft, Open …
    learned: tuple[Learned, ...] = ()
    differences: tuple[Difference, ...] = ()


class SalesOrderSink(Protocol):
    """Hold a sales order exactly once per `key`, and follow its changes while that is possible.

    Every method reads the document back and raises NeedsAttention(`erp.total_differs`) unless its total is the
    order's, exactly. `change` and `cancel` raise NeedsAttention naming the exact change where the ERP has locked
    the document. Contract: tests/contracts/sales_order_sink.py
    """

    def post(self, posting: Posting) -> Receipt: ...

    def find(self, posting: Posting) -> Receipt | None: ...

    def change(self, posting: Posting) -> Receipt: ...

    def cancel(self, posting: Posting) -> Receipt | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpOrderLine:
    """A line as an ERP has it: `amount` is quantity × price − discount, in the document's currency."""

    sequence: int
    item: str  # the ERP's number of the item or account
    quantity: Decimal
    unit_price: Decimal
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpOrder:
    """An order as an ERP has it, in words that two ERPs can be compared by; comments are left out."""

    number: str
    reference: str  # the external number that the hub gave it
    customer: str
    status: str
    total: Money
    tax: Money
    lines: tuple[ErpOrderLine, ...]


class OrderBooks(Protocol):
    """What an ERP holds of an order, and what it would hold if it were posted now. Both only read.

    `would` leaves empty what only the ERP can tell, and raises as `SalesOrderSink.post` would.
    """

    def read(self, posting: Posting) -> ErpOrder | None: ...

    def would(self, posting: Posting) -> ErpOrder: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One successful movement of money that an ERP books: capture, sale, refund or redeemed gift card."""

    payment_id: str
    order_id: str
    order_key: str
    order_name: str
    transaction_id: str
    gateway: str
    kind: str
    amount: Money  # + received from the customer, - paid back
    occurred_on: date
    known: Mapping[str, Mapping[str, str]]
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceipt:
    external_id: str
    number: str
    repeated: bool
    booked: bool  # False where the connection's policy books no payments
    learned: tuple[Learned, ...] = ()


class PaymentSink(Protocol):
    """Book a payment once per `payment_id`, by the connection's `payment_booking` policy."""

    def book(self, payment: Payment) -> PaymentReceipt: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLine:
    """So many of an order line; `sequence` is the ERP line's, where the ERP speaks of lines by it."""

    quantity: Decimal
    sequence: int | None = None
    sku: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    tracking_number: str
    carrier: str = ""
    tracking_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpAcceptance:
    """The ERP's people accepted an order: it is theirs to ship now."""

    order_number: str
    accepted_at: datetime
    external_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpShipment:
    """A shipment as an ERP or a warehouse reports it. A negative quantity undoes an earlier one."""

    number: str
    order_number: str
    shipped_at: datetime
    lines: tuple[ShippedLine, ...]
    location: str = ""
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicedLine:
    sequence: int
    quantity: Decimal
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpInvoice:
    number: str
    order_number: str
    invoiced_on: date
    total: Money
    lines: tuple[InvoicedLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpProgress:
    """All that an ERP knows of what happened to one of its orders."""

    order_number: str
    status: str
    shipments: tuple[ErpShipment, ...]
    invoices: tuple[ErpInvoice, ...]


class ShipmentSource(Protocol):
    """Reads what shipped and what was invoiced, by the ERP's own order number."""

    def progress(self, order_number: str) -> ErpProgress: ...

    def number_of(self, changed: DocumentChanged) -> str:
        """The order number that a changed document belongs to; empty where it belongs to no order that is known."""
        ...

    def changed_since(self, since: datetime) -> tuple[str, ...]:
        """Numbers of orders whose document or invoice moved since then, for a poll."""
        ...


class OrderSource(Protocol):
    """Reads one order from its channel as it is now; None where the channel does not know it."""

    def fetch(self, external_id: str) -> Order | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReference:
    """The ERP's number of an order, for the channel to show."""

    order_gid: str
    number: str
    connection: str  # the ERP's connection name


class OrderReferenceSink(Protocol):
    """Shows the ERP's number at the channel, once; False where the channel does not know the order."""

    def tell(self, reference: OrderReference) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilledLine:
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment:
    """One shipment for the channel to show its customer. `location` is the channel's own id, by value map.

    `bound` are ids of the fulfilments that this shipment has at the channel already.
    """

    shipment_id: str
    order_gid: str
    lines: tuple[FulfilledLine, ...]
    location: str = ""
    packages: tuple[Package, ...] = ()
    notify_customer: bool = True
    bound: tuple[str, ...] = ()
    attempted_at: datetime | None = None  # when an earlier, unanswered attempt began
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentReceipt:
    external_ids: tuple[str, ...]
    repeated: bool
    unfulfilled: tuple[FulfilledLine, ...] = ()  # shipped, but no longer open at the channel: a case
    known: bool = True  # False where the channel does not know the order


class ShipmentSink(Protocol):
    """Shows a shipment at the channel exactly once, one fulfilment for each assigned location."""

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt: ...

    def track(self, fulfilment: Fulfilment) -> FulfilmentReceipt: ...

    def undo(self, fulfilment: Fulfilment) -> FulfilmentReceipt: ...
