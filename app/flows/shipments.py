"""Shipments: what an ERP or a warehouse says has left, or was invoiced, and how its channel shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domains.inventory import service as inventory
from app.domains.orders import service as orders
from app.domains.orders.canonical import DocumentChanged
from app.domains.orders.events import ProgressRequested, ShipmentRecorded, ShipmentUndone, TrackingAdded
from app.domains.orders.ports import (
    ErpInvoice,
    ErpProgress,
    ErpShipment,
    FulfilmentReceipt,
    Package,
    ShipmentSink,
    ShipmentSource,
)
from app.domains.orders.service import Showable
from app.flows.runtime import Connected, Told, step
from app.infra.bindings import by_external
from app.infra.uow import Trail, UnitOfWork
from app.infra.value_maps import OTHERS, mapped_kinds, translations
from app.infra.windows import WindowOpened
from app.kernel.errors import NeedsAttention

LANE = "channel_fulfilment"
POLL = "erp_poll"


def record_shipment(uow: UnitOfWork, erp: str, shipment: ErpShipment, trail: Trail, notice_id: int = 0) -> bool:
    """Record a shipment with its goods; False while the order's number is not known."""
    shipped = orders.record_shipment(uow, erp, shipment, trail, notice_id)
    if shipped is None:
        return False
    order_id = shipped.standing.order_id
    for line_id, quantity in shipped.left.items():
        inventory.consume(uow, order_id, line_id, quantity, shipped.shipment_id, at=shipment.shipped_at)
    for line_id in shipped.came_back:
        inventory.undo_shipment(uow, order_id, line_id, shipped.undone_id)
    return True


def record_invoice(uow: UnitOfWork, erp: str, invoice: ErpInvoice, trail: Trail, notice_id: int = 0) -> bool:
    """Record an invoice; False while the order's number is not known."""
    return orders.record_invoice(uow, erp, invoice, trail, notice_id) is not None


# What happened at an ERP is read where a bell rings or a window opens: nobody else says that goods were shipped.


def plan_poll(uow: UnitOfWork, told: Told[WindowOpened]) -> datetime | None:
    return orders.poll_from(uow, told.connection, told.fact.instant) if told.fact.name == POLL else None


def call_poll(connection: Connected, since: datetime) -> tuple[str, ...]:
    return connection.port(ShipmentSource).changed_since(since)


def record_poll(uow: UnitOfWork, told: Told[WindowOpened], since: datetime, numbers: tuple[str, ...]) -> None:
    """Each order of ours that moved is read; the next poll begins where this one looked."""
    _read_moved(uow, told.connection, numbers, told.trail)
    orders.record_poll(uow, told.connection, told.fact.instant)


def _read_moved(uow: UnitOfWork, erp: str, numbers: Sequence[str], trail: Trail) -> None:
    for number in orders.known_numbers(uow, erp, numbers):
        request_progress(uow, erp, DocumentChanged(kind="sales_order", external_id="", number=number), trail)


poll_erp = step(
    "shipments.poll_erp",
    on=WindowOpened, queue="orders", at="erp", domain="orders", optional=True, reads=True, port=ShipmentSource,
    plan=plan_poll, call=call_poll, record=record_poll,
)  # fmt: skip


