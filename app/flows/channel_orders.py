"""What a channel's own orders want of goods, as far as the hub has heard of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from app.domains.inventory.canonical import NOTHING
from app.domains.inventory.service import outgoing
from app.domains.orders.queries.channels import of_channel
from app.infra.uow import UnitOfWork


def arrived_since(uow: UnitOfWork, channel: str, sinces: Mapping[str, datetime]) -> dict[str, Decimal]:
    """How much of each SKU the channel's own orders have reserved since its instant."""
    rows = [row for row in outgoing.reserved_since(uow, sinces) if _is_order(row[0])]
    ours = of_channel(uow, channel, {order for order, _, _ in rows})
    found: dict[str, Decimal] = {}
    for order, sku, quantity in rows:
        if order in ours:
            found[sku] = found.get(sku, NOTHING) + quantity
    return found


def instant(uow: UnitOfWork) -> datetime:
    """Now by the database's clock, which dates reservations too."""
    row = uow.sql("SELECT clock_timestamp()").fetchone()
    assert row is not None, "a SELECT of one value gives one row"
    return row[0]  # type: ignore[no-any-return]


def _is_order(text: str) -> bool:
    """Whether a reservation is an order's: carts have names of their own."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
