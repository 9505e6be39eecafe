"""Versions that came after a newer one: they change nothing, and the order's story says what had overtaken them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.domains.orders.canonical import Order
from app.infra.uow import UnitOfWork


class Late(Protocol):
    """A version as a message or a fetch told it."""

    @property
    def order(self) -> Order: ...
    @property
    def source(self) -> str: ...
    @property
    def notice_id(self) -> int: ...
    @property
    def triggered_at(self) -> datetime | None: ...


# Which version is the newest is read under the order's lock, in the transaction that found this one older.
KEEP = """
INSERT INTO orders.overtaken_version
    (order_id, source_version, triggered_at, source, notice_id, overtaken_by, newer_version)
SELECT g.order_id, g.source_version, g.triggered_at, g.source, g.notice_id, o.version, o.source_version
  FROM unnest(%(orders)s::uuid[], %(versions)s::timestamptz[], %(triggered)s::timestamptz[], %(sources)s::text[],
              %(notices)s::bigint[]) g(order_id, source_version, triggered_at, source, notice_id)
  JOIN orders.sales_order o ON o.id = g.order_id
ON CONFLICT DO NOTHING
"""


def keep_overtaken(uow: UnitOfWork, late: Sequence[tuple[str, Late]]) -> None:
    """Keep each under its order's id; the same message again is one."""
    if late:
        given = {
            "orders": [order_id for order_id, _ in late],
            "versions": [one.order.source_version for _, one in late],
            "triggered": [one.triggered_at for _, one in late],
            "sources": [one.source for _, one in late],
            "notices": [one.notice_id for _, one in late],
        }
        uow.sql(KEEP, given)
