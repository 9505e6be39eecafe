"""Accepting orders and their changes: from here on an ERP is asked to hold what the channel says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domains.orders.canonical import Line, Order, Shipping
from app.domains.orders.events import OrderAccepted, OrderCancelled, OrderChanged
from app.domains.orders.lifecycle import ORDER, State
from app.domains.orders.service.findings import find
from app.domains.orders.service.standing import Standing, move
from app.infra.uow import Trail, UnitOfWork

ACCEPT = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(befores)s::text[], %(accounts)s::uuid[], %(versions)s::int[])
           g(id, before, account_id, version)),
moved AS (
    UPDATE orders.sales_order o
       SET state = 'accepted', account_id = g.account_id, accepted_version = g.version, changed_at = now()
      FROM given g WHERE o.id = g.id AND o.state = g.before RETURNING o.id, g.before)
INSERT INTO orders.order_move (order_id, trigger, before, after) SELECT id, 'accept', before, 'accepted' FROM moved
"""
CARRY = "UPDATE orders.sales_order SET accepted_version = %(n)s, changed_at = now() WHERE id = %(id)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptable:
    """An order with its customer known and its stock reserved."""

    standing: Standing
    account_id: str
    trail: Trail


def accept_many(uow: UnitOfWork, orders: Sequence[Acceptable]) -> None:
    """Accept locked orders; publishes OrderAccepted for each that was not accepted before."""
    moving = [order for order in orders if ORDER.step(order.standing.state, "accept").moved]
    if not moving:
        return
    uow.sql(
        ACCEPT,
        {
            "ids": [order.standing.order_id for order in moving],
            "befores": [order.standing.state.value for order in moving],
            "accounts": [order.account_id for order in moving],
            "versions": [order.standing.version for order in moving],
        },
    )
    for order in moving:
        standing = order.standing
        uow.publish(
            OrderAccepted(
                order_id=standing.order_id, channel=standing.channel, version=standing.version,
                account_id=order.account_id, company=standing.company,
            ),
            standing.trail(order.trail),
        )  # fmt: skip


def accept_change(
    uow: UnitOfWork, standing: Standing, changed: Sequence[str], trail: Trail, erps: tuple[str, ...] = ()
) -> Standing:
    """Carry a newer version on; publishes OrderChanged to whom was asked when an ERP's document would differ."""
    uow.sql(CARRY, {"id": standing.order_id, "n": standing.version})
    if changed:
        uow.publish(
            OrderChanged(
                order_id=standing.order_id, channel=standing.channel, version=standing.version, changed=tuple(changed),
                company=standing.company, erps=erps,
            ),
            standing.trail(trail),
        )  # fmt: skip
    return replace(standing, accepted_version=standing.version)


def cancel(uow: UnitOfWork, standing: Standing, order: Order, trail: Trail, erps: tuple[str, ...] = ()) -> Standing:
    """The channel cancelled the order. Where an ERP was asked, it is asked to follow (OrderCancelled to `erps`).

    What has left is a return, not a cancellation: a shipped order stays shipped, with a finding.
    """
    if standing.state is State.SHIPPED:
        find(uow, standing.order_id, "orders.cancelled_after_shipping", "the channel cancelled goods that have left")
        return standing
    after = move(uow, standing, "cancel", order.cancel_reason)
    if after.state is State.CANCELLING and standing.state is not State.CANCELLING:
        uow.publish(
            OrderCancelled(
                order_id=standing.order_id, channel=standing.channel, version=standing.version,
                reason=order.cancel_reason, company=standing.company, erps=erps,
            ),
            standing.trail(trail),
        )  # fmt: skip
    return after


def finish_cancel(uow: UnitOfWork, standing: Standing, why: str = "") -> Standing:
    """Nobody holds the order any more."""
    return move(uow, standing, "finish_cancel", why)


def changed_groups(before: Order, after: Order) -> tuple[str, ...]:
    """What of an order an ERP's document would show differently: quantities, prices, shipping, address, terms."""
    groups = {
        "quantities": _quantities(before) != _quantities(after),
        "prices": _prices(before) != _prices(after),
        "shipping": _shippings(before) != _shippings(after),
        "address": (before.ship_to, before.email, before.phone) != (after.ship_to, after.email, after.phone),
        "terms": (before.po_number, before.payment_terms) != (after.po_number, after.payment_terms),
    }
    return tuple(name for name, differs in groups.items() if differs)


def _quantities(order: Order) -> dict[str, int]:
    return {line.line_id: line.qty_current for line in order.lines if line.qty_current}


def _prices(order: Order) -> tuple[object, ...]:
    lines = tuple(sorted((_price(line) for line in order.lines if line.qty_current), key=lambda price: str(price[0])))
    return lines, order.fees, order.tip_outside_lines, order.document_taxes


def _price(line: Line) -> tuple[object, ...]:
    return line.line_id, line.unit_price, line.allocations, line.taxes, line.duties


def _shippings(order: Order) -> tuple[Shipping, ...]:
    return tuple(row for row in order.shipping if not row.is_removed)
