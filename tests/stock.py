"""A hub with nothing but its database, and what must hold of stock whatever happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.domains.inventory import service
from app.domains.inventory.canonical import Wanted
from app.infra.hub import Hub, open_hub
from app.infra.notices import NoticeReceived
from app.infra.outbox import Subscription
from app.infra.remote.spec import AdapterSpec
from app.infra.uow import UnitOfWork
from app.settings import Settings

MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

CONTRADICTIONS = """
SELECT 'free below zero and not told' AS rule, sku, location FROM inventory.stock_level
 WHERE free + oversold + back_ordered < 0
UNION ALL
SELECT 'oversold says more than is missing', sku, location FROM inventory.stock_level
 WHERE oversold <> greatest(0, -free - back_ordered)
UNION ALL
SELECT 'more is back-ordered than is owed', sku, location FROM inventory.stock_level
 WHERE back_ordered > greatest(0, -free)
UNION ALL
SELECT 'owed is not the sum of levels', a.sku, '' FROM inventory.availability a
 WHERE a.owed <> (SELECT coalesce(sum(greatest(0, -s.free)), 0) FROM inventory.stock_level s WHERE s.sku = a.sku)
UNION ALL
SELECT 'reserved is not the sum of reservations', s.sku, s.location FROM inventory.stock_level s
 WHERE s.reserved <> (SELECT coalesce(sum(r.quantity), 0) FROM inventory.reservation r
                       WHERE (r.sku, r.location) = (s.sku, s.location) AND r.state IN ('quoted', 'held', 'allocated'))
UNION ALL
SELECT 'contained is not the sum of reservations', s.sku, s.location FROM inventory.stock_level s
 WHERE s.contained <> (SELECT coalesce(sum(r.quantity), 0) FROM inventory.reservation r
                        WHERE (r.sku, r.location) = (s.sku, s.location) AND r.contained)
UNION ALL
SELECT 'stock is not the sum of the ledger', s.sku, s.location FROM inventory.stock_level s
 WHERE s.on_hand + s.moved <> (SELECT coalesce(sum(m.quantity), 0) FROM inventory.movement m
                                WHERE (m.sku, m.location) = (s.sku, s.location))
UNION ALL
SELECT 'moved is not what the snapshot cannot know', s.sku, s.location FROM inventory.stock_level s
 WHERE s.moved <> (SELECT coalesce(sum(m.quantity), 0) FROM inventory.movement m
                    WHERE (m.sku, m.location) = (s.sku, s.location)
                      AND m.effective_at > coalesce(s.as_of, '-infinity'))
UNION ALL
SELECT 'availability is not the sum of levels', a.sku, '' FROM inventory.availability a
 WHERE a.available <> (SELECT coalesce(sum(greatest(0, s.free)), 0) FROM inventory.stock_level s WHERE s.sku = a.sku)
"""


def open_books(settings: Settings) -> Hub:
    """A hub whose facts are kept and heard by nobody."""
    nobody = Subscription(name="tests.nobody", event_type=NoticeReceived.event_type, queue="orders", lane=None)
    return open_hub(settings, adapter=_no_adapter, subscriptions={nobody.event_type: (nobody,)}, pool_size=16)


def _no_adapter(name: str) -> AdapterSpec:
    raise LookupError(name)


def wanted(quantities: Mapping[str, int | str], *, first: int = 1) -> list[Wanted]:
    """One line for each SKU, numbered from `first`."""
    return [
        Wanted(line_id=str(n), sku=sku, quantity=Decimal(quantity))
        for n, (sku, quantity) in enumerate(quantities.items(), first)
    ]


def count_stock(
    uow: UnitOfWork, sku: str, on_hand: int | str, *, location: str = "MAIN", at: datetime = MORNING, sequence: int = 0,
    reports: str = "physical", source: str = "erp",
) -> bool:  # fmt: skip
    """A snapshot with the values a test does not care about filled in."""
    return service.set_snapshot(uow, source, sku, location, Decimal(on_hand), at, sequence, reports)


def contradictions(hub: Hub) -> list[tuple[Any, ...]]:
    """Every place where two figures that must agree do not."""
    with hub.unit_of_work() as uow:
        return uow.sql(CONTRADICTIONS).fetchall()


def told(hub: Hub, event_type: str) -> list[dict[str, Any]]:
    """The payloads of all facts of a type, in the order they were told."""
    with hub.unit_of_work() as uow:
        rows = uow.sql("SELECT payload FROM hub.event WHERE type = %(type)s ORDER BY id", {"type": event_type})
        return [row[0] for row in rows]


def sellable(hub: Hub, sku: str) -> Decimal:
    with hub.unit_of_work() as uow:
        return service.available(uow, [sku])[sku].quantity


def states(hub: Hub, order_id: str) -> dict[str, Decimal]:
    """How much of an order is in which state of its life."""
    with hub.unit_of_work() as uow:
        rows = uow.sql(
            "SELECT state, sum(quantity) FROM inventory.reservation WHERE order_id = %(order)s GROUP BY state",
            {"order": order_id},
        )
        return {row[0]: row[1] for row in rows}
