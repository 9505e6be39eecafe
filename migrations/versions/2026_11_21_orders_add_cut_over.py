"""Cut-over reports: what two ERPs hold of the same orders, as each was asked.

Why: before an ERP is retired, both are compared field by field.
Safe with the previous release because: it reads neither table.
Undo: drops both; reports are made again.
"""

from __future__ import annotations

from alembic import op

revision = "orders_add_cut_over"
down_revision = "hub_add_coexistence"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE orders.cut_over (
    id uuid CONSTRAINT pk_cut_over PRIMARY KEY, old text NOT NULL, new text NOT NULL,
    company text NOT NULL DEFAULT '', channel text NOT NULL DEFAULT '',
    placed_from timestamptz NOT NULL, placed_until timestamptz NOT NULL,
    orders int NOT NULL, who text NOT NULL, started_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE orders.cut_over_view (
    cut_over_id uuid NOT NULL CONSTRAINT fk_cut_over_view_cut_over_id REFERENCES orders.cut_over (id) ON DELETE CASCADE,
    order_id uuid NOT NULL, erp text NOT NULL, name text NOT NULL, key text NOT NULL,
    state text NOT NULL DEFAULT 'asked'
        CONSTRAINT ck_cut_over_view_known_state CHECK (state IN ('asked', 'held', 'would', 'missing', 'failed')),
    view jsonb, said text NOT NULL DEFAULT '', read_at timestamptz,
    CONSTRAINT pk_cut_over_view PRIMARY KEY (cut_over_id, order_id, erp));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")  # whatever takes longer is a batched job, not a migration
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE orders.cut_over_view, orders.cut_over")
