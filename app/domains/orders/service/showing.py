"""Shipments for their channel: what to show, and what it made of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.domains.orders.ports import FulfilledLine, Fulfilment, FulfilmentReceipt, Package
from app.domains.orders.service.findings import find
from app.infra.bindings import Tie, bind_many, known, unbind
from app.infra.cases import open_case
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention, NotFound

MOST_FULFILMENTS = 50  # of one shipment at a channel: one for each location that its goods were assigned to
SHOWABLE = """
SELECT o.id::text, o.channel, o.gid, o.name, s.state, s.location, s.number, s.recorded_at,
       (SELECT jsonb_agg(jsonb_build_array(l.line_id, l.quantity::text) ORDER BY l.n)
          FROM orders.shipment_line l WHERE l.shipment_id = s.id),
       (SELECT jsonb_agg(jsonb_build_array(p.tracking_number, p.carrier, p.tracking_url) ORDER BY p.tracking_number)
          FROM orders.package p WHERE p.shipment_id = s.id)
  FROM orders.shipment s JOIN orders.sales_order o ON o.id = s.order_id
 WHERE s.id = %(id)s
"""
SHOWN = "UPDATE orders.shipment SET state = 'shown', shown_at = now() WHERE id = %(id)s AND state = 'recorded'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Showable:
    """A recorded shipment as its channel is told of it. `location` is still the ERP's word."""

    order_id: str
    channel: str
    name: str
    state: str
    location: str
    fulfilment: Fulfilment


def showable(uow: UnitOfWork, shipment_id: str, *, again: bool = False) -> Showable:
    """A shipment with its lines, packages and what the channel has of it. Raises NotFound (`orders.unknown_shipment`).

    Raises NeedsAttention (`orders.broken_unit`) where a quantity is no whole number: channels count units.
    """
    row = uow.sql(SHOWABLE, {"id": shipment_id}).fetchone()
    if row is None:
        raise NotFound("orders.unknown_shipment", f"there is no shipment {shipment_id}", about=shipment_id)
    order_id, channel, gid, name, state, location, number, recorded_at, lines, packages = row
    keys = [f"{shipment_id}#{n}" for n in range(1, MOST_FULFILMENTS + 1)]
    bound = known(uow, channel, {"fulfilment": keys})["fulfilment"]
    fulfilment = Fulfilment(
        shipment_id=shipment_id,
        order_gid=gid,
        lines=tuple(FulfilledLine(line_id=line, quantity=_whole(text, number)) for line, text in lines or ()),
        packages=tuple(Package(tracking_number=t, carrier=c, tracking_url=u) for t, c, u in packages or ()),
        bound=tuple(bound[key] for key in keys if key in bound),
        attempted_at=recorded_at if again else None,
        again=again,
    )
    return Showable(
        order_id=order_id, channel=channel, name=name, state=state, location=location, fulfilment=fulfilment
    )


def record_shown(uow: UnitOfWork, shown: Showable, receipt: FulfilmentReceipt) -> None:
    """The channel shows the shipment. What it would not take is a case; an order it does not know is a finding."""
    shipment_id = shown.fulfilment.shipment_id
    if not receipt.known:
        find(uow, shown.order_id, "orders.unknown_at_channel", f"{shown.channel} does not know {shown.name}")
        return
    uow.sql(SHOWN, {"id": shipment_id})
    fresh = [external_id for external_id in receipt.external_ids if external_id not in shown.fulfilment.bound]
    start = len(shown.fulfilment.bound)
    bind_many(
        uow,
        [
            Tie(connection=shown.channel, kind="fulfilment", key=f"{shipment_id}#{start + n}", external_id=external_id)
            for n, external_id in enumerate(fresh, 1)
        ],
    )
    if receipt.unfulfilled:
        _remainder(uow, shown, receipt)


def record_undone(uow: UnitOfWork, shown: Showable, receipt: FulfilmentReceipt) -> None:
    """The channel took its fulfilments of the shipment back."""
    for n in range(1, len(shown.fulfilment.bound) + 1):
        unbind(uow, shown.channel, "fulfilment", f"{shown.fulfilment.shipment_id}#{n}")
    if not receipt.known:
        find(uow, shown.order_id, "orders.unknown_at_channel", f"{shown.channel} does not know {shown.name}")


def _remainder(uow: UnitOfWork, shown: Showable, receipt: FulfilmentReceipt) -> None:
    open_case(
        uow, code="orders.remainder_not_open", connection=shown.channel, about=f"order {shown.name}",
        title=f"{shown.name}: goods left that {shown.channel} no longer has open; it was edited, cancelled or refunded",
        key=f"orders:{shown.order_id}",
        facts={
            "order_id": shown.order_id, "shipment_id": shown.fulfilment.shipment_id,
            "lines": {line.line_id: line.quantity for line in receipt.unfulfilled},
        },
    )  # fmt: skip


def _whole(text: str, number: str) -> int:
    quantity = Decimal(text)
    if quantity != int(quantity):
        raise NeedsAttention(
            "orders.broken_unit", f"shipment {number} has {text} of a line, and a channel counts whole units",
            about=f"shipment {number}",
        )  # fmt: skip
    return int(quantity)
