"""Which order line an ERP's shipment or invoice line means."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from app.domains.orders.canonical import Order
from app.domains.orders.ports import ErpShipment, ShippedLine
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention

NOTHING = Decimal(0)
ERP_LINES = "SELECT sequence, meaning, line_id FROM orders.erp_line WHERE order_id = %(order)s AND erp = %(erp)s"


def erp_lines(uow: UnitOfWork, order_id: str, erp: str) -> dict[int, str]:
    """The order line that each line of the ERP's document stands for; empty for shipping, taxes and the like."""
    rows = uow.sql(ERP_LINES, {"order": order_id, "erp": erp})
    return {sequence: line_id if meaning == "line" else "" for sequence, meaning, line_id in rows}


def match_lines(
    uow: UnitOfWork, order_id: str, erp: str, order: Order, shipment: ErpShipment, gone: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Quantities by order line, each line once: by the ERP's sequence, else by SKU into what is still owed.

    Lines for shipping, taxes and comments are left out. `gone` is what left before. Raises NeedsAttention
    (`orders.shipment_unmatched`) where a line fits nothing.
    """
    by_sequence = erp_lines(uow, order_id, erp)
    lines = {line.line_id for line in order.lines}
    found: dict[str, Decimal] = {}
    for shipped in shipment.lines:
        if shipped.sequence is not None and shipped.sequence in by_sequence:
            targets = {line_id: shipped.quantity for line_id in [by_sequence[shipped.sequence]] if line_id}
        else:
            targets = _by_sku(order, shipped, gone, found)
            if not targets:
                raise _unmatched(shipment, shipped, order_id)
        if not targets.keys() <= lines:
            raise _unmatched(shipment, shipped, order_id)
        for line_id, quantity in targets.items():
            found[line_id] = found.get(line_id, NOTHING) + quantity
    return found


def _by_sku(
    order: Order, shipped: ShippedLine, gone: Mapping[str, Decimal], found: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Fill the lines of this SKU in their order, each up to what it still owes; what is left over goes to the first.

    A negative quantity takes back from what has left, the same way.
    """
    candidates = [line for line in order.lines if shipped.sku and line.sku == shipped.sku]
    if not candidates:
        return {}
    targets: dict[str, Decimal] = {}
    left = shipped.quantity
    for line in candidates:
        moved = gone.get(line.line_id, NOTHING) + found.get(line.line_id, NOTHING)
        part = min(left, max(NOTHING, line.qty_current - moved)) if left > 0 else max(left, min(NOTHING, -moved))
        if part:
            targets[line.line_id] = part
            left -= part
    if left:
        first = candidates[0].line_id
        targets[first] = targets.get(first, NOTHING) + left
    return targets


def _unmatched(shipment: ErpShipment, line: ShippedLine, order_id: str) -> NeedsAttention:
    named = f"line {line.sequence}" if line.sequence is not None else f"SKU {line.sku or '(none)'}"
    return NeedsAttention(
        "orders.shipment_unmatched",
        f"{named} of shipment {shipment.number} is no line of the order: name the order's line or correct the report",
        about=f"shipment {shipment.number}",
        order_id=order_id,
        sequence=line.sequence,
        sku=line.sku,
    )


def line_sequences(uow: UnitOfWork, order_id: str, erp: str) -> dict[str, str]:
    """The sequence that each order line has in the ERP's document, as text; of a split line the first."""
    found: dict[str, int] = {}
    for sequence, line_id in erp_lines(uow, order_id, erp).items():
        if line_id:
            found[line_id] = min(sequence, found.get(line_id, sequence))
    return {line_id: str(sequence) for line_id, sequence in found.items()}
