"""Shipments as the ERP or the warehouse reports them: once by number, whatever the order of the messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.domains.orders.canonical import LineKind, Order
from app.domains.orders.events import OrderShipped, ShipmentRecorded, ShipmentUndone, TrackingAdded
from app.domains.orders.lifecycle import State
from app.domains.orders.ports import ErpShipment, Package
from app.domains.orders.service.matching import match_lines
from app.domains.orders.service.standing import ENDED, Standing, document, lock_by_erp_number, move
from app.infra.cases import open_case
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import NeedsAttention

NOTHING = Decimal(0)
GOODS = (LineKind.PRODUCT, LineKind.CUSTOM)

KNOWN = """
SELECT s.id::text, s.erp, s.number, s.state,
       coalesce(jsonb_object_agg(l.line_id, l.quantity::text) FILTER (WHERE l.line_id IS NOT NULL), '{}')
  FROM orders.shipment s LEFT JOIN orders.shipment_line l ON l.shipment_id = s.id
 WHERE s.order_id = %(order)s GROUP BY s.id ORDER BY s.id
"""

ADD = """
WITH placed AS (
    INSERT INTO orders.shipment (id, order_id, erp, number, shipped_at, location, state, undone_by, notice_id)
    VALUES (%(id)s, %(order)s, %(erp)s, %(number)s, %(at)s, %(location)s, %(state)s, %(undone_by)s, %(notice)s)
    RETURNING id)
INSERT INTO orders.shipment_line (shipment_id, n, line_id, sku, quantity)
SELECT placed.id, g.n, g.line_id, g.sku, g.quantity
  FROM placed, unnest(%(lines)s::text[], %(skus)s::text[], %(quantities)s::numeric[])
       WITH ORDINALITY g(line_id, sku, quantity, n)
"""

TRACK = """
INSERT INTO orders.package AS p (shipment_id, tracking_number, carrier, tracking_url)
SELECT %(id)s, * FROM unnest(%(numbers)s::text[], %(carriers)s::text[], %(urls)s::text[])
ON CONFLICT (shipment_id, tracking_number)
DO UPDATE SET carrier = excluded.carrier, tracking_url = excluded.tracking_url
 WHERE (p.carrier, p.tracking_url) <> (excluded.carrier, excluded.tracking_url)
"""

UNDO = "UPDATE orders.shipment SET state = 'undone', undone_by = %(by)s WHERE id = %(id)s AND state <> 'undone'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What a report changed: goods that left by order line, or an earlier shipment that came back."""

    standing: Standing
    shipment_id: str = ""
    left: Mapping[str, Decimal] = field(default_factory=dict)
    undone_id: str = ""
    came_back: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    shipment_id: str
    erp: str
    number: str
    state: str
    lines: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """A shipment report beside what is known of its order."""

    uow: UnitOfWork
    standing: Standing
    order: Order
    erp: str
    shipment: ErpShipment
    known: Sequence[_Known]  # the order's other shipments
    same: _Known | None  # the one with this number
    trail: Trail
    notice_id: int


def record_shipment(
    uow: UnitOfWork, erp: str, shipment: ErpShipment, trail: Trail, notice_id: int = 0
) -> Shipped | None:
    """Record a shipment once by (ERP, number); None while the order's number is not known.

    The same report again changes nothing; tracking that comes later is added (TrackingAdded); a shipment whose lines
    come to nothing, or a report of negative quantities, undoes (ShipmentUndone). Raises NeedsAttention where lines
    fit no order line (`orders.shipment_unmatched`) or a known shipment has other lines now (`orders.shipment_differs`).
    """
    standing = lock_by_erp_number(uow, erp, shipment.order_number)
    if standing is None:
        return None
    known = _known(uow, standing.order_id)
    same = next((one for one in known if (one.erp, one.number) == (erp, shipment.number)), None)
    report = _Report(
        uow=uow, standing=standing, order=document(uow, standing.order_id, standing.accepted_version), erp=erp,
        shipment=shipment, known=[one for one in known if one is not same], same=same, trail=standing.trail(trail),
        notice_id=notice_id,
    )  # fmt: skip
    earlier = [one for one in report.known if same is None or one.shipment_id < same.shipment_id]
    lines = match_lines(uow, standing.order_id, erp, report.order, shipment, shipped(earlier))
    if same is not None:
        return _again(report, same, lines)
    if lines and all(quantity < 0 for quantity in lines.values()):
        return _undo_by_report(report, lines)
    return _first(report, lines)


def shipped(known: Sequence[_Known]) -> dict[str, Decimal]:
    """What has left and not come back, by order line."""
    sums: dict[str, Decimal] = {}
    for one in known:
        if one.state != "undone":
            for line_id, quantity in one.lines.items():
                sums[line_id] = sums.get(line_id, NOTHING) + quantity
    return sums


def _known(uow: UnitOfWork, order_id: str) -> list[_Known]:
    rows = uow.sql(KNOWN, {"order": order_id})
    return [
        _Known(shipment_id, erp, number, state, {line: Decimal(text) for line, text in lines.items()})
        for shipment_id, erp, number, state, lines in rows
    ]


def _first(report: _Report, lines: Mapping[str, Decimal]) -> Shipped:
    left = {line_id: quantity for line_id, quantity in lines.items() if quantity}
    shipment_id = _add(report, left, state="recorded" if left else "undone")
    standing = report.standing
    if not left:
        return Shipped(standing=standing)
    sums = shipped(report.known)
    for line_id, quantity in left.items():
        sums[line_id] = sums.get(line_id, NOTHING) + quantity
    _watch(report, sums)
    standing = _move(report, sums)
    report.uow.publish(
        ShipmentRecorded(
            order_id=standing.order_id, channel=standing.channel, shipment_id=shipment_id, erp=report.erp,
            number=report.shipment.number, company=standing.company,
        ),
        report.trail,
    )  # fmt: skip
    if standing.state is State.SHIPPED and report.standing.state is not State.SHIPPED:
        whole = OrderShipped(order_id=standing.order_id, channel=standing.channel, company=standing.company)
        report.uow.publish(whole, report.trail)
    return Shipped(standing=standing, shipment_id=shipment_id, left=left)


