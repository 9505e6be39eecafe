"""Parts of reservations reach another state: whole rows change, parts become rows of their own, levels follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.domains.inventory.canonical import Reservation
from app.domains.inventory.events import OversellEnded
from app.domains.inventory.lifecycle import RESERVATION, State
from app.infra.uow import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """So much of one reservation row that moves on; the row is locked and its SKU held."""

    row: Reservation
    quantity: Decimal


MOVE_ON = """
WITH change AS MATERIALIZED (
    SELECT r.*, c.quantity AS part FROM unnest(%(ids)s::bigint[], %(quantities)s::numeric[]) c(id, quantity)
      JOIN inventory.reservation r USING (id)),
whole AS (
    UPDATE inventory.reservation r
       SET state = %(state)s, ended_by = %(ended_by)s, contained = false, changed_at = now()
      FROM change c WHERE r.id = c.id AND c.part = c.quantity),
rest AS (
    UPDATE inventory.reservation r
       SET quantity = c.quantity - c.part, back_ordered = least(c.back_ordered, c.quantity - c.part), changed_at = now()
      FROM change c WHERE r.id = c.id AND c.part < c.quantity),
part AS (
    INSERT INTO inventory.reservation
           (order_id, order_line, sku, location, quantity, per, back_ordered, state, ended_by, accepted_at, expires_at,
            made_at)
    SELECT order_id, order_line, sku, location, part, per, greatest(0, back_ordered - (quantity - part)), %(state)s,
           %(ended_by)s, accepted_at, expires_at, made_at
      FROM change WHERE part < quantity)
UPDATE inventory.stock_level s
   SET reserved = s.reserved + d.reserved, contained = s.contained - d.contained,
       oversold = greatest(0, d.reserved - s.free + d.contained - s.back_ordered - d.waits),
       back_ordered = least(s.back_ordered + d.waits, greatest(0, d.reserved - s.free + d.contained)),
       changed_at = now()
  FROM (SELECT c.sku, c.location, l.oversold AS before, %(sign)s * sum(part) AS reserved,
               CASE WHEN %(sign)s > 0 THEN sum(least(c.back_ordered, part)) ELSE 0 END AS waits,
               coalesce(sum(part) FILTER (WHERE c.contained), 0) AS contained
          FROM change c JOIN inventory.stock_level l USING (sku, location) GROUP BY 1, 2, 3) d
 WHERE s.sku = d.sku AND s.location = d.location
RETURNING s.sku, s.location, d.before > 0 AND s.oversold = 0
"""


def end(uow: UnitOfWork, endings: Sequence[Ending], trigger: str, *, ended_by: str = "") -> None:
    """Move these parts on by `trigger` and out of what their levels have promised; `ended_by` is the document."""
    _move_on(uow, endings, trigger, ended_by, sign=-1)


def reopen(uow: UnitOfWork, endings: Sequence[Ending], trigger: str) -> None:
    """Move parts that had ended on by `trigger` and back into what their levels have promised."""
    _move_on(uow, endings, trigger, "", sign=1)


def _move_on(uow: UnitOfWork, endings: Sequence[Ending], trigger: str, ended_by: str, *, sign: int) -> None:
    if not endings:
        return
    states = {RESERVATION.step(State(ending.row.state), trigger).state for ending in endings}
    (state,) = states  # a trigger leads every open state to the same one
    rows = uow.sql(
        MOVE_ON,
        {
            "ids": [ending.row.row_id for ending in endings],
            "quantities": [ending.quantity for ending in endings],
            "state": state.value,
            "ended_by": ended_by,
            "sign": sign,
        },
    ).fetchall()
    for sku, location, is_over in rows:
        if is_over:
            uow.publish(OversellEnded(sku=sku, location=location))
