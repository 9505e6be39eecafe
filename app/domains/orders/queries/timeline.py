"""Everything that happened to one order in every system, in its order: told, decided, called, answered, found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.infra.uow import UnitOfWork

MOST = 1000  # entries of one answer: an order that is told of more often is read from its newest

STORY = """
SELECT o.channel, o.external_id, o.correlation_id,
       ARRAY(SELECT ARRAY[erp, number] FROM orders.erp_document WHERE order_id = o.id)
  FROM orders.sales_order o WHERE o.id = %(id)s
"""

TIMELINE = """
WITH told AS (
    SELECT e.* FROM hub.event e
     WHERE e.key = ANY(%(keys)s::text[]) OR e.correlation_id = %(correlation)s AND %(correlation)s <> ''),
story AS (
    SELECT received_at AS at, 'notice' AS kind, topic AS what, connection AS system, verdict AS state, '' AS code,
           remark AS said,
           jsonb_build_object('notice_id', id, 'source', source, 'correlation_id', correlation_id) AS facts
      FROM hub.notice WHERE object_id = ANY(%(objects)s::text[])
       AND (connection = %(channel)s OR kind = 'erp_order')
    UNION ALL
    SELECT at, 'event', type, origin, '', '', '', jsonb_build_object('event_id', id, 'payload', payload) FROM told
    UNION ALL
    SELECT coalesce(d.done_at, d.next_at), 'delivery', d.subscriber, d.connection, d.state, coalesce(d.code, ''), '',
           jsonb_build_object('event_id', d.event_id, 'delivery_id', d.id, 'attempt', d.attempt, 'in_doubt', d.in_doubt)
      FROM told JOIN hub.delivery d ON d.event_id = told.id
    UNION ALL
    SELECT coalesce(a.ended_at, a.started_at), 'attempt', d.subscriber, d.connection, a.outcome, a.code, a.said,
           jsonb_build_object('delivery_id', a.delivery, 'n', a.n, 'started_at', a.started_at)
      FROM told JOIN hub.delivery d ON d.event_id = told.id
                JOIN hub.attempt a ON a.event_id = d.event_id AND a.delivery = d.id
    UNION ALL
    SELECT kept_at, 'version', source, '', n::text, '', '',
           jsonb_build_object('n', n, 'source_version', source_version, 'notice_id', notice_id)
      FROM orders.order_version WHERE order_id = %(id)s
    UNION ALL
    SELECT at, 'overtaken', source, '', overtaken_by::text, 'orders.older_version', '',
           jsonb_build_object('source_version', source_version, 'overtaken_by', overtaken_by,
                              'newer_version', newer_version, 'notice_id', notice_id)
      FROM orders.overtaken_version WHERE order_id = %(id)s
    UNION ALL
    SELECT at, 'move', trigger, '', after, '', why, jsonb_build_object('before', before)
      FROM orders.order_move WHERE order_id = %(id)s
    UNION ALL
    SELECT placed_at, 'hold', kind, '', CASE WHEN released_at IS NULL THEN 'open' ELSE 'released' END, '', reason,
           jsonb_build_object('released_at', released_at, 'released_by', released_by, 'release_reason', release_reason)
      FROM orders.hold WHERE order_id = %(id)s
    UNION ALL
    SELECT recorded_at, 'shipment', number, erp, state, '', '', jsonb_build_object('shipped_at', shipped_at)
      FROM orders.shipment WHERE order_id = %(id)s
    UNION ALL
    SELECT recorded_at, 'invoice', number, erp, '', '', '', jsonb_build_object('invoiced_on', invoiced_on)
      FROM orders.invoice WHERE order_id = %(id)s
    UNION ALL
    SELECT found_at, 'finding', code, '', '', code, said, facts FROM orders.finding WHERE order_id = %(id)s
    UNION ALL
    SELECT c.opened_at, 'case', c.title, c.connection, c.state, c.code, c.said,
           jsonb_build_object('case_id', c.id, 'count', c.count)
      FROM hub.exception_case c
     WHERE c.id IN (SELECT case_id FROM hub.case_item WHERE key = ANY(%(keys)s::text[])))
SELECT at, kind, what, system, state, code, said, facts FROM (SELECT * FROM story ORDER BY at DESC LIMIT %(most)s) s
 ORDER BY at, array_position(ARRAY['notice', 'version', 'event', 'move', 'delivery', 'attempt'], kind)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an order's story. `said` are the other side's own words."""

    at: datetime
    kind: str  # notice, version, overtaken, event, move, delivery, attempt, hold, shipment, invoice, finding, case
    what: str
    system: str
    state: str
    code: str
    said: str
    facts: Mapping[str, Any]


def timeline(uow: UnitOfWork, order_id: str) -> list[Entry]:
    """The story of an order, oldest first; empty for one that is not known."""
    row = uow.sql(STORY, {"id": order_id}).fetchone()
    if row is None:
        return []
    channel, external_id, correlation, documents = row
    heard = [f"hub:{channel}:order:{external_id}", *(f"hub:{erp}:erp_order:{number}" for erp, number in documents)]
    given = {
        "id": order_id, "channel": channel, "correlation": correlation, "most": MOST,
        "objects": [external_id, *(number for _, number in documents)],
        "keys": [f"orders:{order_id}", f"inventory:{order_id}", *heard],
    }  # fmt: skip
    return [
        Entry(at=at, kind=kind, what=what, system=system, state=state, code=code, said=said, facts=facts)
        for at, kind, what, system, state, code, said, facts in uow.sql(TIMELINE, given)
    ]