def _again(report: _Report, same: _Known, lines: Mapping[str, Decimal]) -> Shipped:
    uow, standing, number = report.uow, report.standing, report.shipment.number
    now = {line_id: quantity for line_id, quantity in lines.items() if quantity}
    if same.state == "undone":
        return Shipped(standing=standing)
    if not now:
        return _undo(report, same)
    if now != dict(same.lines):
        raise NeedsAttention(
            "orders.shipment_differs",
            f"shipment {number} was recorded with other quantities; correct it where it is wrong",
            about=f"shipment {number}", order_id=standing.order_id,
            recorded={line: str(quantity) for line, quantity in same.lines.items()},
            reported={line: str(quantity) for line, quantity in now.items()},
        )  # fmt: skip
    if _track(uow, same.shipment_id, report.shipment.packages):
        uow.publish(
            TrackingAdded(
                order_id=standing.order_id, channel=standing.channel, shipment_id=same.shipment_id,
                company=standing.company,
            ),
            report.trail,
        )  # fmt: skip
    return Shipped(standing=standing)


def _undo_by_report(report: _Report, lines: Mapping[str, Decimal]) -> Shipped:
    number, standing = report.shipment.number, report.standing
    wanted = {line_id: -quantity for line_id, quantity in lines.items()}
    fitting = [one for one in report.known if one.state != "undone" and dict(one.lines) == wanted]
    if not fitting:
        raise NeedsAttention(
            "orders.undo_unmatched",
            f"{number} takes back goods that no recorded shipment of {standing.name} has exactly",
            about=f"shipment {number}", order_id=standing.order_id,
        )  # fmt: skip
    _add(report, lines, state="undone")
    return _undo(report, fitting[-1])


def _undo(report: _Report, undone: _Known) -> Shipped:
    uow, number = report.uow, report.shipment.number
    uow.sql(UNDO, {"id": undone.shipment_id, "by": number})
    others = [one for one in report.known if one is not undone]
    left = any(quantity > 0 for quantity in shipped(others).values())
    standing = move(uow, report.standing, "undo_part" if left else "undo", number)
    uow.publish(
        ShipmentUndone(
            order_id=standing.order_id, channel=standing.channel, shipment_id=undone.shipment_id, erp=report.erp,
            number=number, company=standing.company,
        ),
        report.trail,
    )  # fmt: skip
    return Shipped(standing=standing, undone_id=undone.shipment_id, came_back=undone.lines)


def _add(report: _Report, lines: Mapping[str, Decimal], *, state: str) -> str:
    shipment_id, shipment = new_id(), report.shipment
    skus = {line.line_id: line.sku for line in report.order.lines}
    report.uow.sql(
        ADD,
        {
            "id": shipment_id, "order": report.standing.order_id, "erp": report.erp, "number": shipment.number,
            "at": shipment.shipped_at, "location": shipment.location, "state": state,
            "undone_by": shipment.number if state == "undone" else "", "notice": report.notice_id,
            "lines": list(lines), "quantities": list(lines.values()), "skus": [skus.get(line, "") for line in lines],
        },
    )  # fmt: skip
    _track(report.uow, shipment_id, shipment.packages)
    return shipment_id


def _track(uow: UnitOfWork, shipment_id: str, packages: Sequence[Package]) -> bool:
    if not packages:
        return False
    given = {
        "numbers": [package.tracking_number for package in packages],
        "carriers": [package.carrier for package in packages],
        "urls": [package.tracking_url for package in packages],
    }
    return uow.sql(TRACK, {"id": shipment_id, **given}).rowcount > 0


def _move(report: _Report, sums: Mapping[str, Decimal]) -> Standing:
    """Fully shipped is when all goods that need shipping have left; gift cards, tips and digital goods do not count."""
    lines = report.order.lines
    owed = {line.line_id: line.qty_current for line in lines if line.kind in GOODS and line.requires_shipping}
    complete = all(sums.get(line_id, NOTHING) >= quantity for line_id, quantity in owed.items())
    return move(report.uow, report.standing, "ship" if complete else "ship_part", report.shipment.number)


def _watch(report: _Report, sums: Mapping[str, Decimal]) -> None:
    """Open a case where more left than was ordered, or anything of a cancelled order. It is recorded all the same."""
    standing, number = report.standing, report.shipment.number
    ordered = {line.line_id: line.qty_ordered for line in report.order.lines}
    over = {line: str(quantity) for line, quantity in sums.items() if quantity > ordered.get(line, 0)}
    if over:
        open_case(
            report.uow, code="orders.over_shipped", connection=report.erp, about=f"order {standing.name}",
            title=f"{number} ships more of {standing.name} than was ordered", key=f"orders:{standing.order_id}",
            facts={"order_id": standing.order_id, "shipped": over, "ordered": ordered},
        )  # fmt: skip
    if standing.state in ENDED:
        open_case(
            report.uow, code="orders.shipped_after_cancellation", connection=report.erp,
            about=f"order {standing.name}", key=f"orders:{standing.order_id}",
            title=f"{number} ships {standing.name}, which its channel cancelled: stop it, or expect a return",
            facts={"order_id": standing.order_id, "shipment": number},
        )  # fmt: skip
