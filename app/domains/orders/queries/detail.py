"""One order as it stands: its newest document, who holds it, what left, what was invoiced, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.orders.lifecycle import State
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound
from app.kernel.money import Money

DETAIL = """
SELECT o.id::text, o.channel, o.external_id, o.name, o.company, o.state, o.test, o.version, o.accepted_version,
       o.source_version, o.placed_at, o.captured_at, o.changed_at, o.currency, o.total_minor, o.correlation_id,
       v.document,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('erp', erp, 'number', number, 'status', status, 'version', version,
                    'total_minor', total_minor, 'currency', currency, 'posted_at', posted_at,
                    'released_at', released_at, 'cancelled_at', cancelled_at) ORDER BY erp), '[]')
          FROM orders.erp_document WHERE order_id = o.id),
       (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'reason', reason, 'placed_at', placed_at)
                    ORDER BY placed_at), '[]')
          FROM orders.hold WHERE order_id = o.id AND released_at IS NULL),
       (SELECT coalesce(jsonb_agg(jsonb_build_object('erp', s.erp, 'number', s.number, 'state', s.state,
                    'shipped_at', s.shipped_at, 'location', s.location, 'lines',
                    (SELECT jsonb_agg(jsonb_build_object('line_id', l.line_id, 'sku', l.sku,
                            'quantity', trim_scale(l.quantity)::text) ORDER BY l.n)
                       FROM orders.shipment_line l WHERE l.shipment_id = s.id), 'packages',
                    (SELECT coalesce(jsonb_agg(jsonb_build_object('tracking_number', p.tracking_number,
                            'carrier', p.carrier, 'tracking_url', p.tracking_url) ORDER BY p.tracking_number), '[]')
                       FROM orders.package p WHERE p.shipment_id = s.id)) ORDER BY s.id), '[]')
          FROM orders.shipment s WHERE s.order_id = o.id),
       (SELECT coalesce(jsonb_agg(jsonb_build_object('erp', erp, 'number', number, 'invoiced_on', invoiced_on,
                    'total_minor', total_minor, 'currency', currency) ORDER BY number), '[]')
          FROM orders.invoice WHERE order_id = o.id),
       (SELECT coalesce(jsonb_agg(jsonb_build_object('code', code, 'about', about, 'said', said, 'found_at', found_at)
                    ORDER BY found_at, code), '[]')
          FROM orders.finding WHERE order_id = o.id)
  FROM orders.sales_order o JOIN orders.order_version v ON v.order_id = o.id AND v.n = o.version
 WHERE o.id = %(id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """An order with everything around it. `document` is `order.v1` as JSON; the lists are plain rows."""

    order_id: str
    channel: str
    external_id: str
    name: str
    company: str
    state: State
    test: bool
    version: int
    accepted_version: int
    source_version: datetime
    placed_at: datetime
    captured_at: datetime
    changed_at: datetime
    total: Money
    correlation_id: str
    document: Mapping[str, Any]
    erp_documents: tuple[Mapping[str, Any], ...]
    holds: tuple[Mapping[str, Any], ...]
    shipments: tuple[Mapping[str, Any], ...]
    invoices: tuple[Mapping[str, Any], ...]
    findings: tuple[Mapping[str, Any], ...]

    @property
    def etag(self) -> str:
        """What changes whenever anything here does."""
        parts = (self.version, self.accepted_version, self.changed_at.timestamp(), self.state.value)
        counts = (len(self.shipments), len(self.invoices), len(self.findings), len(self.holds))
        shown = [(one["state"], len(one["packages"])) for one in self.shipments]
        erps = [(one["number"], one["version"], one["status"]) for one in self.erp_documents]
        return f"{parts}{counts}{shown}{erps}"


def detail(uow: UnitOfWork, order_id: str) -> Detail:
    """One order, in one statement. Raises NotFound (`orders.unknown`)."""
    row = uow.sql(DETAIL, {"id": order_id}).fetchone()
    if row is None:
        raise NotFound("orders.unknown", f"there is no order {order_id}", about=order_id)
    return Detail(
        order_id=row[0], channel=row[1], external_id=row[2], name=row[3], company=row[4], state=State(row[5]),
        test=row[6], version=row[7], accepted_version=row[8], source_version=row[9], placed_at=row[10],
        captured_at=row[11], changed_at=row[12], total=Money(row[14], row[13]), correlation_id=row[15],
        document=row[16], erp_documents=_amounts(row[17]), holds=tuple(row[18]), shipments=tuple(row[19]),
        invoices=_amounts(row[20]), findings=tuple(row[21]),
    )  # fmt: skip


def _amounts(rows: list[dict[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The rows with exact amounts as text beside their currency."""
    return tuple(
        {name: value for name, value in row.items() if name not in ("total_minor", "currency")}
        | {"total": {"amount": Money(row["total_minor"], row["currency"]).text, "currency": row["currency"]}}
        for row in rows
    )
