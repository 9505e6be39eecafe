"""Whose orders some orders are."""

from __future__ import annotations

from collections.abc import Collection

from app.infra.uow import UnitOfWork

OF_CHANNEL = """
SELECT o.id::text FROM unnest(%(ids)s::uuid[]) given(id) JOIN orders.sales_order o ON o.id = given.id
 WHERE o.channel = %(channel)s
"""


def of_channel(uow: UnitOfWork, channel: str, order_ids: Collection[str]) -> set[str]:
    """Those of these orders that came from a channel, in one statement."""
    return {row[0] for row in uow.sql(OF_CHANNEL, {"ids": list(order_ids), "channel": channel})} if order_ids else set()
