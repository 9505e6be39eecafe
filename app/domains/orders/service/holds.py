"""Holds: why an order waits, placed and released with a reason and a name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domains.orders.canonical import Order
from app.domains.orders.events import OrderHeld
from app.domains.orders.lifecycle import HoldKind, State
from app.domains.orders.service.standing import Standing, move
from app.infra.acts import record_act
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import Invalid, Refused

PLACE = """
INSERT INTO orders.hold (id, order_id, kind, reason, placed_by)
VALUES (%(id)s, %(order)s, %(kind)s, %(reason)s, %(who)s)
ON CONFLICT (order_id, kind) WHERE released_at IS NULL DO UPDATE SET reason = excluded.reason
RETURNING id::text
"""
RELEASE = """
UPDATE orders.hold SET released_at = now(), released_by = %(who)s, release_reason = %(why)s
 WHERE order_id = %(order)s AND released_at IS NULL AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
RETURNING kind
"""
OPEN = """
SELECT kind, reason, placed_by FROM orders.hold
 WHERE order_id = %(order)s AND released_at IS NULL ORDER BY placed_at
"""
WAIVED = """
SELECT 1 FROM orders.hold
 WHERE order_id = %(order)s AND kind = %(kind)s AND released_at IS NOT NULL AND released_by <> %(hub)s LIMIT 1
"""
HUB = "hub"  # who places and lifts a hold by rule


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    kind: HoldKind
    reason: str
    placed_by: str


class PostWhen(StrEnum):
    """How far an order's payment must be before its ERP is asked to hold it."""

    ALWAYS = "always"
    AUTHORISED = "authorised"
    PAID = "paid"


PAID = frozenset({"paid", "partially_refunded", "refunded"})
_PAYABLE = {PostWhen.AUTHORISED: PAID | {"authorized"}, PostWhen.PAID: PAID}


def is_payable(order: Order, when: PostWhen) -> bool:
    """Whether the order's payment is as far as is asked; a part of it is not."""
    return when is PostWhen.ALWAYS or order.financial_status in _PAYABLE[when]


def hold(
    uow: UnitOfWork, standing: Standing, kind: HoldKind, reason: str, trail: Trail, *, placed_by: str = HUB
) -> Standing:
    """Let an order wait. The same kind again only renews the reason. Publishes OrderHeld the first time."""
    made = new_id()
    given = {"id": made, "order": standing.order_id, "kind": kind.value, "reason": reason[:500], "who": placed_by}
    row = uow.sql(PLACE, given).fetchone()
    if standing.state is State.CAPTURED:
        standing = move(uow, standing, "hold", kind.value)
    if row is not None and row[0] == made:
        uow.publish(
            OrderHeld(
                order_id=standing.order_id, channel=standing.channel, kind=kind.value, reason=reason[:500],
                company=standing.company,
            ),
            standing.trail(trail),
        )  # fmt: skip
    return standing


def release_holds(uow: UnitOfWork, order_id: str, who: str, why: str, kind: HoldKind | None = None) -> list[str]:
    """Release the open holds of an order, or those of one kind; returns which there were."""
    given = {"order": order_id, "who": who, "why": why[:500], "kind": kind.value if kind else None}
    return [row[0] for row in uow.sql(RELEASE, given)]


def release_by_person(uow: UnitOfWork, order_id: str, kind: HoldKind, who: str, why: str) -> None:
    """A person lets an order go on. Needs a name and a reason. Raises Refused where there is no such hold."""
    if not who.strip() or not why.strip():
        raise Invalid("orders.reason_missing", "a hold is released with a name and a reason")
    if not release_holds(uow, order_id, who, why, kind):
        raise Refused("orders.not_held", f"the order has no open {kind.value} hold", about=order_id)
    record_act(uow, who, f"released a {kind.value} hold", kind="order", key=order_id, why=why)


def open_holds(uow: UnitOfWork, order_id: str) -> list[OpenHold]:
    """What an order waits for, oldest first."""
    rows = uow.sql(OPEN, {"order": order_id})
    return [OpenHold(kind=HoldKind(kind), reason=reason, placed_by=who) for kind, reason, who in rows]


def is_waived(uow: UnitOfWork, order_id: str, kind: HoldKind) -> bool:
    """Whether a person let the order go on in spite of this rule."""
    return uow.sql(WAIVED, {"order": order_id, "kind": kind.value, "hub": HUB}).fetchone() is not None
