"""A shop and an ERP on paper: they speak the hub's own canonical values, so a story is about the story alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domains.customers.canonical import PrivacyAsked
from app.domains.orders.canonical import (
    Bell,
    Deleted,
    DocumentChanged,
    FulfilmentReported,
    LineKind,
    Order,
    Uninstalled,
)
from app.domains.orders.ports import (
    ErpInvoice,
    ErpProgress,
    ErpShipment,
    FulfilledLine,
    Fulfilment,
    FulfilmentReceipt,
    Learned,
    OrderReference,
    OrderReferenceSink,
    OrderSource,
    Payment,
    PaymentReceipt,
    PaymentSink,
    PostedLine,
    Posting,
    Receipt,
    SalesOrderSink,
    ShipmentSink,
    ShipmentSource,
)
from app.infra.remote.client import Outbound
from app.infra.remote.history import By, History, Listed, Page, Span
from app.infra.remote.spec import (
    AdapterSpec,
    Capability,
    Dedupe,
    Message,
    SettingsSchema,
    Subscribed,
    SubscriptionKeeper,
)
from app.kernel import codec
from app.kernel.errors import Ambiguous, Invalid, NeedsAttention
from app.kernel.money import Money

VALUES: dict[str, type] = {
    "order": Order, "bell": Bell, "fulfilment": FulfilmentReported, "deleted": Deleted, "uninstalled": Uninstalled,
    "document": DocumentChanged, "privacy": PrivacyAsked,
}  # fmt: skip
TOPICS = ("orders/create", "orders/updated", "orders/cancelled", "bells", "fulfillments/create", "documents", "privacy")


class Anything(SettingsSchema):
    class Meta:
        unknown = "include"


def said(value: object) -> bytes:
    """A body that `read` turns into the value again."""
    kind = next(kind for kind, wanted in VALUES.items() if isinstance(value, wanted))
    return json.dumps({"kind": kind, "value": codec.dump(value)}).encode()


def read(message: Message, settings: Mapping[str, Any]) -> object:
    try:
        body = json.loads(message.body)
        return codec.load(VALUES[body["kind"]], body["value"])
    except (ValueError, KeyError, TypeError) as wrong:
        raise Invalid("paper.unreadable", "the body is not what we write", about="body") from wrong


@dataclass
class Shop:
    """A channel: what it would answer, and what it was told."""

    orders: dict[str, Order] = field(default_factory=dict)
    references: list[OrderReference] = field(default_factory=list)
    shown: list[Fulfilment] = field(default_factory=list)
    tracked: list[Fulfilment] = field(default_factory=list)
    undone: list[Fulfilment] = field(default_factory=list)
    fetched: int = 0
    knows: bool = True
    open_units: int = 1_000_000
    wrong: dict[str, Exception | bytes] = field(default_factory=dict)  # what reading an order raises, or its bad body
    lost: int = 0  # so many orders are counted and never listed
    listings: int = 0
    reads: list[str] = field(default_factory=list)
    whole: bool = False  # lists orders whole, as a file does
    before_read: Callable[[str], None] = lambda external_id: None

    subscribed: tuple[Subscribed, ...] = ()  # what the keeper finds, and did

    kinds = ("order",)

    def look(self, address: str) -> tuple[Subscribed, ...]:
        return self.subscribed

    ensure = look

    def _within(self, span: Span) -> list[Order]:
        if span.kind != "order":
            raise Invalid("history.unknown_kind", f"no {span.kind}")
        times = {By.CREATED: lambda one: one.created_at, By.UPDATED: lambda one: one.source_version}
        at = times[span.by]
        found = [one for one in self.orders.values() if span.since <= at(one) < span.until]
        return sorted(found, key=lambda one: (at(one), one.ref.external_id))

    def count(self, span: Span) -> int | None:
        return len(self._within(span)) + self.lost

    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = 100) -> Page:
        self.listings += 1
        names, start = self._within(span), int(after or 0)
        end = start + min(most, 3)
        items = tuple(self._listed(one, whole=self.whole) for one in names[start:end])
        return Page(items=items, after=str(end) if end < len(names) else "")

    def read(self, kind: str, external_id: str) -> Listed | None:
        self.reads.append(external_id)
        self.before_read(external_id)
        wrong, order = self.wrong.get(external_id), self.orders.get(external_id)
        if isinstance(wrong, Exception):
            raise wrong
        return self._listed(order, whole=True) if order else None

    def _listed(self, order: Order, *, whole: bool) -> Listed:
        wrong = self.wrong.get(order.ref.external_id)
        body = wrong if isinstance(wrong, bytes) else said(order)
        return Listed(
            external_id=order.ref.external_id, version=order.source_version, created_at=order.created_at,
            topic="orders/updated" if whole else "", body=body if whole else b"",
        )  # fmt: skip

    def fetch(self, external_id: str) -> Order | None:
        self.fetched += 1
        return self.orders.get(external_id)

    def tell(self, reference: OrderReference) -> bool:
        self.references.append(reference)
        return self.knows

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        self.shown.append(fulfilment)
        left = tuple(
            FulfilledLine(line_id=line.line_id, quantity=line.quantity - self.open_units)
            for line in fulfilment.lines
            if line.quantity > self.open_units
        )
        made = (f"F{len(self.shown)}",) if self.knows else ()
        return FulfilmentReceipt(external_ids=made, repeated=False, unfulfilled=left, known=self.knows)

    def track(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        self.tracked.append(fulfilment)
        return FulfilmentReceipt(external_ids=fulfilment.bound, repeated=False)

    def undo(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        self.undone.append(fulfilment)
        return FulfilmentReceipt(external_ids=fulfilment.bound, repeated=False)


@dataclass
class Document:
    """A sales order as the ERP holds it."""

    external_id: str
    number: str
    lines: dict[str, int]
    total: Money
    tax: Money
    released: bool = False
    deleted: bool = False


@dataclass
class Erp:
    """An ERP that finds a document by its key. `lose` answers get lost after the effect; `before` runs in a call."""

    documents: dict[str, Document] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    payments: dict[str, Payment] = field(default_factory=dict)
    shipments: dict[str, list[ErpShipment]] = field(default_factory=dict)
    invoices: dict[str, list[ErpInvoice]] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    since: list[datetime] = field(default_factory=list)
    lose: int = 0
    unmapped: set[str] = field(default_factory=set)
    before: Callable[[str], None] = lambda call: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, posting: Posting) -> Receipt:
        with self.lock:
            self._called("post")
            self.postings.append(posting)
            missing = next((line.sku for line in posting.order.lines if line.sku in self.unmapped), None)
            if missing:
                raise NeedsAttention("orders.sku_unmapped", f"no item {missing}", about=f"sku {missing}", sku=missing)
            known = self.documents.get(posting.key)
            document = known if known and not known.deleted else self._write(posting, known)
            if self.lose:
                self.lose -= 1
                raise Ambiguous("paper.no_answer", "the answer was lost")
            return _receipt(document, posting, repeated=known is not None)

    def find(self, posting: Posting) -> Receipt | None:
        known = self.documents.get(posting.key)
        return _receipt(known, posting, repeated=True) if known and not known.deleted else None

    def change(self, posting: Posting) -> Receipt:
        with self.lock:
            self._called("change")
            document = self._open(posting)
            return _receipt(self._write(posting, document), posting, repeated=False)

    def cancel(self, posting: Posting) -> Receipt | None:
        with self.lock:
            self._called("cancel")
            known = self.documents.get(posting.key)
            if known and not known.deleted:
                self._open(posting).deleted = True
            return None

    def book(self, payment: Payment) -> PaymentReceipt:
        with self.lock:
            self._called("book")
            repeated = payment.payment_id in self.payments
            self.payments[payment.payment_id] = payment
        number = f"P-{payment.transaction_id}"
        return PaymentReceipt(external_id=number, number=number, repeated=repeated, booked=True)

    def progress(self, order_number: str) -> ErpProgress:
        return ErpProgress(
            order_number=order_number, status="Open", shipments=tuple(self.shipments.get(order_number, ())),
            invoices=tuple(self.invoices.get(order_number, ())),
        )  # fmt: skip

    def number_of(self, changed: DocumentChanged) -> str:
        return changed.number

    def changed_since(self, since: datetime) -> tuple[str, ...]:
        self.since.append(since)
        return tuple(self.moved)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        self.before(call)

    def _open(self, posting: Posting) -> Document:
        document = self.documents[posting.key]
        if document.released:
            raise NeedsAttention("erp.order_released", f"{document.number} is released", about=document.number)
        return document

    def _write(self, posting: Posting, known: Document | None) -> Document:
        order = posting.order
        total = order.totals.current_total.shop
        made = Document(
            external_id=known.external_id if known else f"E{len(self.documents) + 1}",
            number=known.number if known else f"SO-{1001 + len(self.documents)}",
            lines={line.line_id: line.qty_current for line in order.lines if line.qty_current},
            total=total, tax=Money.zero(total.currency),
        )  # fmt: skip
        self.documents[posting.key] = made
        return made


def _receipt(document: Document, posting: Posting, *, repeated: bool) -> Receipt:
    goods = [line for line in posting.order.lines if line.kind in (LineKind.PRODUCT, LineKind.CUSTOM)]
    lines = tuple(
        PostedLine(sequence=1000 * n, meaning="line", line_id=line.line_id, external_id=f"{document.external_id}-{n}")
        for n, line in enumerate(goods, 1)
        if line.qty_current
    )
    extra = (PostedLine(sequence=800001, meaning="shipping"),)
    learned = tuple(Learned(kind="item", key=line.sku, external_id=f"I-{line.sku}") for line in goods if line.sku)
    return Receipt(
        external_id=document.external_id, number=document.number, repeated=repeated, total=document.total,
        tax=document.tax, lines=lines + extra, status="Draft", learned=learned,
    )  # fmt: skip


def adapters(shop: Shop, erp: Erp) -> Callable[[str], AdapterSpec]:
    """The two kinds of remote, by adapter name."""

    def connect(settings: Mapping[str, Any]) -> Outbound:
        return Outbound(system="paper", base_url="http://127.0.0.1:9", allow_loopback=True)

    def offer(port: type, what: object) -> Capability:
        return Capability(port=port, build=lambda remote, settings: what, dedupe=Dedupe.LOOKUP)

    topics = dict.fromkeys(TOPICS, read)
    offered = {
        "paper_shop": [
            offer(port, shop) for port in (OrderSource, History, OrderReferenceSink, ShipmentSink, SubscriptionKeeper)
        ],
        "paper_erp": [offer(port, erp) for port in (SalesOrderSink, PaymentSink, ShipmentSource)],
        "paper_mute": [],
    }
    specs = {
        name: AdapterSpec(
            name=name, title=name, api_version="1", settings=Anything, connect=connect, capabilities=tuple(ports),
            contract="unverified", topics=topics, triggered_header="x-told-at",
        )
        for name, ports in offered.items()
    }  # fmt: skip
    return specs.__getitem__
