"""Reservations that wait for a payment get the deadline that gives them back.

Why: each is given back at its own time, and no longer by a look at all of them every minute.
Safe with the previous release because: its look finds nothing that was given back, and gives back nothing twice.
Undo: takes the deadlines away; the look of the release before takes over.
"""

from __future__ import annotations

from alembic import op

revision = "inventory_add_lapses"
down_revision = "hub_add_behind_index"
branch_labels = None
depends_on = None

FILL = """
INSERT INTO hub.deadline (id, flow, key, name, due_at, fact_type, payload)
SELECT gen_random_uuid(), 'inventory', 'inventory:' || order_id, 'payment', until, 'inventory.reservation_lapsed.v1',
       jsonb_build_object('order_id', order_id,
                          'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
  FROM (SELECT order_id, max(expires_at) AS until FROM inventory.reservation
         WHERE expires_at IS NOT NULL AND state IN ('quoted', 'held') GROUP BY order_id) waiting
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")  # what waits for a payment is few, and has an index
    op.execute(FILL)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DELETE FROM hub.deadline WHERE flow = 'inventory' AND name = 'payment'")