def request_progress(uow: UnitOfWork, erp: str, changed: DocumentChanged, trail: Trail) -> bool:
    """Have an ERP's document read; False where its id is of no order that the hub posted there."""
    number = changed.number if changed.kind == "sales_order" else ""
    if changed.kind == "sales_order" and changed.external_id and not number:
        bound = by_external(uow, erp, "sales_order", changed.external_id)
        if bound is None:
            return False
        number = bound.number
    named = number or changed.external_id or (changed.since.isoformat() if changed.since else "")
    uow.publish(
        ProgressRequested(
            document_key=f"{erp}/{named}", erp=erp, kind=changed.kind, number=number, external_id=changed.external_id,
            since=None if named in (number, changed.external_id) else changed.since,
        ),
        trail,
    )  # fmt: skip
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What an ERP answered: one order, or the numbers of those that moved."""

    order: ErpProgress | None = None
    moved: tuple[str, ...] = ()


def plan_progress(uow: UnitOfWork, told: Told[ProgressRequested]) -> ProgressRequested:
    return told.fact


def call_progress(connection: Connected, asked: ProgressRequested) -> Progress:
    source = connection.port(ShipmentSource)
    if asked.since is not None:
        return Progress(moved=source.changed_since(asked.since))
    number = asked.number or source.number_of(DocumentChanged(kind=asked.kind, external_id=asked.external_id))
    return Progress(order=source.progress(number) if number else None)


def record_progress(uow: UnitOfWork, told: Told[ProgressRequested], asked: ProgressRequested, said: Progress) -> None:
    """Everything the ERP knows of the order; one that is not ours has nothing to record."""
    _read_moved(uow, told.connection, said.moved, told.trail)
    if said.order is None:
        return
    for shipment in said.order.shipments:
        record_shipment(uow, told.connection, shipment, told.trail)
    for invoice in said.order.invoices:
        record_invoice(uow, told.connection, invoice, told.trail)
    orders.record_status(uow, told.connection, said.order.order_number, said.order.status)


read_progress = step(
    "shipments.read_progress",
    on=ProgressRequested, queue="orders", at_fact="erp", latest_only=True, reads=True, port=ShipmentSource,
    plan=plan_progress, call=call_progress, record=record_progress,
)  # fmt: skip


def plan_showing(
    uow: UnitOfWork, told: Told[ShipmentRecorded] | Told[TrackingAdded] | Told[ShipmentUndone]
) -> Showable | None:
    """What the channel is to show, in its own word for the place the goods left from."""
    found = orders.showable(uow, told.fact.shipment_id, again=told.again)
    shown = found.fulfilment
    if not shown.order_gid:
        return None
    words = {found.location, *(package.carrier for package in shown.packages), OTHERS} - {""}
    mapped = translations(uow, found.channel, ("location", "carrier"), words)
    packages = tuple(_named(uow, found.channel, package, mapped["carrier"]) for package in shown.packages)
    place = mapped["location"].get(found.location, "")
    return replace(found, fulfilment=replace(shown, location=place, packages=packages))


def _named(uow: UnitOfWork, channel: str, package: Package, carriers: Mapping[str, str]) -> Package:
    """A package with its carrier in the channel's word. A carrier that a map of the channel lacks is a case, unless
    the parcel has an address of its own: the buyer can follow that."""
    word = package.carrier
    if name := carriers.get(word, carriers.get(OTHERS, "") if word else ""):
        return replace(package, carrier=name)
    known = word in uow.hub.connections.get(uow.session, channel).settings.get("carriers", {})
    if word and not package.tracking_url and not known and mapped_kinds(uow, channel, ["carrier"]):
        said = f"{channel} has no carrier for {word}: map it, or map {OTHERS} to what all others are"
        raise NeedsAttention("shipments.carrier_unmapped", said, about=f"carrier {word}")
    return package


def plan_shipping(uow: UnitOfWork, told: Told[ShipmentRecorded]) -> Showable | None:
    found = plan_showing(uow, told)
    return found if found is not None and found.state == "recorded" else None


def call_shipping(connection: Connected, shown: Showable) -> FulfilmentReceipt:
    return connection.port(ShipmentSink).ship(shown.fulfilment)


def record_showing(
    uow: UnitOfWork, told: Told[ShipmentRecorded] | Told[TrackingAdded], shown: Showable, receipt: FulfilmentReceipt
) -> None:
    orders.record_shown(uow, shown, receipt)


def receipt_of(shown: Showable, number: str) -> FulfilmentReceipt:
    """The receipt that a fulfilment's number at the channel stands for."""
    return FulfilmentReceipt(external_ids=shown.fulfilment.bound or (number,), repeated=True)


SHOWING = """
SELECT EXISTS (SELECT FROM hub.delivery
                WHERE lane = %(lane)s AND attempt > 0 AND (state = 'running' OR state = 'due' AND in_doubt))
"""


def is_showing(uow: UnitOfWork, order_id: str, channel: str) -> bool:
    """Whether a call that shows a shipment at the channel is under way: a fulfilment heard of meanwhile may be its."""
    row = uow.sql(SHOWING, {"lane": f"{LANE}|{channel}|orders:{order_id}"}).fetchone()
    return bool(row and row[0])


ship_in_channel = step(
    "shipments.ship_in_channel",
    on=ShipmentRecorded, queue="orders", at_fact="channel", lane=LANE, port=ShipmentSink, flag="channel.shipments",
    plan=plan_shipping, call=call_shipping, record=record_showing, happened=receipt_of,
)  # fmt: skip


def plan_tracking(uow: UnitOfWork, told: Told[TrackingAdded]) -> Showable | None:
    found = plan_showing(uow, told)
    return found if found is not None and found.state == "shown" else None


def call_tracking(connection: Connected, shown: Showable) -> FulfilmentReceipt:
    return connection.port(ShipmentSink).track(shown.fulfilment)


track_in_channel = step(
    "shipments.track_in_channel",
    on=TrackingAdded, queue="orders", at_fact="channel", lane=LANE, port=ShipmentSink, flag="channel.shipments",
    plan=plan_tracking, call=call_tracking, record=record_showing, happened=receipt_of,
)  # fmt: skip


def plan_undoing(uow: UnitOfWork, told: Told[ShipmentUndone]) -> Showable | None:
    found = plan_showing(uow, told)
    return found if found is not None and found.fulfilment.bound else None


def call_undoing(connection: Connected, shown: Showable) -> FulfilmentReceipt:
    return connection.port(ShipmentSink).undo(shown.fulfilment)


def record_undoing(uow: UnitOfWork, told: Told[ShipmentUndone], shown: Showable, receipt: FulfilmentReceipt) -> None:
    orders.record_undone(uow, shown, receipt)


undo_in_channel = step(
    "shipments.undo_in_channel",
    on=ShipmentUndone, queue="orders", at_fact="channel", lane=LANE, port=ShipmentSink, flag="channel.shipments",
    plan=plan_undoing, call=call_undoing, record=record_undoing, happened=receipt_of,
)  # fmt: skip
