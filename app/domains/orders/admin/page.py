"""Everything that the domain keeps of one order, for its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select

from app.domains.orders.canonical import Order
from app.domains.orders.models import (
    ErpDocument,
    Finding,
    Hold,
    InvoiceRow,
    OrderMove,
    OrderRow,
    OrderVersion,
    OvertakenVersion,
    PackageRow,
    PaymentRow,
    ShipmentLine,
    ShipmentRow,
)
from app.infra.uow import UnitOfWork
from app.kernel import codec
from app.kernel.errors import NotFound

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A shipment with what it holds."""

    row: ShipmentRow
    lines: Sequence[ShipmentLine]
    packages: Sequence[PackageRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One order: its row, its newest canonical value, and what happened to it in each system."""

    row: OrderRow
    order: Order
    versions: Sequence[OrderVersion]
    overtaken: Sequence[OvertakenVersion]
    moves: Sequence[OrderMove]
    holds: Sequence[Hold]
    findings: Sequence[Finding]
    documents: Sequence[ErpDocument]
    parcels: Sequence[Parcel]
    invoices: Sequence[InvoiceRow]
    payments: Sequence[PaymentRow]


def page_of(uow: UnitOfWork, order_id: str) -> OrderPage:
    """Everything about one order, in a fixed number of statements. Raises NotFound(`orders.unknown`)."""
    row = uow.session.get(OrderRow, order_id)
    if row is None:
        raise NotFound("orders.unknown", f"there is no order {order_id}", about=order_id)
    versions = _all(uow, OrderVersion, OrderVersion.n, order_id=order_id)
    return OrderPage(
        row=row,
        order=codec.load(Order, versions[-1].document),
        versions=versions,
        overtaken=_all(uow, OvertakenVersion, OvertakenVersion.id, order_id=order_id),
        moves=_all(uow, OrderMove, OrderMove.id, order_id=order_id),
        holds=_all(uow, Hold, Hold.placed_at, order_id=order_id),
        findings=_all(uow, Finding, Finding.found_at, order_id=order_id),
        documents=_all(uow, ErpDocument, ErpDocument.posted_at, order_id=order_id),
        parcels=_parcels(uow, order_id),
        invoices=_all(uow, InvoiceRow, InvoiceRow.recorded_at, order_id=order_id),
        payments=_all(uow, PaymentRow, PaymentRow.occurred_at, order_id=order_id),
    )


def _parcels(uow: UnitOfWork, order_id: str) -> list[Parcel]:
    shipments = _all(uow, ShipmentRow, ShipmentRow.recorded_at, order_id=order_id)
    ids = [shipment.id for shipment in shipments]
    lines = list(uow.session.scalars(select(ShipmentLine).where(ShipmentLine.shipment_id.in_(ids))))
    packages = list(uow.session.scalars(select(PackageRow).where(PackageRow.shipment_id.in_(ids))))
    return [
        Parcel(
            row=one,
            lines=[line for line in lines if line.shipment_id == one.id],
            packages=[package for package in packages if package.shipment_id == one.id],
        )
        for one in shipments
    ]


def _all(uow: UnitOfWork, kind: type[Row], order: Any, **given: str) -> list[Row]:
    return list(uow.session.scalars(select(kind).filter_by(**given).order_by(order)))
